import type { EventFilter, EventLog, LoggedEvent, Position } from '../../fleet/events/event-log.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import { eventFrame } from './frames.ts';
import { isAfter, later } from './positions.ts';

/** Events read at a time. */
const PAGE = 100;

/** What a feed keeps for the streams that follow it: so many events, of so many characters. */
const KEPT_EVENTS = 500;
const KEPT_CHARACTERS = 512 * 1024;

/** An event and its frame, made once for all streams that show it. */
export interface Framed {
  logged: LoggedEvent;
  frame: string;
}

/** A stretch of the log, as {@link Feed.after} gives it. */
export interface FramedPage {
  events: readonly Framed[];
  next: Position;
  atEnd: boolean;
  gap: boolean;
}

/** Hears how a feed's readings go. After a failed one it waits for the next ring or look. */
export interface FeedListener {
  failed: (error: unknown) => void;
  read: () => void;
}

/**
 * The newest events of one workspace, or of all, read once for every stream that follows them. It reads when the log rings, and when it is told to look;
 * what it kept is bounded: whoever is further behind reads the log by itself.
 */
export class Feed {
  readonly #log: EventLog;
  readonly #filter: EventFilter;
  readonly #stopListening: () => void;
  readonly #heard: FeedListener;
  readonly #waiting = new Set<() => void>();
  #tail: Framed[] = [];
  #characters = 0;
  /** The tail holds all events after `#from`, up to `#to`. */
  #from: Position;
  #to: Position;
  #reading = false;
  #due = false;
  #stopped = false;

  /**
   * @param workspace null: all of them, and the fleet's own
   * @param end where the log ends now: the tail begins there
   */
  constructor(log: EventLog, workspace: WorkspaceId | null, end: Position, heard: FeedListener) {
    this.#log = log;
    this.#filter = workspace === null ? {} : { workspace };
    this.#from = end;
    this.#to = end;
    this.#heard = heard;
    this.#stopListening = log.listen(workspace ?? 'all', () => this.look());
    // What was written between the reading of the end and the listening rang for nobody.
    this.look();
  }

  /** Up to where it has read. */
  get position(): Position {
    return this.#to;
  }

  /** The next events after a position, if they are in memory. */
  after(position: Position): FramedPage | undefined {
    if (isAfter(this.#from, position)) return undefined;
    let low = 0;
    let high = this.#tail.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const at = this.#tail[middle];
      if (at && isAfter(at.logged.position, position)) high = middle;
      else low = middle + 1;
    }
    const events = this.#tail.slice(low, low + PAGE);
    const atEnd = low + events.length === this.#tail.length;
    const next = atEnd ? later(this.#to, position) : (events.at(-1)?.logged.position ?? position);
    return { events, next, atEnd, gap: false };
  }

  /** The next events after a position that is not in memory any more, or is not yet. */
  async read(position: Position, filter: EventFilter): Promise<FramedPage> {
    const from = this.#from;
    const { events, next, atEnd, gap } = await this.#log.after(position, filter, PAGE);
    return {
      events: events.map((logged) => ({ logged, frame: eventFrame(logged) })),
      // At its end the log holds nothing more up to where the tail began before the question: from there on the tail goes on.
      next: atEnd ? later(next, from) : next,
      atEnd,
      gap,
    };
  }

  /** Calls back once when there is more than there was; the function that is returned takes that back. */
  onMore(call: () => void): () => void {
    this.#waiting.add(call);
    return () => this.#waiting.delete(call);
  }

  /** Reads what is new, one reading at a time. */
  look(): void {
    this.#due = true;
    if (!this.#reading && !this.#stopped) void this.#readOn();
  }

  stop(): void {
    this.#stopped = true;
    this.#stopListening();
    this.#waiting.clear();
  }

  async #readOn(): Promise<void> {
    this.#reading = true;
    try {
      while (this.#due && !this.#stopped) {
        this.#due = false;
        const page = await this.#log.after(this.#to, this.#filter, PAGE);
        this.#heard.read();
        if (!page.atEnd) this.#due = true;
        this.#take(page.events, page.next, page.gap);
      }
    } catch (error) {
      this.#due = false;
      this.#heard.failed(error);
    } finally {
      this.#reading = false;
    }
  }

  #take(events: readonly LoggedEvent[], next: Position, gap: boolean): void {
    const more = events.length > 0 || gap;
    for (const logged of events) {
      const framed = { logged, frame: eventFrame(logged) };
      this.#tail.push(framed);
      this.#characters += framed.frame.length;
    }
    this.#to = later(next, this.#to);
    // Whoever was at the end reads the log by itself then, and is told of the gap by what it reads.
    if (gap) this.#forget(this.#tail.length, this.#to);
    let over = 0;
    let characters = this.#characters;
    while (this.#tail.length - over > KEPT_EVENTS || characters > KEPT_CHARACTERS) {
      characters -= this.#tail[over]?.frame.length ?? characters;
      over += 1;
    }
    if (over > 0) this.#forget(over, this.#tail[over - 1]?.logged.position ?? this.#to);
    if (!more) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const call of waiting) call();
  }

  #forget(count: number, position: Position): void {
    for (const { frame } of this.#tail.splice(0, count)) this.#characters -= frame.length;
    this.#from = position;
  }
}
