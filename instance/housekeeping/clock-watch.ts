import { type Clock, withDeadline } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';

/** By so much the wall clock may go apart from the monotonic one between two looks, or from the others' at any, milliseconds. */
const APART = 10 * 60_000;
/** How long a clock that was set is not gone by, milliseconds: time for somebody to see it and set it right. */
const DISTRUST = 24 * 60 * 60_000;
/** The others have so long to say what time it is, milliseconds. */
const PATIENCE = 5000;

/** What the host's wall clock is compared with. */
export interface WatchParts {
  clock: Pick<Clock, 'now' | 'monotonic'>;
  /** What time it is elsewhere, milliseconds since 1970: a clock that this host does not set. */
  others: () => Promise<number>;
  log: Logger;
}

/** Says whether the host's wall clock can be gone by, for what goes by days and cannot be undone. */
export class ClockWatch {
  readonly #parts: WatchParts;
  #difference: number;
  #distrustedUntil = Number.NEGATIVE_INFINITY;

  constructor(parts: WatchParts) {
    this.#parts = parts;
    this.#difference = this.#measure();
  }

  /** Looks: true where the clock was not set for a day as far as this process saw, and says now what others' says. Why not is logged. */
  async isTrusted(): Promise<boolean> {
    const isSteady = this.#isSteady();
    return (await this.#agrees()) && isSteady;
  }

  #isSteady(): boolean {
    const { clock, log } = this.#parts;
    const before = this.#difference;
    this.#difference = this.#measure();
    const jump = this.#difference - before;
    const now = clock.monotonic();
    if (Math.abs(jump) > APART) {
      this.#distrustedUntil = now + DISTRUST;
      log.error(
        { jump_hours: inHours(jump) },
        "the host's clock was set: for 24 hours nothing is removed for its age, and nothing is done with sessions that nobody uses. See that it is right",
      );
    }
    return now >= this.#distrustedUntil;
  }

  async #agrees(): Promise<boolean> {
    const { clock, log, others } = this.#parts;
    try {
      const theirs = await withDeadline(others(), PATIENCE, () => new Error(`no answer in ${PATIENCE} ms`));
      const apart = clock.now() - theirs;
      if (Math.abs(apart) <= APART) return true;
      log.error(
        { ahead_hours: inHours(apart) },
        "the host's clock and that of Redis are far apart: nothing is removed for its age, and nothing is done with sessions that nobody uses. Set right the one that is wrong",
      );
    } catch (error) {
      log.warn(
        { reason: messageOf(error) },
        "the host's clock could not be compared with that of Redis: what goes by days is looked at again later",
      );
    }
    return false;
  }

  #measure(): number {
    const { clock } = this.#parts;
    return clock.now() - clock.monotonic();
  }
}

function inHours(milliseconds: number): number {
  return Math.round(milliseconds / 360_000) / 10;
}
