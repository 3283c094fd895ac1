import type { Clock } from '../../common/clock.ts';
import type { Coordination } from '../../fleet/coordination.ts';
import type { OwnershipTimes } from '../../fleet/ownership-times.ts';

/** An instance that is not back after so long, milliseconds, lets its lease lapse: others start its workspaces. */
const LONGEST = 20_000;

/** What a lease bridge needs. */
export interface LeaseBridgeParts {
  holder: { instance: string };
  coordination: Pick<Coordination, 'renew' | 'release'>;
  clock: Clock;
  times: OwnershipTimes;
}

/**
 * Holds the lease of an incarnation whose process ended, until the next one takes it over: the supervisor lives, and will be back with it
 * sooner than others could. Only a lease that is held is renewed; a lapsed one stays lapsed. Nothing runs meanwhile, so nothing is proved.
 */
export class LeaseBridge {
  readonly #parts: LeaseBridgeParts;
  #incarnation: string | undefined;
  #ending = new AbortController();

  constructor(parts: LeaseBridgeParts) {
    this.#parts = parts;
  }

  /** Begins to hold the lease of this incarnation; where it holds one already, goes on with that. */
  begin(incarnation: string): void {
    this.end();
    this.#incarnation = incarnation;
    this.#ending = new AbortController();
    void this.#hold(incarnation, this.#ending.signal);
  }

  /** No longer holds it: whoever comes next has taken it, or nobody comes. */
  end(): void {
    this.#incarnation = undefined;
    this.#ending.abort();
  }

  /** Gives the lease up, where it is being held, so that its workspaces are kept for a restart. */
  async giveUp(): Promise<void> {
    const incarnation = this.#incarnation;
    this.end();
    if (incarnation === undefined) return;
    const { coordination, holder, times } = this.#parts;
    await coordination.release(holder.instance, incarnation, times.restart).catch(() => {});
  }

  async #hold(incarnation: string, signal: AbortSignal): Promise<void> {
    const { coordination, holder, clock, times } = this.#parts;
    const end = clock.monotonic() + LONGEST;
    while (!signal.aborted && clock.monotonic() < end) {
      await coordination.renew(holder.instance, incarnation, times.lease).catch(() => {});
      await clock.sleep(times.renew, signal).catch(() => {});
    }
  }
}
