import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import type { SessionRecord, SessionStatus } from '../../fleet/records.ts';
import { nextStatus, type SessionEvent } from './state.ts';

/** What hears where a session stands. */
export interface StandingListener {
  /** Its state is another now. */
  onMove(from: SessionStatus, to: SessionStatus): void;
  /** Messages come or go. */
  onTouch(): void;
}

/** Where a session stands (`state.ts`), and since when: what is known of it for as long as it is here, and is in no record. */
export class Standing {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #listener: StandingListener;
  #status: SessionStatus;
  #connectedAt: number | null = null;
  #lastActivity: number | null = null;
  #reconnects = 0;

  constructor(status: SessionStatus, clock: Clock, log: Logger, listener: StandingListener) {
    this.#status = status;
    this.#clock = clock;
    this.#log = log;
    this.#listener = listener;
  }

  get status(): SessionStatus {
    return this.#status;
  }

  /** When its browser came to be connected, milliseconds since 1970; null where it is not. */
  get connectedAt(): number | null {
    return this.#connectedAt;
  }

  /** When a message came or went last, milliseconds since 1970; null where none did. */
  get lastActivity(): number | null {
    return this.#lastActivity;
  }

  /** How often its browser was started again. */
  get reconnects(): number {
    return this.#reconnects;
  }

  /** Goes to where an event leads, unless it came too late. */
  move(event: SessionEvent): void {
    const next = nextStatus(this.#status, event);
    if (next === undefined) this.#log.debug({ status: this.#status, event }, 'an event that came too late');
    else this.set(next);
  }

  /** Goes there, wherever it stands. */
  set(next: SessionStatus): void {
    if (next === this.#status) return;
    const from = this.#status;
    this.#log.info({ from, to: next }, 'the session changed its state');
    this.#status = next;
    this.#listener.onMove(from, next);
  }

  /** A message comes or goes now, or came at a time, milliseconds since 1970. */
  touch(at = this.#clock.now()): void {
    // WhatsApp's clock may be ahead.
    const time = Math.min(at, this.#clock.now());
    if (Number.isFinite(time)) this.#lastActivity = Math.max(time, this.#lastActivity ?? time);
    this.#listener.onTouch();
  }

  /** Its browser is about to be started again. */
  reconnect(): void {
    this.#reconnects += 1;
  }

  connected(): void {
    this.#connectedAt = this.#clock.now();
  }

  disconnected(): void {
    this.#connectedAt = null;
  }
}

/** How a session stands that is not run (yet). */
export function statusAtRest(record: Readonly<SessionRecord>): SessionStatus {
  if (record.last_error === null || record.should_run) return 'stopped';
  return record.linked ? 'failed' : 'logged_out';
}
