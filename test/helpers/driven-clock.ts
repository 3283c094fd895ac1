import type { Clock } from '../../common/clock.ts';

interface Sleeper {
  at: number;
  order: number;
  wake: () => void;
}

/** A clock that goes on only where a test drives it: sleepers wake in their order, and what they begin goes on before the next one wakes. */
export class DrivenClock implements Clock {
  #time = 1_800_000_000_000;
  #made = 0;
  #sleepers: Sleeper[] = [];

  now(): number {
    return this.#time;
  }

  monotonic(): number {
    return this.#time;
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      this.#made += 1;
      const abort = () => {
        this.#sleepers = this.#sleepers.filter((each) => each !== sleeper);
        reject(signal?.reason);
      };
      const wake = () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      const sleeper = { at: this.#time + milliseconds, order: this.#made, wake };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Lets so many milliseconds pass. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#time + milliseconds;
    await settle();
    for (;;) {
      const [next] = this.#sleepers
        .filter(({ at }) => at <= end)
        .sort((a, b) => a.at - b.at || a.order - b.order);
      if (!next) break;
      this.#sleepers = this.#sleepers.filter((each) => each !== next);
      this.#time = Math.max(this.#time, next.at);
      next.wake();
      await settle();
    }
    this.#time = end;
  }

  /** Lets time pass until something holds, asking every half second. Throws where it does not within the time. */
  async until(condition: () => boolean | Promise<boolean>, within: number): Promise<number> {
    const begun = this.#time;
    while (!(await condition())) {
      if (this.#time - begun >= within) throw new Error(`not within ${within} ms: ${condition.toString()}`);
      await this.pass(500);
    }
    return this.#time - begun;
  }
}

function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
