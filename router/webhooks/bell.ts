import type { Clock } from '../../common/clock.ts';

/** Why a wait is given up; made once, since an error is dear and this one is never shown. */
const RUNG = new Error('it rang');

/** Wakes one that waits; a ring before the wait is not lost. */
export class Bell {
  #rung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Returns when it rings, when the time is over (milliseconds), or when the signal is aborted. */
  async wait(time: number, clock: Clock, signal: AbortSignal): Promise<void> {
    if (!this.#rung && !signal.aborted) {
      // Not a signal derived from the given one, which lives on and would keep each of them.
      const over = new AbortController();
      const wake = () => over.abort(RUNG);
      this.#wake = wake;
      signal.addEventListener('abort', wake, { once: true });
      await clock.sleep(time, over.signal).catch(() => undefined);
      signal.removeEventListener('abort', wake);
      this.#wake = undefined;
    }
    this.#rung = false;
  }
}
