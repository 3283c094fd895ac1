import { WharfError } from '../../../common/errors.ts';
import type { WharfEvent } from '../../../fleet/events/event.ts';
import type { InboxMarks, MarksChange, SessionMarks } from '../../../fleet/events/inbox-marks.ts';

interface Marks {
  since: number;
  liveUntil: number | null;
  chats: Map<string, number>;
  unreadable: Map<string, number>;
}

/** A log and marks in memory that can be away, and are lost in no other way. */
export class MemoryInboxStore implements InboxMarks {
  readonly events: WharfEvent[] = [];
  readonly marks = new Map<string, Marks>();
  /** True: nothing can be read or written. */
  away = false;
  /** True: marks cannot, the log can. */
  marksAway = false;
  appends = 0;
  now: () => number;

  constructor(now: () => number) {
    this.now = now;
  }

  /** Texts of messages and names of all else, in order. */
  get told(): (string | null)[] {
    return this.events.map((event) => ('text' in event.data ? event.data.text : event.type));
  }

  async append(events: readonly WharfEvent[]): Promise<void> {
    await Promise.resolve();
    this.#require(this.away);
    this.appends += 1;
    for (const event of events) if (!this.events.some(({ id }) => id === event.id)) this.events.push(event);
  }

  async read({ workspace, session }: { workspace: string; session: string }): Promise<SessionMarks | null> {
    await Promise.resolve();
    this.#require(this.away);
    return structuredClone(this.marks.get(`${workspace}/${session}`)) ?? null;
  }

  async begin(session: { workspace: string; session: string }, since: number): Promise<void> {
    this.#require(this.away);
    const marks = { since, liveUntil: null, chats: new Map(), unreadable: new Map() };
    this.marks.set(`${session.workspace}/${session.session}`, marks);
  }

  async advance(changes: readonly MarksChange[]): Promise<void> {
    await Promise.resolve();
    this.#require(this.away || this.marksAway);
    for (const { session, chats, unreadable, settled, forget, live } of changes) {
      const marks = this.marks.get(`${session.workspace}/${session.session}`);
      if (!marks) continue;
      for (const [chat, time] of chats) marks.chats.set(chat, Math.max(time, marks.chats.get(chat) ?? 0));
      for (const [id, time] of unreadable) marks.unreadable.set(id, time);
      for (const id of settled) marks.unreadable.delete(id);
      for (const chat of forget) marks.chats.delete(chat);
      if (live) marks.liveUntil = this.now();
    }
  }

  #require(isAway: boolean): void {
    if (isAway) throw new WharfError('queue_unavailable', 'away');
  }
}
