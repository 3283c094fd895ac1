/** A generation, as far as it matters for where a profile can be had from. */
export interface GenerationFacts {
  generation: number;
  /** Whether it holds a profile. */
  hasProfile: boolean;
  /** How often the session came to be ready on it. */
  readyStarts: number;
  /** What it was made from, as it was then; null where that was not written down, or it began empty. */
  adopted: {
    from: number;
    /** Whether it was copied from the profile there, and holds the list of its files. */
    hasFiles: boolean;
    goodCopies: readonly number[];
  } | null;
  /** When the good copies in it were made, milliseconds since 1970. */
  goodCopies: readonly number[];
}

/** Where a profile can be had from. */
export type ProfileSource =
  /** The profile of a generation; `provenBy` is the later one that was copied from it, and holds the list of what it was then. */
  | { kind: 'profile'; generation: number; provenBy: number | null }
  /** A good copy in a generation; `time` as in {@link GenerationFacts.goodCopies}. */
  | { kind: 'good_copy'; generation: number; time: number };

/**
 * Where a session's profile can be had from, best first. Pure.
 *
 * 1. The generation its record names: its profile, then the good copies in it, newest first.
 * 2. The generations before it, newest first, each in the same way. But whoever ran there may have gone on writing after it had lost the
 *    session, and no byte of that may come back. Such a profile counts only as far as a later generation was copied from it, holds the
 *    list of what it copied, and came to be ready with it; such a good copy only if a later generation knows of it.
 *
 * A generation above the one the record names is none: whoever made it ended before it could say so, and nobody has run on it.
 *
 * @param current the generation that the session's record names
 */
export function orderSources(generations: readonly GenerationFacts[], current: number): ProfileSource[] {
  const known = generations
    .filter(({ generation }) => generation <= current)
    .sort((left, right) => right.generation - left.generation);
  return known.flatMap((facts) => {
    const { generation, hasProfile } = facts;
    const later = known.filter(({ adopted }) => adopted?.from === generation);
    const copies = facts.goodCopies
      .filter(
        (time) => generation === current || later.some(({ adopted }) => adopted?.goodCopies.includes(time)),
      )
      .sort((left, right) => right - left)
      .map((time): ProfileSource => ({ kind: 'good_copy', generation, time }));
    const provenBy =
      later.find(({ adopted, readyStarts }) => adopted?.hasFiles && readyStarts > 0)?.generation ?? null;
    const usable = hasProfile && (generation === current || provenBy !== null);
    return usable
      ? [{ kind: 'profile', generation, provenBy: generation === current ? null : provenBy }, ...copies]
      : copies;
  });
}

/** A source in words, for logs and errors. */
export function describeSource(source: ProfileSource): string {
  return source.kind === 'profile'
    ? `generation ${source.generation}`
    : `the good copy of ${new Date(source.time).toISOString()} in generation ${source.generation}`;
}
