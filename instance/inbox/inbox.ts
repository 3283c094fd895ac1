import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import type { EventLog } from '../../fleet/events/event-log.ts';
import type { InboxMarks } from '../../fleet/events/inbox-marks.ts';
import type { MessageId, SessionKey } from '../../fleet/queue/message-ids.ts';
import type { SessionStatus } from '../../fleet/records.ts';
import type { SessionListener } from '../session/listener.ts';
import type { Session } from '../session/session.ts';
import { StartGate } from '../session/start-gate.ts';
import type { Happening } from '../whatsapp/client.ts';
import { maker } from './event-of.ts';
import { EventWriter } from './event-writer.ts';
import { reconcile } from './reconciliation.ts';
import { SessionInbox } from './session-inbox.ts';

/** What waits to be written at most, of all sessions of an instance: some 2 KB each. */
const MOST_WAITING = 10_000;
/** Sessions whose histories are read at one time. */
const READING = 4;
/** How long a hand-over waits for events to be written, milliseconds: the next owner finds them otherwise. */
const SETTLING = 3000;

/** What the inbox of an instance is made of. */
export interface InboxParts {
  instance: string;
  /** Tells the lives of an instance's process apart. */
  incarnation: string;
  log: EventLog;
  marks: InboxMarks;
  /** Whether there is such a message of ours. Rejects with `queue_unavailable`. */
  isOurs: (session: SessionKey, message: MessageId, epoch: () => number) => Promise<boolean>;
  /** Hears of what came late, which other listeners do not. */
  onLate?: (session: Session, happening: Happening) => void;
  clock: Clock;
  logger: Logger;
  random: () => number;
  mostWaiting?: number;
}

/** What is known of a session here. */
interface Known {
  inbox: SessionInbox;
  /** Ends what is under way of the life of its browser that is ready. */
  life: AbortController;
  /** Unix seconds: when it came to be linked in this life, or null. */
  linkedAt: number | null;
  /** Whether its account was linked when this life began. */
  wasLinked: boolean;
  /** Counts what has no name of its own. */
  count: number;
}

/**
 * Makes events of what happens in an instance's sessions. What comes is written to the log as it comes, and after each ready what came while nobody
 * listened is looked for (`reconciliation.ts`): so what is lost here, with the process or since Redis was away for long, is found again.
 */
export class Inbox implements SessionListener<Session> {
  readonly #parts: InboxParts;
  readonly #writer: EventWriter;
  readonly #reading = new StartGate(READING);
  readonly #sessions = new Map<Session, Known>();
  /** Those that are another's now: what they tell while they close concerns nobody. */
  readonly #left = new WeakSet<Session>();
  #closed = false;

