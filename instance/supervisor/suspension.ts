import { uptime } from 'node:os';
import type { Clock } from '../../common/clock.ts';

/** The boot clock and the monotonic clock part by less than this while the machine is awake: `/proc/uptime` counts in hundredths. */
const TOLERANCE = 1000;

/**
 * A monotonic clock that goes on while the machine is suspended, which `CLOCK_MONOTONIC` does not.
 *
 * A supervisor reckons ownership by this one: to the rest of the fleet the time of a suspension has passed, so a proof from before it is
 * older by as much, and authority that ran out meanwhile is lapsed at the first look after it. What is told to other processes of this host
 * goes through {@link toHostClock}.
 */
export class WakefulClock implements Clock {
  readonly #host: Clock;
  readonly #sinceBoot: () => number;
  readonly #offset: number;
  readonly #sleepers = new Set<AbortController>();
  #suspended = 0;

  /**
   * @param host the host's monotonic clock
   * @param sinceBoot milliseconds since boot, suspensions included (`CLOCK_BOOTTIME`)
   */
  constructor(host: Clock, sinceBoot: () => number = () => uptime() * 1000) {
    this.#host = host;
    this.#sinceBoot = sinceBoot;
    this.#offset = sinceBoot() - host.monotonic();
  }

  now(): number {
    return this.#host.now();
  }

  monotonic(): number {
    const awake = this.#host.monotonic();
    const apart = this.#sinceBoot() - awake - this.#offset;
    if (apart - this.#suspended > TOLERANCE) {
      this.#suspended = apart;
      for (const sleeper of this.#sleepers) sleeper.abort();
    }
    return awake + this.#suspended;
  }

  /** Sleeps no longer than until this clock has come so far: a suspension that is noticed meanwhile shortens it. */
  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    const end = this.monotonic() + milliseconds;
    for (let left = milliseconds; left > 0; left = end - this.monotonic()) {
      signal?.throwIfAborted();
      const wake = new AbortController();
      const onAbort = () => wake.abort();
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#sleepers.add(wake);
      try {
        await this.#host.sleep(left, wake.signal);
        return;
      } catch (error) {
        if (!wake.signal.aborted) throw error;
      } finally {
        this.#sleepers.delete(wake);
        signal?.removeEventListener('abort', onAbort);
      }
    }
    signal?.throwIfAborted();
  }

  /** How long the machine was suspended since this clock was made, milliseconds, as of the last look at it. */
  get suspended(): number {
    return this.#suspended;
  }

  /** A time of this clock as the host's monotonic clock has it now. */
  toHostClock(time: number): number {
    return time - this.#suspended;
  }
}
