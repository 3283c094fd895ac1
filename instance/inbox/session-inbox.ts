import type { WharfEvent } from '../../fleet/events/event.ts';
import type { MessageId, SessionKey } from '../../fleet/queue/message-ids.ts';
import type { Happening, PageActivity } from '../whatsapp/client.ts';
import { type Told, toldOf } from './event-of.ts';
import type { EventWriter, WritingSession } from './event-writer.ts';

/** What is held at most while the histories are read. */
const MOST_HELD = 5000;

/** A happening that waits for the histories; those that came while the page connected are late. */
interface Held {
  happening: Happening;
  late: boolean;
}

/** What a session's inbox needs. */
export interface SessionInboxParts {
  writer: EventWriter;
  isOurs: (message: MessageId) => Promise<boolean>;
  /** Unix milliseconds. */
  now: () => number;
  /** Hears of what came late, which nobody else hears of. */
  onLate: (happening: Happening) => void;
  /** What the histories hold was given up. */
  onOverflow: () => void;
}

/** What of one session is told and what of it is held back. The order of messages within a chat holds: first what its history has, then what came since. */
export class SessionInbox implements WritingSession {
  readonly key: SessionKey;
  readonly waiting: Told[] = [];
  readonly unreadable = new Set<string>();
  readonly #parts: SessionInboxParts;
  #held: Held[] = [];
  /**
   * `holding`: the histories come first. `flowing`: they cannot be read for now, so all is told as it comes, and no mark moves on, that they can
   * be read later. `live`: they are told.
   */
  #state: 'holding' | 'flowing' | 'live' = 'holding';

  constructor(key: SessionKey, parts: SessionInboxParts) {
    this.key = key;
    this.#parts = parts;
  }

  get isLive(): boolean {
    return this.#state === 'live';
  }

  isOurs(message: MessageId): Promise<boolean> {
    return this.#parts.isOurs(message);
  }

  /** Tells what concerns no message. */
  tell(event: WharfEvent): void {
    this.#parts.writer.add(this, [{ event }]);
  }

  /** Something happened just now. */
  happened(happening: Happening): void {
    if (this.#state === 'holding') this.#hold({ happening, late: false });
    else this.#write(happening, false);
  }

  /**
   * What came while the page connected: it follows the histories, before all that has come since.
   *
   * @param since Unix seconds: messages of before are not wanted
   * @param justLinked true: what happens to messages then is the phone's past being loaded
   */
  hold(activity: PageActivity, since: number, justLinked: boolean): void {
    const early = activity.happened
      .filter((happening) => (happening.kind === 'message' ? secondsOf(happening) >= since : !justLinked))
      .map((happening): Held => ({ happening, late: true }));
    this.#held.unshift(...early);
    if (this.#held.length > MOST_HELD) this.overflowed();
  }

  /** What a chat's history has, in its order; resolves when it is in the log. What is held besides is not late. */
  async tellHistory(happened: readonly Happening[], signal: AbortSignal): Promise<void> {
    const current = new Set<string>();
    for (const { happening, late } of this.#held)
      if (!late && happening.kind === 'message') current.add(happening.message.whatsapp_id);
    for (const happening of happened)
      this.#write(happening, !(happening.kind === 'message' && current.has(happening.message.whatsapp_id)));
    await this.#parts.writer.written(this, signal);
  }

  /** The histories cannot be read: what was held waits for them no longer. */
  flow(): void {
    this.#state = 'flowing';
    this.#release();
  }

  /** The histories are told: what was held follows, and from now on all is told as it comes. */
  goLive(): void {
    this.#state = 'live';
    this.#release();
    // Also where nothing is to be told the marks are to say so.
    this.#parts.writer.add(this, [{ event: null }]);
  }

  /** The page is gone. Messages that were held lie in the histories, where the next start finds them in their order; what else was held may not. */
  pause(): void {
    this.#state = 'holding';
    const held = this.#held;
    this.#held = [];
    for (const { happening, late } of held) if (happening.kind !== 'message') this.#write(happening, late);
  }

  /** There is no room: what the histories hold is given up, and looked for there when there is. */
  overflowed(): void {
    this.#state = 'holding';
    this.#held = [];
    this.#parts.writer.drop(
      this,
      ({ mark, event }) => mark !== undefined || event?.type.startsWith('message.') === true,
    );
    this.#parts.onOverflow();
  }

  #release(): void {
    const held = this.#held;
    this.#held = [];
    for (const { happening, late } of held) this.#write(happening, late);
  }

  #hold(held: Held): void {
    this.#held.push(held);
    if (this.#held.length > MOST_HELD) this.overflowed();
  }

  #write(happening: Happening, late: boolean): void {
    if (late) this.#parts.onLate(happening);
    const { mark, ...told } = toldOf(this.key, happening, this.#parts.now(), late);
    const moves = mark !== undefined && this.#state !== 'flowing';
    if (told.event || told.unreadable) this.#parts.writer.add(this, [moves ? { ...told, mark } : told]);
  }
}

function secondsOf(happening: Happening & { kind: 'message' }): number {
  return Math.floor(Date.parse(happening.message.timestamp) / 1000);
}
