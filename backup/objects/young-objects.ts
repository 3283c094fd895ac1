import type { Clock } from '../../common/clock.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { StoreClock } from './store-clock.ts';

/** One that is older is put again: what no manifest names is removed when it is two days old, and a run may take long. Milliseconds. */
const YOUNG = 24 * 3_600_000;

/**
 * How long a listing is good for, milliseconds. One that is so old may name what is gone meanwhile, but nothing that the retention removed: that was a day older. A run lists once,
 * since a request for each of its objects would cost more than one for each thousand in the store.
 */
const FRESH = 50 * 60_000;

/** An object that is there, and need not be sent. */
export interface YoungObject {
  /** Bytes as stored. */
  stored: number;
  /** By the store's clock, milliseconds since 1970. */
  modified: number;
}

/** The objects in the store that are younger than a day by its clock. */
export class YoungObjects {
  readonly #store: Pick<ObjectStore, 'list' | 'now'>;
  readonly #prefix: string;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #time: StoreClock;
  #listed: { objects: Promise<Map<string, YoungObject>>; since: number } | undefined;

  constructor(store: Pick<ObjectStore, 'list' | 'now'>, prefix: string, clock: Pick<Clock, 'monotonic'>) {
    this.#store = store;
    this.#prefix = prefix;
    this.#clock = clock;
    this.#time = new StoreClock(store, clock);
  }

  /** Null: it is not there, or not young. Throws WharfError `backup_store_failed`. */
  async find(key: string): Promise<YoungObject | null> {
    const found = (await this.#objects()).get(key);
    return found !== undefined && found.modified > (await this.#time.now()) - YOUNG ? found : null;
  }

  /** Notes that one was put. */
  async note(key: string, stored: number): Promise<void> {
    (await this.#objects()).set(key, { stored, modified: await this.#time.now() });
  }

  #objects(): Promise<Map<string, YoungObject>> {
    const now = this.#clock.monotonic();
    if (this.#listed !== undefined && now - this.#listed.since <= FRESH) return this.#listed.objects;
    const listed = { objects: this.#list(), since: now };
    this.#listed = listed;
    listed.objects.catch(() => {
      if (this.#listed === listed) this.#listed = undefined;
    });
    return listed.objects;
  }

  async #list(): Promise<Map<string, YoungObject>> {
    const oldest = (await this.#time.now()) - YOUNG;
    const objects = new Map<string, YoungObject>();
    for await (const { key, size, modified } of this.#store.list(this.#prefix)) {
      // The others are of no use here, and may be very many.
      if (modified > oldest) objects.set(key, { stored: size, modified });
    }
    return objects;
  }
}
