const FIRST_DELAY = 500;
const LONGEST_DELAY = 30_000;

/** How often a process ended soon after its start, in a row. */
export interface RestartHistory {
  failures: number;
}

/**
 * How long to wait before a process that ended is started again: 0.5, 1, 2 ... 30 s while it keeps ending soon, 0.5 s after it ran well.
 *
 * @param ranFor milliseconds from its start to its end
 * @param well milliseconds it must have run for its end to count as the first again
 */
export function restartDelay(
  history: RestartHistory,
  ranFor: number,
  well = 30_000,
): { delay: number; history: RestartHistory } {
  const failures = ranFor >= well ? 1 : history.failures + 1;
  return { delay: Math.min(FIRST_DELAY * 2 ** (failures - 1), LONGEST_DELAY), history: { failures } };
}
