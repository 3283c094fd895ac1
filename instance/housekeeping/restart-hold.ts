/** How long nothing is restarted after a restart from which a session did not come back, milliseconds; doubles with each that follows. */
const FIRST = 60 * 60_000;
const LONGEST = 24 * 60 * 60_000;

/**
 * Stops soft restarts where they do harm: one that failed may be the first of many, since WhatsApp changed its page, or the storage or the host is not well.
 * On the monotonic clock, in milliseconds.
 */
export class RestartHold {
  #failures = 0;
  #until = Number.NEGATIVE_INFINITY;

  /** Whether nothing is to be restarted now. */
  isOn(now: number): boolean {
    return now < this.#until;
  }

  /** One came back: the next failure counts as the first. */
  succeeded(): void {
    this.#failures = 0;
  }

  /** One did not come back. Answers for how long nothing is restarted. */
  failed(now: number): number {
    const lasts = Math.min(LONGEST, FIRST * 2 ** this.#failures);
    this.#failures += 1;
    this.#until = now + lasts;
    return lasts;
  }
}
