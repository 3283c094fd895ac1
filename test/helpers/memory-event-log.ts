import { WharfError } from '../../common/errors.ts';
import type { WharfEvent } from '../../fleet/events/event.ts';
import type {
  EventFilter,
  EventLog,
  EventPage,
  LoggedEvent,
  Position,
} from '../../fleet/events/event-log.ts';

/** An event log in memory, for tests of those who read one: positions in steps of ten, and faults by hand. */
export class MemoryEventLog implements EventLog {
  /** Readings of {@link after} so far. */
  reads = 0;
  /** How often it was asked for events, also in vain. */
  asked = 0;
  /** True: it cannot be read. */
  away = false;
  /** False: it rings for nobody. */
  rings = true;
  #entries: LoggedEvent[] = [];
  #position = 1000;
  #forgotten = 0;
  readonly #listeners = new Set<{ workspace: string; hear: (workspace: string | null) => void }>();

  /** As if another process did it: also while this one cannot use the log. */
  async append(events: readonly WharfEvent[]): Promise<void> {
    for (const event of events) {
      if (this.#entries.some((each) => each.event.id === event.id)) continue;
      this.#position += 10;
      this.#entries.push({ position: String(this.#position), event });
      if (!this.rings) continue;
      for (const { workspace, hear } of this.#listeners)
        if (workspace === 'all' || workspace === event.workspace_id) hear(event.workspace_id);
    }
  }

  async after(position: Position, filter: EventFilter, limit: number): Promise<EventPage> {
    this.asked += 1;
    this.#require();
    this.reads += 1;
    const at = Number(position);
    const later = this.#entries.filter((each) => Number(each.position) > at);
    const passing = later.filter(
      ({ event }) =>
        (filter.workspace === undefined || event.workspace_id === filter.workspace) &&
        (filter.session === undefined || event.session_id === filter.session) &&
        (filter.types === undefined || filter.types.includes(event.type)),
    );
    const events = passing.slice(0, limit);
    const atEnd = events.length === passing.length;
    return {
      events,
      next: events.at(-1)?.position ?? position,
      atEnd,
      gap: at < this.#forgotten,
    };
  }

  async end(): Promise<Position> {
    this.#require();
    return String(this.#position);
  }

  async forget(_workspace: string, positions: readonly Position[]): Promise<void> {
    this.#entries = this.#entries.filter((each) => !positions.includes(each.position));
  }

  listen(workspace: string, hear: (workspace: string | null) => void): () => void {
    const listener = { workspace, hear };
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Who listens. */
  get listeners(): number {
    return this.#listeners.size;
  }

  /** Forgets all there is so far. */
  forgetAll(): void {
    this.#entries = [];
    this.#forgotten = this.#position;
  }

  /** Loses its positions too, as a Redis that was replaced by an empty one whose clock is behind. */
  beginAnew(): void {
    this.#entries = [];
    this.#position = 1000;
    this.#forgotten = 0;
  }

  #require(): void {
    if (this.away) throw new WharfError('queue_unavailable', 'The log is away.');
  }
}
