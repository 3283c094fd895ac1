import type { Clock } from '../../common/clock.ts';

/** What can happen; a test reads these from `GET /log`. */
export type JournalEvent =
  | 'connect'
  | 'disconnect'
  | 'register'
  | 'ref'
  | 'refs_expired'
  | 'code'
  | 'pair'
  | 'paired'
  | 'pair_abandoned'
  | 'login'
  | 'login_refused'
  | 'conflict'
  | 'synced'
  | 'rollback'
  | 'logout'
  | 'device_removed'
  | 'sent'
  | 'sent_again'
  | 'send_lost'
  | 'send_failed'
  | 'ack_lost'
  | 'receipt'
  | 'seen'
  | 'queued'
  | 'delivered'
  | 'stored'
  | 'duplicate'
  | 'unreadable'
  | 'repeated'
  | 'keys'
  | 'keys_exhausted'
  | 'query'
  | 'frame_refused'
  | 'socket_dropped'
  | 'upload'
  | 'page'
  | 'command'
  | 'config'
  | 'reset';

/** One line of the log. */
export interface JournalEntry {
  /** From 1, rising by one; never reused, also not after a reset. */
  id: number;
  /** Wall clock, ISO 8601. */
  time: string;
  /** Monotonic clock of the emulator's process, milliseconds: for differences. */
  mono_ms: number;
  event: JournalEvent;
  phone?: string;
  device?: string;
  /** Which connection; see `GET /connections`. */
  connection?: number;
  [field: string]: string | number | boolean | undefined;
}

/** Fields of an entry beside those the journal adds itself. Never message bodies or secrets. */
export type JournalFields = Omit<JournalEntry, 'id' | 'time' | 'mono_ms' | 'event'>;

/** Which entries to read. */
export interface JournalFilter {
  /** Entries with a greater id. */
  after: number;
  phone?: string | undefined;
  device?: string | undefined;
  events?: readonly string[] | undefined;
  limit: number;
}

/** The last events, in order, in bounded memory. */
export class Journal {
  readonly #clock: Clock;
  readonly #capacity: number;
  readonly #ring: JournalEntry[] = [];
  readonly #waiters = new Set<() => void>();
  #lastId = 0;

  /** @param capacity how many entries are kept */
  constructor(clock: Clock, capacity: number) {
    this.#clock = clock;
    this.#capacity = capacity;
  }

  /** The id of the newest entry, 0 before the first. */
  get lastId(): number {
    return this.#lastId;
  }

  add(event: JournalEvent, fields: JournalFields = {}): void {
    this.#lastId += 1;
    this.#ring[(this.#lastId - 1) % this.#capacity] = {
      id: this.#lastId,
      time: new Date(this.#clock.now()).toISOString(),
      mono_ms: Math.round(this.#clock.monotonic() * 1000) / 1000,
      event,
      ...fields,
    };
    for (const wake of [...this.#waiters]) wake();
  }

  /** The oldest entries that match, at most `limit`. `truncated`: entries after `after` have already been forgotten. */
  read(filter: JournalFilter): { entries: JournalEntry[]; truncated: boolean } {
    const oldest = Math.max(1, this.#lastId - this.#capacity + 1);
    const entries: JournalEntry[] = [];
    for (
      let id = Math.max(oldest, filter.after + 1);
      id <= this.#lastId && entries.length < filter.limit;
      id += 1
    ) {
      const entry = this.#ring[(id - 1) % this.#capacity];
      if (entry !== undefined && matches(entry, filter)) entries.push(entry);
    }
    return { entries, truncated: filter.after + 1 < oldest };
  }

  /** As {@link read}, but holds until at least one entry matches or the time is over. */
  async wait(filter: JournalFilter, milliseconds: number): Promise<ReturnType<Journal['read']>> {
    const end = this.#clock.monotonic() + milliseconds;
    for (;;) {
      const found = this.read(filter);
      const left = end - this.#clock.monotonic();
      if (found.entries.length > 0 || left <= 0) return found;
      await this.#next(left);
    }
  }

  #next(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiters.delete(done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      timer.unref();
      this.#waiters.add(done);
    });
  }
}

function matches(entry: JournalEntry, filter: JournalFilter): boolean {
  return (
    (filter.phone === undefined || entry.phone === filter.phone) &&
    (filter.device === undefined || entry.device === filter.device) &&
    (filter.events === undefined || filter.events.includes(entry.event))
  );
}
