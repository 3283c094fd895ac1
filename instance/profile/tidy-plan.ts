import { PROVEN_STARTS } from './profile-record.ts';

/** So many generations of a session are kept, the one it runs on included. */
export const GENERATIONS_KEPT = 3;
/** A generation that was replaced is kept so long, milliseconds: a day. */
export const SUPERSEDED_KEPT = 24 * 60 * 60_000;
/** So many generations of a session are kept in the trash. */
export const TRASH_ENTRIES_KEPT = 5;
/** So many bytes of a session's generations are kept in the trash: 1 GiB. */
export const TRASH_BYTES_KEPT = 1024 ** 3;

/** A generation, as far as it matters for whether it stays. */
export interface TidyFacts {
  generation: number;
  /** When it was made, milliseconds since 1970; null if that is not known. */
  madeAt: number | null;
  /** How often the session came to be ready on it, counted to {@link PROVEN_STARTS}. */
  readyStarts: number;
}

/** What is to be done about one thing, and why. */
export interface Verdict<T> {
  what: T;
  keep: boolean;
  reason: string;
}

/**
 * Decides which generations of a session stay. Pure.
 *
 * - The one its record names stays, and so does any above it: somebody may be making the session's next one.
 * - The newest in which the session ever was ready stays, whatever its age and number: it may be all that is good.
 * - While the session has not come to be ready {@link PROVEN_STARTS} times on the one it names, those before it stay, up to
 *   {@link GENERATIONS_KEPT} in all.
 * - Once it has, those before it go a day after it was made.
 *
 * @param current the generation that the session's record names
 * @param now milliseconds since 1970
 */
export function planTidy(generations: readonly TidyFacts[], current: number, now: number): Verdict<number>[] {
  const newestFirst = [...generations].sort((left, right) => right.generation - left.generation);
  const named = newestFirst.find(({ generation }) => generation === current);
  const lastReady = newestFirst.find(
    ({ generation, readyStarts }) => generation <= current && readyStarts > 0,
  );
  const proven = named !== undefined && named.readyStarts >= PROVEN_STARTS;
  const old = named?.madeAt !== null && named !== undefined && now - named.madeAt >= SUPERSEDED_KEPT;
  // Without the one that the record names nothing is known well enough to remove anything.
  let room = named === undefined ? Number.POSITIVE_INFINITY : GENERATIONS_KEPT - 1;
  if (lastReady !== undefined && lastReady.generation !== current) room -= 1;

  return newestFirst.map(({ generation }) => {
    const verdict = (keep: boolean, reason: string) => ({ what: generation, keep, reason });
    if (generation === current) return verdict(true, 'the session runs on it');
    if (generation > current) return verdict(true, 'newer than the one the session runs on');
    if (generation === lastReady?.generation) return verdict(true, 'the last in which the session was ready');
    if (named !== undefined && proven && old)
      return verdict(false, 'replaced more than a day ago by one that is proven');
    if (room <= 0) return verdict(false, `more than ${GENERATIONS_KEPT} generations`);
    room -= 1;
    return verdict(
      true,
      proven ? 'replaced less than a day ago' : 'the one that replaced it is not proven yet',
    );
  });
}

/** A generation in the trash. */
export interface TrashFacts {
  name: string;
  /** When it was put there, milliseconds since 1970. */
  time: number;
  bytes: number;
}

/** Decides which of a session's generations in the trash stay, beside the age limit: the newest, within both limits. Pure. */
export function planTrash(entries: readonly TrashFacts[]): Verdict<string>[] {
  let count = 0;
  let bytes = 0;
  return [...entries]
    .sort((left, right) => right.time - left.time || (left.name < right.name ? 1 : -1))
    .map((entry) => {
      count += 1;
      bytes += entry.bytes;
      if (count > TRASH_ENTRIES_KEPT)
        return {
          what: entry.name,
          keep: false,
          reason: `more than ${TRASH_ENTRIES_KEPT} generations in the trash`,
        };
      // The newest stays, whatever its size: it is what somebody may want back.
      if (bytes > TRASH_BYTES_KEPT && count > 1)
        return { what: entry.name, keep: false, reason: `more than ${TRASH_BYTES_KEPT} bytes in the trash` };
      return { what: entry.name, keep: true, reason: 'within the limits' };
    });
}
