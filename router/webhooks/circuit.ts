/** Failures in a row that open the circuit. */
const FAILURES_TO_OPEN = 5;

/** Milliseconds from the opening to the first probe; doubles with each that fails, up to the longest. */
const FIRST_PAUSE = 5000;
const LONGEST_PAUSE = 5 * 60_000;
const JITTER = 0.2;
/** No pause is longer: one that seems so was begun by a clock that was set back since. */
const LONGEST_BELIEVED = LONGEST_PAUSE * (1 + JITTER);
/** A receiver may ask us to wait (`Retry-After`), but no longer than this. */
const LONGEST_HOLD = LONGEST_PAUSE;

/**
 * The circuit of one receiver: it keeps what is down, or slow and failing, from being asked again and again.
 *
 *     closed --five failures in a row, not all of one event that is merely refused--> open
 *     open --its pause is over--> half open: one event goes as a probe
 *     half open --the probe is taken--> closed: everything that waits is due at once
 *     half open --the probe fails--> open, with twice the pause
 *
 * A refusal (an HTTP status) of one single event says nothing of the receiver: it may be the event. No answer at all does.
 * Times in milliseconds since 1970; not persisted but for `failingSince`.
 */
export class Circuit {
  #row = 0;
  #last: string | null = null;
  #several = false;
  #pauses = 0;
  #openUntil: number | null = null;
  #heldUntil = 0;
  #failingSince: number | null;

  /** @param failingSince what the router before found: with it, one event goes first to see whether it is so still */
  constructor(failingSince: number | null = null) {
    this.#failingSince = failingSince;
    if (failingSince !== null) this.#openUntil = 0;
  }

  get state(): 'closed' | 'open' {
    return this.#openUntil === null ? 'closed' : 'open';
  }

  get failuresInRow(): number {
    return this.#row;
  }

  /** Since when the receiver has taken nothing; null where it took the last. */
  get failingSince(): number | null {
    return this.#failingSince;
  }

  /** How many events may be under way at one time. @param most where all is well */
  allowed(now: number, most: number): number {
    if (isAhead(this.#heldUntil, now)) return 0;
    if (this.#openUntil === null) return most;
    return isAhead(this.#openUntil, now) ? 0 : 1;
  }

  /** When {@link allowed} grows by itself; null: not by time. */
  nextChange(now: number): number | null {
    const held = isAhead(this.#heldUntil, now) ? this.#heldUntil : 0;
    const open = isAhead(this.#openUntil ?? 0, now) ? (this.#openUntil ?? 0) : 0;
    const next = Math.max(held, open);
    return next === 0 ? null : next;
  }

  /** @returns true where this closed it */
  taken(): boolean {
    const wasOpen = this.#openUntil !== null;
    this.#row = 0;
    this.#several = false;
    this.#last = null;
    this.#pauses = 0;
    this.#openUntil = null;
    this.#failingSince = null;
    return wasOpen;
  }

  /**
   * @param event which one was not taken
   * @param answered true where there was an HTTP answer
   * @param random from 0 to 1
   * @returns true where this opened it
   */
  failed(event: string, answered: boolean, now: number, random: number): boolean {
    this.#row += 1;
    this.#several ||= !answered || (this.#last !== null && this.#last !== event);
    this.#last = event;
    this.#failingSince ??= now;
    const wasOpen = this.#openUntil !== null;
    // What was under way when it opened says nothing new.
    if (isAhead(this.#openUntil ?? 0, now)) return false;
    if (!wasOpen && !(this.#several && this.#row >= FAILURES_TO_OPEN)) return false;
    const pause = Math.min(FIRST_PAUSE * 2 ** this.#pauses, LONGEST_PAUSE);
    this.#pauses += 1;
    this.#openUntil = Math.round(now + pause * (1 + JITTER * (2 * random - 1)));
    return !wasOpen;
  }

  /** The receiver asked for a pause of so many milliseconds (429 or 503 with Retry-After). */
  hold(wish: number, now: number): void {
    this.#heldUntil = Math.max(this.#heldUntil, now + Math.min(wish, LONGEST_HOLD));
  }

  /** Something was changed by hand: what is wrong may be mended, so one event goes at once. */
  tryNow(): void {
    this.#heldUntil = 0;
    if (this.#openUntil !== null) this.#openUntil = 0;
    this.#pauses = 0;
  }
}

function isAhead(time: number, now: number): boolean {
  return time > now && time - now <= LONGEST_BELIEVED;
}
