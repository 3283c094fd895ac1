import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { SessionKey } from '../../fleet/queue/message-ids.ts';
import { messageIdOf } from '../../fleet/queue/message-ids.ts';
import type { HeldMessage, SessionQueue } from '../../fleet/queue/session-queues.ts';
import type { SessionStatus } from '../../fleet/records.ts';
import type { Session } from '../session/session.ts';
import type { Ack } from '../whatsapp/client.ts';
import { AckBook } from './ack-book.ts';
import { Courier } from './courier.ts';
import { LaterAcks } from './later-acks.ts';
import type { OutboxParts } from './outbox-parts.ts';

/** A session that has been without `ready` so long is looked at for messages that waited too long, milliseconds. */
const UNABLE = 10 * 60_000;
/** How often, then. */
const EXPIRY_LOOK = 60_000;
/** A session is calm that has nothing to send for so long, milliseconds. */
const CALM = 30_000;
/** The longest rest while something is to come: a timer of a year is none. */
const LONGEST_REST = 60 * 60_000;

/**
 * Serves the queue of one session: one message at a time, while the session is ready.
 *
 *     resting ──ring, ready, a time that came──> asks for the next ──message──> carried ──ended──> asks for the next
 *        ^                                          │ empty, limit, later          │ cannot now
 *        └──────────────────────────────────────────┴──────────────────────────────┘
 *
 * `settle` lets what is carried come to its end and begins nothing more; `close` stops at once, and what was in hand is the next owner's.
 */
export class Dispatcher {
  readonly session: Session;
  readonly #queue: SessionQueue;
  readonly #parts: OutboxParts;
  readonly #log: Logger;
  readonly #key: SessionKey;
  readonly #acks: AckBook;
  readonly #courier: Courier;
  readonly #later: LaterAcks;
  readonly #closing = new AbortController();
  readonly #loop: Promise<void>;
  #settling = false;
  #inHand: HeldMessage | undefined;
  /** Since when the session has not been ready, monotonic. */
  #unableSince: number;
  /** When messages that waited too long are looked for next, monotonic. */
  #expiryLook: number;
  /** The message in hand is to be carried on then, monotonic. */
  #notBefore = 0;
  /** Until when it rests, monotonic; undefined while it does not. */
  #restsUntil: number | undefined;
  /** A limit holds back what is due. */
  #isLimited = false;
  /** Nothing is begun for now. */
  #isHeld = false;
  #rung = false;
  #wake: () => void = () => {};

  constructor(session: Session, queue: SessionQueue, parts: OutboxParts) {
    const { workspace_id: workspace, session_id } = session.record;
    this.session = session;
    this.#queue = queue;
    this.#parts = parts;
    this.#log = parts.log.child({ workspace, session: session_id });
    this.#key = { workspace, session: session_id };
    this.#acks = new AckBook(parts.clock);
    this.#unableSince = parts.clock.monotonic();
    this.#expiryLook = this.#unableSince;
    const mine = { key: this.#key, session, queue, log: this.#log, signal: this.#closing.signal };
    this.#later = new LaterAcks(mine, parts);
    this.#courier = new Courier(
      {
        ...mine,
        acks: this.#acks,
        mayBegin: () => !this.#settling && !this.#closing.signal.aborted,
        later: (whatsappId, ack) => this.#later.note(whatsappId, ack),
      },
      parts,
    );
    if (session.status === 'ready') void this.#later.catchUp();
    this.#loop = this.#run();
  }

  /** There may be something to do. */
  ring(): void {
    this.#rung = true;
    this.#wake();
  }

  changed(from: SessionStatus, to: SessionStatus): void {
    if (to === 'ready') {
      this.#notBefore = 0;
      void this.#later.catchUp();
    } else if (from === 'ready') {
      this.#unableSince = this.#parts.clock.monotonic();
      this.#acks.abandon();
    }
    // One whose browser is started anew for the sake of its messages is stuck all the while; one that is to rest is not.
    if (!this.session.record.should_run) this.#parts.status.noteMoving(this.#key);
    this.ring();
  }

