import type { Session } from '../session/session.ts';

const MEGABYTE = 1024 ** 2;
/** Others are told of a browser's memory where it changed by this share, and this many bytes: it changes with each measurement. */
const CHANGE = 0.15;
const LEAST_CHANGE = 8 * MEGABYTE;

/** Shares of sessions by which their memory is shown: half of them take no more than the first says, and the last is the largest. */
export const QUANTILES = [0.5, 0.9, 0.99, 1] as const;

/** The value that a share of some values does not exceed: the nearest rank. 0 where there are none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

/** What was told last of each session's memory. */
export class ToldMemory {
  readonly #told = new WeakMap<Session, number>();

  /** Whether what a session takes now is worth telling; it counts as told then. */
  isNews(session: Session, bytes: number): boolean {
    const told = this.#told.get(session);
    const isNews =
      told === undefined || Math.abs(bytes - told) >= Math.max(LEAST_CHANGE, Math.max(told, bytes) * CHANGE);
    if (isNews) this.#told.set(session, bytes);
    return isNews;
  }
}