  constructor(parts: InboxParts) {
    this.#parts = parts;
    const { clock, log, logger, marks, random } = parts;
    this.#writer = new EventWriter({
      log,
      marks,
      clock,
      logger,
      random,
      limit: parts.mostWaiting ?? MOST_WAITING,
    });
  }

  /** Events that wait to be written. */
  get waiting(): number {
    return this.#writer.waiting;
  }

  /** Whether what happened while a session was not heard is told, and what comes is told as it comes. */
  isTold(session: Session): boolean {
    return this.#sessions.get(session)?.inbox.isLive ?? false;
  }

  changed(session: Session, from: SessionStatus, to: SessionStatus): void {
    const known = this.#of(session);
    if (!known) return;
    if (to === 'starting') known.wasLinked = session.record.linked;
    if (to === 'qr' || to === 'pairing') known.wasLinked = false;
    if (to === 'authenticated' && !known.wasLinked) known.linkedAt = this.#seconds();
    if (from === 'ready') this.#pause(known);
    known.inbox.tell(this.#statusEvent(session, known, from, to));
    if (to === 'ready') this.#begin(session, known);
  }

  qr(session: Session, code: string): void {
    const known = this.#of(session);
    if (!known) return;
    const shown = session.links.current;
    const expires = shown?.code === code ? new Date(shown.expiresAt).toISOString() : null;
    const make = maker(known.inbox.key, this.#parts.clock.now());
    known.inbox.tell(make('session.qr', { qr: code, expires_at: expires }, ...this.#nature(session, known)));
  }

  restored(session: Session, takenAt: number): void {
    const known = this.#of(session);
    if (!known) return;
    const now = this.#parts.clock.now();
    const make = maker(known.inbox.key, now);
    const data = {
      restored_from: new Date(takenAt).toISOString(),
      age_seconds: Math.max(0, Math.round((now - takenAt) / 1000)),
    };
    known.inbox.tell(make('session.restored', data, ...this.#nature(session, known)));
  }

  happened(session: Session, happening: Happening): void {
    this.#of(session)?.inbox.happened(happening);
  }

  async settle(session: Session): Promise<void> {
    const known = this.#sessions.get(session);
    if (!known) return;
    const late = AbortSignal.timeout(SETTLING);
    await this.#writer.written(known.inbox, late).catch(() => {});
  }

  left(session: Session): void {
    const known = this.#sessions.get(session);
    if (!known) return;
    this.#pause(known);
    this.#left.add(session);
    this.#sessions.delete(session);
  }

  /** Writes what waits, as far as that goes in so many milliseconds; the rest is found by whoever runs the sessions next. */
  async close(patience = 2000): Promise<void> {
    this.#closed = true;
    for (const known of this.#sessions.values()) known.life.abort();
    const late = AbortSignal.timeout(patience);
    const inboxes = [...this.#sessions.values()].map(({ inbox }) => inbox);
    await Promise.allSettled(inboxes.map((inbox) => this.#writer.written(inbox, late)));
    this.#writer.close();
  }

  #of(session: Session): Known | undefined {
    const found = this.#sessions.get(session);
    if (found || this.#closed || this.#left.has(session)) return found;
    const { workspace_id: workspace, session_id } = session.record;
    const key = { workspace, session: session_id };
    const { clock, isOurs, onLate } = this.#parts;
    const known: Known = {
      inbox: new SessionInbox(key, {
        writer: this.#writer,
        isOurs: (message) => isOurs(key, message, () => session.epoch),
        now: () => clock.now(),
        onLate: (happening) => onLate?.(session, happening),
        onOverflow: () => this.#overflowed(session, known),
      }),
      life: new AbortController(),
      linkedAt: null,
      wasLinked: session.record.linked,
      count: 0,
    };
    this.#sessions.set(session, known);
    return known;
  }

  #begin(session: Session, known: Known): void {
    known.life.abort();
    known.life = new AbortController();
    const { clock, logger, marks, random } = this.#parts;
    const { workspace, session: id } = known.inbox.key;
    const reconciled = {
      inbox: known.inbox,
      client: () => session.readyClient(),
      linkedAt: known.linkedAt ?? (known.wasLinked ? null : this.#seconds()),
      log: logger.child({ workspace, session: id }),
    };
    known.linkedAt = null;
    known.wasLinked = true;
    const enter = (signal: AbortSignal) => this.#reading.enter(signal);
    void reconcile(reconciled, { marks, clock, enter, random }, known.life.signal);
  }

  #pause(known: Known): void {
    known.life.abort();
    known.inbox.pause();
  }

  /** What was given up lies in the histories: they are read once more, when writing goes on. */
  #overflowed(session: Session, known: Known): void {
    this.#parts.logger.error(
      {
        workspace: known.inbox.key.workspace,
        session: known.inbox.key.session,
        waiting: this.#writer.waiting,
      },
      'too many events wait to be written; those of this session are looked for in its history later',
    );
    if (session.status === 'ready') this.#begin(session, known);
  }

  #statusEvent(session: Session, known: Known, previous: SessionStatus, status: SessionStatus) {
    const { last_error: reason, phone_number } = session.record;
    const isTrouble = status === 'disconnected' || status === 'logged_out' || status === 'failed';
    const make = maker(known.inbox.key, this.#parts.clock.now());
    const data = {
      status,
      previous,
      reason: isTrouble ? reason : null,
      phone_number,
      instance: this.#parts.instance,
    };
    return make('session.status', data, ...this.#nature(session, known));
  }

  /** Names what happens once and is told once. */
  #nature(session: Session, known: Known): (string | number)[] {
    known.count += 1;
    return [session.epoch, this.#parts.incarnation, this.#parts.clock.now(), known.count];
  }

  #seconds(): number {
    return Math.floor(this.#parts.clock.now() / 1000);
  }
}