  acknowledged(whatsappId: string, ack: Ack): void {
    const message = messageIdOf(this.#key, whatsappId);
    if (message === undefined || ack === 0) return;
    this.#acks.note(message, whatsappId, ack);
    // What is in hand is the courier's.
    if (message !== this.#inHand?.message.message_id) this.#later.note(whatsappId, ack);
  }

  /** Resolves when what is carried has come to its end, or is given back; nothing new is begun. */
  async settle(): Promise<void> {
    this.#settling = true;
    this.ring();
    await this.#loop;
  }

  /**
   * Whether nothing is in hand, due, or soon to be. Messages for later do not count, nor do those of a session that cannot send.
   */
  get isCalm(): boolean {
    if (this.#restsUntil === undefined || this.#rung || this.#inHand || this.#isLimited) return false;
    return this.#restsUntil - this.#parts.clock.monotonic() >= CALM;
  }

  /** Begins nothing, where nothing is under way, until the function that comes back is called; undefined where it is not calm. */
  holdBack(): (() => void) | undefined {
    if (this.#isHeld || !this.isCalm) return undefined;
    this.#isHeld = true;
    return () => {
      this.#isHeld = false;
      this.ring();
    };
  }

  /** Stops at once. */
  close(): void {
    this.#closing.abort(new Error('the session is not served here any more'));
    this.#acks.abandon();
    this.#parts.status.noteMoving(this.#key);
    this.ring();
  }

  async #run(): Promise<void> {
    for (let failures = 0; this.#goesOn(); ) {
      let pause: number;
      try {
        pause = await this.#turn();
        failures = 0;
      } catch (error) {
        if (!this.#goesOn()) break;
        failures += 1;
        pause = Math.min(500 * 2 ** failures, 15_000) * (1 + this.#parts.random() * 0.2);
        this.#log.warn(
          { reason: messageOf(error), retry_in_ms: Math.round(pause) },
          'the queue cannot be served',
        );
        this.#rung = false;
      }
      await this.#rest(pause);
    }
  }

  #goesOn(): boolean {
    return !this.#settling && !this.#closing.signal.aborted;
  }

  /** Milliseconds to rest, unless woken. */
  async #turn(): Promise<number> {
    this.#rung = false;
    this.#isLimited = false;
    if (this.#isHeld) return Number.POSITIVE_INFINITY;
    if (this.session.status !== 'ready') return await this.#lookForExpired();
    const { clock } = this.#parts;
    // Whoever rings meanwhile: a message that is to be tried again keeps its place.
    const remains = this.#notBefore - clock.monotonic();
    if (remains > 0) return remains;
    const next = await this.#queue.next();
    if (next.kind === 'empty') return Number.POSITIVE_INFINITY;
    if (next.kind === 'wait') {
      this.#isLimited = next.why !== 'later';
      return next.milliseconds;
    }
    this.#inHand = next.held;
    const pause = await this.#courier.carry(next.held);
    if (pause === 0) this.#inHand = undefined;
    this.#notBefore = clock.monotonic() + pause;
    return pause;
  }

  /** Ends messages that have waited too long for a session that cannot send. */
  async #lookForExpired(): Promise<number> {
    const { clock, config } = this.#parts;
    const now = clock.monotonic();
    const due = Math.max(this.#unableSince + UNABLE, this.#expiryLook);
    if (now < due) return due - now;
    this.#expiryLook = now + EXPIRY_LOOK;
    const next = await this.#queue.next();
    if (next.kind !== 'message') return next.kind === 'wait' ? next.milliseconds : Number.POSITIVE_INFINITY;
    const { message, begun } = next.held;
    const since = Math.max(
      Date.parse(message.accepted_at),
      Date.parse(message.send_at ?? message.accepted_at),
    );
    if (clock.now() - since > config.maxWait) {
      this.#expiryLook = now;
      await this.#courier.expire(next.held);
      return 0;
    }
    if (!begun) await this.#queue.giveBack(next.held);
    return EXPIRY_LOOK;
  }

  async #rest(milliseconds: number): Promise<void> {
    if (milliseconds <= 0 || this.#rung || !this.#goesOn()) return;
    const awake = new AbortController();
    this.#wake = () => awake.abort(AWAKE);
    const { clock } = this.#parts;
    this.#restsUntil = clock.monotonic() + milliseconds;
    // Without an end there is nothing but a ring to wait for, and no timer.
    if (milliseconds === Number.POSITIVE_INFINITY)
      await new Promise<void>((resolve) => awake.signal.addEventListener('abort', () => resolve()));
    else await clock.sleep(Math.min(milliseconds, LONGEST_REST), awake.signal).catch(() => {});
    this.#restsUntil = undefined;
    this.#wake = () => {};
  }
}

const AWAKE = new Error('somebody rang');
