import type { Clock } from '../../common/clock.ts';

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
      const over = new AbortController();
      this.#wake = () => over.abort();
      await clock.sleep(time, AbortSignal.any([signal, over.signal])).catch(() => undefined);
      this.#wake = undefined;
    }
    this.#rung = false;
  }
}
