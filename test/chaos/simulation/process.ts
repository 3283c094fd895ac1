import type { Clock } from '../../../common/clock.ts';
import type { VirtualTime } from './virtual-time.ts';

/** Where the wall clock stands when a simulation begins. */
const EPOCH = Date.UTC(2026, 10, 22);

/**
 * A process of the simulated world. Whatever comes to it (a timer, an answer, a message) goes through {@link Process.deliver}: it is lost
 * when the process is dead, and waits while it is stopped, as after SIGSTOP.
 */
export class Process {
  readonly name: string;
  readonly clock: Clock;
  readonly #time: VirtualTime;
  readonly #ends: (() => void)[] = [];
  readonly #resumes: (() => void)[] = [];
  #alive = true;
  #stopped = false;
  #waiting: (() => void)[] = [];
  /** How far its host's wall clock was stepped, milliseconds. */
  wallStep = 0;

  constructor(name: string, time: VirtualTime) {
    this.name = name;
    this.#time = time;
    this.clock = {
      now: () => EPOCH + time.now + this.wallStep,
      monotonic: () => time.now,
      sleep: (milliseconds, signal) => this.#sleep(milliseconds, signal),
    };
  }

  get alive(): boolean {
    return this.#alive;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  deliver(what: () => void): void {
    if (!this.#alive) return;
    if (this.#stopped) this.#waiting.push(what);
    else what();
  }

  kill(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#waiting = [];
    for (const ended of this.#ends) ended();
  }

  onEnd(ended: () => void): void {
    this.#ends.push(ended);
  }

  stop(): void {
    this.#stopped = true;
  }

  resume(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    for (const resumed of this.#resumes) if (this.#alive) resumed();
    for (const what of this.#waiting.splice(0)) this.deliver(what);
  }

  /** Called first of all when it goes on after a stop. */
  onResume(resumed: () => void): void {
    this.#resumes.push(resumed);
  }

  #sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      let over = false;
      const onAbort = () => {
        over = true;
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#time.after(milliseconds, () => {
        if (over) return;
        this.deliver(() => {
          if (over) return;
          over = true;
          signal?.removeEventListener('abort', onAbort);
          resolve();
        });
      });
    });
  }
}
