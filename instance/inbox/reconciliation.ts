import type { Clock } from '../../common/clock.ts';
import { isWharfError, messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { InboxMarks, SessionMarks } from '../../fleet/events/inbox-marks.ts';
import type { HistoryPart, HistoryQuery, PageActivity, WhatsAppClient } from '../whatsapp/client.ts';
import { withoutForgotten } from './forgotten-messages.ts';
import { inOrderOfTime } from './history-order.ts';
import { planHistory, UNREADABLE, WITHOUT_MARKS } from './history-plan.ts';
import type { SessionInbox } from './session-inbox.ts';

/** Between tries, milliseconds: grows to the second. */
const PAUSES = { first: 500, longest: 30_000 };
/** Failures of the page after which what comes waits for the histories no longer: WhatsApp may have changed. */
const FAILURES = 4;
/** Between two looks whether something came unheard, while all goes well, milliseconds. */
const LOOK_AGAIN = 3_600_000;
/** Chats whose histories are asked for in one call into the page. */
const AT_ONCE = 20;

/** What a session's history is reconciled with. */
export interface ReconciliationParts {
  marks: InboxMarks;
  clock: Clock;
  /** Waits for a place: few sessions at one time load their histories. */
  enter: (signal: AbortSignal) => Promise<() => void>;
  /** From 0 to 1. */
  random: () => number;
}

/** Of which session, and since when it is linked. */
export interface ReconciledSession {
  inbox: SessionInbox;
  client: () => WhatsAppClient;
  /** Unix seconds where the account was linked in this life of the browser: what came before is not wanted. Else null. */
  linkedAt: number | null;
  log: Logger;
}

/**
 * Tells what happened to a session while it was not running, or was not heard: for each chat that may have something newer than its mark, what its history holds
 * from there; then what came while the page connected and since. Done after each ready; tried again until it is done or the signal ends it. From then on it
 * is looked now and then whether a chat has something newer that nobody told.
 *
 * Where this ends half-way the marks say how far it came: each moves on only when the events before it are in the log.
 */
export async function reconcile(
  session: ReconciledSession,
  parts: ReconciliationParts,
  signal: AbortSignal,
): Promise<void> {
  const { inbox, log } = session;
  const attempt = new Reconciliation(session, parts, signal);
  let pause = PAUSES.first;
  for (let failures = 0; !signal.aborted; ) {
    try {
      await attempt.run();
      break;
    } catch (error) {
      if (signal.aborted) return;
      log.warn(
        { reason: messageOf(error), retry_in_ms: Math.round(pause) },
        'what came meanwhile could not be looked for',
      );
      if (!isWharfError(error, 'queue_unavailable')) failures += 1;
      if (failures === FAILURES) {
        log.error(
          { reason: messageOf(error) },
          "chats' histories cannot be read: what comes is told without them",
        );
        inbox.flow();
      }
    }
    await parts.clock.sleep(pause * (0.5 + parts.random() / 2), signal).catch(() => {});
    pause = Math.min(pause * 2, PAUSES.longest);
  }
  while (!signal.aborted) {
    await parts.clock.sleep(LOOK_AGAIN * (0.5 + parts.random()), signal).catch(() => {});
    if (signal.aborted) return;
    await attempt.lookAgain().catch((error: unknown) => {
      if (!signal.aborted)
        log.warn({ reason: messageOf(error) }, 'it could not be looked whether something came unheard');
    });
  }
}

class Reconciliation {
  readonly #session: ReconciledSession;
  readonly #parts: ReconciliationParts;
  readonly #signal: AbortSignal;
  /** The page tells of it once. */
  #activity: PageActivity | undefined;
  #begun = false;
  #runs = 0;

  constructor(session: ReconciledSession, parts: ReconciliationParts, signal: AbortSignal) {
    this.#session = session;
    this.#parts = parts;
    this.#signal = signal;
  }

  async run(): Promise<void> {
    const { inbox, log } = this.#session;
    const leave = await this.#parts.enter(this.#signal);
    try {
      const begun = this.#parts.clock.monotonic();
      const marks = await this.#marks();
      const chats = await this.#ask(marks);
      const { queries, forget } = planHistory(marks, chats, this.#now());
      this.#runs += 1;
      const { messages, faults } = await this.#read(queries, chats, marks);
      if (faults.size > 0) this.#giveUp(faults);
      await this.#forget(forget, marks);
      this.#signal.throwIfAborted();
      inbox.goLive();
      const milliseconds = Math.round(this.#parts.clock.monotonic() - begun);
      log.info({ chats: queries.length, messages, milliseconds }, 'its histories are told');
    } finally {
      leave();
    }
  }

  /** Tells what is newer in a chat than its mark, though the session was live all the time. */
  async lookAgain(): Promise<void> {
    const { client, inbox, log } = this.#session;
    const marks = await this.#parts.marks.read(inbox.key);
    if (!marks) return;
    const { chats } = await client().activity([]);
    const { queries } = planHistory({ ...marks, liveUntil: Number.MAX_SAFE_INTEGER }, chats, this.#now());
    if (queries.length === 0) return;
    const { messages } = await this.#read(queries, chats, marks);
    log.info({ chats: queries.length, messages }, 'some chats had something newer than their marks');
  }

  /** The session's marks, new ones where it has none: those of one that was linked before were lost. */
  async #marks(): Promise<SessionMarks> {
    const { inbox, linkedAt, log } = this.#session;
    const { marks } = this.#parts;
    const { key } = inbox;
    const found = linkedAt !== null && !this.#begun ? null : await marks.read(key);
    if (found) return found;
    const since = linkedAt ?? this.#now() - WITHOUT_MARKS;
    await marks.begin(key, since);
    this.#begun = true;
    if (linkedAt === null)
      log.warn(
        { hours: WITHOUT_MARKS / 3600 },
        'how far its messages are told is not known; looks back so far',
      );
    return { since, liveUntil: null, chats: new Map(), unreadable: new Map() };
  }

  /** When each chat had its last message; what came while the page connected is held, once. */
  async #ask(marks: SessionMarks): Promise<ReadonlyMap<string, number>> {
    const { client, inbox, linkedAt, log } = this.#session;
    const oldest = this.#now() - UNREADABLE;
    const unreadable = [...marks.unreadable].flatMap(([id, sentAt]) => (sentAt >= oldest ? [id] : []));
    for (const id of marks.unreadable.keys()) inbox.unreadable.add(id);
    const activity = await client().activity(this.#activity ? [] : unreadable);
    if (!this.#activity) {
      this.#activity = activity;
      inbox.hold(activity, marks.since, linkedAt !== null);
      if (!activity.complete) log.warn({}, 'what came while the page connected could not all be noted');
    }
    return activity.chats;
  }

  /** Some chats cannot be read: they are tried again with all others, but not for ever, since that would keep those back. Their marks stay where they are. */
  #giveUp(faults: ReadonlyMap<string, string>): void {
    const [reason] = faults.values();
    if (this.#runs < FAILURES) throw new Error(`${faults.size} chats could not be read: ${reason}`);
    this.#session.log.error(
      { chats: faults.size, reason },
      'some chats cannot be read: what came there meanwhile is not told',
    );
  }

  /** Tells what the histories hold. How many messages that was, and which chats could not be read, and why. */
  async #read(
    queries: readonly HistoryQuery[],
    chats: ReadonlyMap<string, number>,
    marks: SessionMarks,
  ): Promise<{ messages: number; faults: ReadonlyMap<string, string> }> {
    const { client, inbox } = this.#session;
    const left = [...queries];
    const faults = new Map<string, string>();
    let messages = 0;
    while (left.length > 0) {
      this.#signal.throwIfAborted();
      const parts = await client().history(left.slice(0, AT_ONCE));
      if (parts.length === 0) throw new Error('the page told nothing of its chats');
      const wanted = parts.map((part) =>
        withoutForgotten(inbox.key, part, marks.chats.get(part.chatId), this.#now()),
      );
      await inbox.tellHistory(inOrderOfTime(wanted), this.#signal);
      const done = new Map<string, number>();
      const unfinished: HistoryQuery[] = [];
      for (const [index, query] of left.splice(0, parts.length).entries()) {
        const { count, more, fault } = parts[index] as HistoryPart;
        messages += count;
        if (fault !== undefined) faults.set(query.chatId, fault);
        else if (more && count > 0) unfinished.push({ ...query, skip: query.skip + count });
        else done.set(query.chatId, chats.get(query.chatId) ?? 0);
      }
      left.unshift(...unfinished);
      // A chat's last message may be one that is told of nobody, such as that somebody joined: it is not looked at again for that.
      await this.#advance(done, []);
    }
    return { messages, faults };
  }

  /** Removes marks that are of no use, and of messages that nobody waits for any more. */
  async #forget(chats: readonly string[], marks: SessionMarks): Promise<void> {
    const oldest = this.#now() - UNREADABLE;
    const settled = [...marks.unreadable].flatMap(([id, sentAt]) => (sentAt < oldest ? [id] : []));
    for (const id of settled) this.#session.inbox.unreadable.delete(id);
    if (chats.length + settled.length > 0) await this.#advance(new Map(), chats, settled);
  }

  async #advance(
    chats: ReadonlyMap<string, number>,
    forget: readonly string[],
    settled: readonly string[] = [],
  ): Promise<void> {
    const change = {
      session: this.#session.inbox.key,
      chats,
      unreadable: new Map(),
      settled,
      forget,
      live: false,
    };
    await this.#parts.marks.advance([change]);
  }

  #now(): number {
    return Math.floor(this.#parts.clock.now() / 1000);
  }
}
