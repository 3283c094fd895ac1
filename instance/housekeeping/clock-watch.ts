import type { Clock } from '../../common/clock.ts';

/** By so much the wall clock may go apart from the monotonic one between two looks before it counts as set, milliseconds. */
const SET = 10 * 60_000;
/** How long a clock that was set is not gone by, milliseconds: time for somebody to see it and set it right. */
const DISTRUST = 24 * 60 * 60_000;

/** Sees when the host's wall clock is set, for what goes by days and cannot be undone. */
export class ClockWatch {
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>;
  #apart: number;
  #distrustedUntil = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, 'now' | 'monotonic'>) {
    this.#clock = clock;
    this.#apart = this.#difference();
  }

  /** Looks. `jump`: by how many milliseconds it was set since the last look, or null; `isTrusted`: it was not for a day. */
  look(): { jump: number | null; isTrusted: boolean } {
    const apart = this.#difference();
    const jump = apart - this.#apart;
    this.#apart = apart;
    const now = this.#clock.monotonic();
    const isSet = Math.abs(jump) > SET;
    if (isSet) this.#distrustedUntil = now + DISTRUST;
    return { jump: isSet ? jump : null, isTrusted: now >= this.#distrustedUntil };
  }

  #difference(): number {
    return this.#clock.now() - this.#clock.monotonic();
  }
}
