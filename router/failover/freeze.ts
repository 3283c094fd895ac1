/** An instance that is taken over, or was lately and is not back. */
export interface Admitted {
  instance: string;
  /** When nothing of it was left to take over, on the monotonic clock; null before. */
  emptyAt: number | null;
}

/** What is known when it is decided who is taken over. */
export interface Losses {
  /** Milliseconds on the monotonic clock. */
  now: number;
  /** Instances known: those with a lease, and those that own a workspace. */
  known: number;
  /** The lost ones that still own workspaces, longest lost first. */
  lost: readonly string[];
  /** Those that are back. */
  back: ReadonlySet<string>;
  /** What was decided last. */
  admitted: readonly Admitted[];
  /** An operator wants all taken over. */
  unfrozen: boolean;
}

/** Who is taken over, and who waits. */
export interface LossJudgement {
  admitted: Admitted[];
  /** Lost, and more than may be taken over by themselves. */
  waiting: string[];
  limit: number;
}

/**
 * So long after its last workspace found another place, a lost instance still counts: losses so near to each other have one cause more
 * often than not. Milliseconds.
 */
const ONE_CAUSE = 5 * 60_000;

/**
 * Decides which lost instances are taken over. Pure.
 *
 * At most a quarter of the instances known, one at least. When more are lost at a time it is more likely that we see badly than that they are
 * all dead, and the others could hardly carry them: the surplus waits until enough are back, or an operator says so. What was taken over
 * counts on while anything waits: else a freeze would end by itself as soon as the first ones are done with.
 */
export function judgeLosses({ now, known, lost, back, admitted, unfrozen }: Losses): LossJudgement {
  const isLost = new Set(lost);
  const kept = admitted
    .filter(({ instance }) => !back.has(instance))
    .map(({ instance, emptyAt }) => ({ instance, emptyAt: isLost.has(instance) ? null : (emptyAt ?? now) }));
  const limit = Math.max(1, Math.floor(known / 4));
  const names = new Set(kept.map(({ instance }) => instance));
  const surplus = lost.filter((instance) => !names.has(instance));
  const room = unfrozen ? surplus.length : Math.max(0, limit - kept.length);
  const begun = surplus.slice(0, room).map((instance) => ({ instance, emptyAt: null }));
  const waiting = surplus.slice(room);
  const counted =
    waiting.length > 0 ? kept : kept.filter(({ emptyAt }) => emptyAt === null || now - emptyAt <= ONE_CAUSE);
  return { admitted: [...counted, ...begun], waiting, limit };
}
