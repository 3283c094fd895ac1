import type { Clock } from '../../../common/clock.ts';

interface Sleeper {
  milliseconds: number;
  wake: () => void;
}

/** A clock whose sleepers wake when they are told to, and whose time goes on by what they were to sleep. */
export class ManualClock implements Clock {
  /** What was slept or is being slept, in order, milliseconds. */
  readonly slept: number[] = [];
  readonly #sleepers: Sleeper[] = [];
  #elapsed = 0;

  now(): number {
    return Date.UTC(2026, 10, 22) + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    this.slept.push(milliseconds);
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#forget(sleeper);
        reject(signal?.reason);
      };
      const sleeper: Sleeper = {
        milliseconds,
        wake: () => {
          signal?.removeEventListener('abort', onAbort);
          this.#forget(sleeper);
          this.#elapsed += milliseconds;
          resolve();
        },
      };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Wakes one who sleeps for so long; false when nobody does. */
  wake(milliseconds: number): boolean {
    const sleeper = this.#sleepers.find((one) => one.milliseconds === milliseconds);
    sleeper?.wake();
    return sleeper !== undefined;
  }

  /** Wakes all who sleep now. */
  wakeAll(): void {
    for (const sleeper of [...this.#sleepers]) sleeper.wake();
  }

  #forget(sleeper: Sleeper): void {
    this.#sleepers.splice(this.#sleepers.indexOf(sleeper), 1);
  }
}
