import type { Clock } from '../../common/clock.ts';
import type { ObjectStore } from '../store/object-store.ts';

/** How long the store's time is known without asking again, milliseconds. */
const FRESH = 10 * 60_000;

/** The store's clock, which is asked now and then. */
export class StoreClock {
  readonly #store: Pick<ObjectStore, 'now'>;
  readonly #clock: Pick<Clock, 'monotonic'>;
  #known: { time: Promise<number>; since: number } | undefined;

  constructor(store: Pick<ObjectStore, 'now'>, clock: Pick<Clock, 'monotonic'>) {
    this.#store = store;
    this.#clock = clock;
  }

  /** The store's time, milliseconds since 1970. */
  async now(): Promise<number> {
    const now = this.#clock.monotonic();
    if (this.#known === undefined || now - this.#known.since > FRESH) {
      const known = { time: this.#store.now(), since: now };
      this.#known = known;
      known.time.catch(() => {
        if (this.#known === known) this.#known = undefined;
      });
    }
    const { time, since } = this.#known;
    return (await time) + (this.#clock.monotonic() - since);
  }
}
