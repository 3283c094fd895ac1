import type { Clock } from '../../common/clock.ts';
import { isWharfError, messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { EventLog } from '../../fleet/events/event-log.ts';
import type { InboxMarks, MarksChange } from '../../fleet/events/inbox-marks.ts';
import type { MessageId, SessionKey } from '../../fleet/queue/message-ids.ts';
import type { Told } from './event-of.ts';

/** What is written in one step. */
const STEP = 200;
/** Between tries while Redis is away, milliseconds: grows to the second. */
const PAUSES = { first: 100, longest: 5000 };
/** Messages of ours that are remembered as such; each has some three acks. */
const KNOWN_OURS = 20_000;

/** What events are written with. */
export interface WriterParts {
  log: EventLog;
  marks: InboxMarks;
  clock: Clock;
  logger: Logger;
  /** From 0 to 1; spreads the tries of instances. */
  random: () => number;
  /** What waits at most, of all sessions; beyond it the session that brings more is told to give up what its history holds. */
  limit: number;
}

/** What waits of one session, in order. */
export interface WritingSession {
  readonly key: SessionKey;
  readonly waiting: Told[];
  /** Messages that the marks have as unreadable. */
  readonly unreadable: Set<string>;
  /** Whether all that happened so far is in `waiting` or written. */
  readonly isLive: boolean;
  /** Whether there is such a message of ours. Rejects with `queue_unavailable`. */
  isOurs(message: MessageId): Promise<boolean>;
  /** There is no room for more. */
  overflowed(): void;
}

/**
 * Writes events to the log, of all sessions of an instance, and after them the marks: one step at a time, so that the order within each session holds, and
 * fair among sessions. While Redis is away everything waits.
 */
export class EventWriter {
  readonly #parts: WriterParts;
  /** Those that have something to write, the one that waits longest first. */
  readonly #sessions = new Set<WritingSession>();
  readonly #ours = new Set<MessageId>();
  readonly #closed = new AbortController();
  readonly #idle = new Set<() => void>();
  #waiting = 0;
  #writing: Promise<void> | undefined;
  #failing = false;

  constructor(parts: WriterParts) {
    this.#parts = parts;
  }

  /** What waits now, of all sessions. */
  get waiting(): number {
    return this.#waiting;
  }

  /** True while writing fails. */
  get isFailing(): boolean {
    return this.#failing;
  }

  /** Takes what is to be written of a session, after what was taken before. */
  add(session: WritingSession, told: readonly Told[]): void {
    if (this.#closed.signal.aborted || told.length === 0) return;
    session.waiting.push(...told);
    this.#waiting += told.length;
    this.#sessions.add(session);
    if (this.#waiting > this.#parts.limit) session.overflowed();
    this.#writing ??= this.#write();
  }

  /** Gives up part of what waits of a session; what is being written is not. */
  drop(session: WritingSession, isDropped: (told: Told) => boolean): void {
    const kept = session.waiting.filter((told) => !isDropped(told));
    this.#waiting -= session.waiting.length - kept.length;
    session.waiting.splice(0, session.waiting.length, ...kept);
  }

  /** Waits until nothing of a session waits. Rejects with the signal's reason. */
  async written(session: WritingSession, signal?: AbortSignal): Promise<void> {
    while (this.#sessions.has(session)) {
      signal?.throwIfAborted();
      this.#closed.signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        const go = () => {
          this.#idle.delete(go);
          signal?.removeEventListener('abort', go);
          resolve();
        };
        this.#idle.add(go);
        signal?.addEventListener('abort', go, { once: true });
      });
    }
    signal?.throwIfAborted();
  }

  /** Ends; what waits is lost here, and found in the histories by whoever runs the sessions next. */
  close(): void {
    this.#closed.abort(new Error('the inbox is closed'));
    this.#wake();
  }

  async #write(): Promise<void> {
    const { signal } = this.#closed;
    let pause = PAUSES.first;
    // What was added in this turn goes together.
    await Promise.resolve();
    while (this.#sessions.size > 0 && !signal.aborted) {
      const step = this.#take();
      try {
        await this.#store(step);
        if (this.#failing) this.#parts.logger.info({}, 'events can be written again');
        this.#failing = false;
        pause = PAUSES.first;
      } catch (error) {
        this.#giveBack(step);
        if (!this.#failing)
          this.#parts.logger.warn(
            { reason: messageOf(error), waiting: this.#waiting },
            'events cannot be written; they wait',
          );
        this.#failing = true;
        const { clock, random } = this.#parts;
        await clock.sleep(pause * (0.5 + random() / 2), signal).catch(() => {});
        pause = Math.min(pause * 2, PAUSES.longest);
      }
      this.#wake();
    }
    // In the same turn as the look: what comes a moment later begins anew.
    this.#writing = undefined;
  }

  /** The next step: a share of each session that waits, taken out of what waits there. */
  #take(): Map<WritingSession, Told[]> {
    const step = new Map<WritingSession, Told[]>();
    let room = STEP;
    for (const session of [...this.#sessions]) {
      if (room === 0) break;
      const share = session.waiting.splice(0, room);
      room -= share.length;
      step.set(session, share);
      // To the end of the line.
      this.#sessions.delete(session);
      this.#sessions.add(session);
    }
    return step;
  }

  #giveBack(step: Map<WritingSession, Told[]>): void {
    for (const [session, share] of step) session.waiting.unshift(...share);
  }

  async #store(step: Map<WritingSession, Told[]>): Promise<void> {
    const { log, marks } = this.#parts;
    const told = [...step].flatMap(([session, share]) => share.map((one) => ({ session, one })));
    const events = await Promise.all(
      told.map(async ({ session, one: { event, unlessOurs } }) =>
        event && unlessOurs !== undefined && (await this.#isOurs(session, unlessOurs)) ? null : event,
      ),
    );
    const written = events.flatMap((event) => event ?? []);
    if (written.length > 0) await log.append(written);
    // Marks follow the log: who ends here finds the same messages again, and their events are known.
    const changes = [...step].flatMap(([session, share]) => changeOf(session, share) ?? []);
    if (changes.length > 0) await marks.advance(changes);
    for (const [session, share] of step) {
      this.#waiting -= share.length;
      if (session.waiting.length === 0) this.#sessions.delete(session);
    }
  }

  async #isOurs(session: WritingSession, message: MessageId): Promise<boolean> {
    if (this.#ours.has(message)) return true;
    try {
      if (!(await session.isOurs(message))) return false;
    } catch (error) {
      if (isWharfError(error, 'queue_unavailable')) throw error;
      // It is there, as another version wrote it: the events of all others do not wait for that.
      this.#parts.logger.warn(
        { ...session.key, message_id: message },
        'a queued message cannot be understood',
      );
    }
    this.#ours.add(message);
    if (this.#ours.size > KNOWN_OURS)
      for (const oldest of this.#ours) {
        this.#ours.delete(oldest);
        break;
      }
    return true;
  }

  #wake(): void {
    for (const go of [...this.#idle]) go();
  }
}

/** How a session's marks move when a share of what waits there is in the log; undefined where they do not. */
function changeOf(session: WritingSession, share: readonly Told[]): MarksChange | undefined {
  const chats = new Map<string, number>();
  const unreadable = new Map<string, number>();
  const settled = new Set<string>();
  for (const told of share) {
    if (told.mark) chats.set(told.mark.chat, Math.max(told.mark.time, chats.get(told.mark.chat) ?? 0));
    if (told.unreadable) {
      unreadable.set(told.unreadable.whatsappId, told.unreadable.time);
      session.unreadable.add(told.unreadable.whatsappId);
    }
    if (told.readable !== undefined && session.unreadable.delete(told.readable)) settled.add(told.readable);
  }
  const live = session.isLive && session.waiting.length === 0;
  if (!live && chats.size + unreadable.size + settled.size === 0) return undefined;
  return { session: session.key, chats, unreadable, settled: [...settled], forget: [], live };
}
