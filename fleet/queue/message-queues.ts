import type { WharfError } from '../../common/errors.ts';
import type { SessionId, WorkspaceId } from '../ids.ts';
import type { MessageStatus } from '../messages.ts';
import type { MessageId, SessionKey } from './message-ids.ts';
import type { AcceptedMessage, MessageView, Priority } from './outgoing.ts';

/**
 * What came of handing a message in. `known`: it was there already, and nothing changed. `unavailable`: `queue_unavailable` came when others that were handed in with it were
 * accepted already; it may have been accepted as well.
 */
export type Acceptance =
  | { kind: 'queued' }
  | { kind: 'known' }
  | { kind: 'unavailable'; error: WharfError }
  | { kind: 'full'; depth: number; retryAfter: number };

/** What a caller asks to be remembered for 24 hours under its Idempotency-Key. */
export interface Reservation {
  /** Whose key it is: two callers may choose the same. */
  owner: string;
  key: string;
  /** Hash of what is asked for, session included: another request under the same key is refused. */
  fingerprint: string;
  /** The id the message gets where the key is new. */
  messageId: MessageId;
}

/** `conflict`: the key stands for another request. */
export type Reserved = { kind: 'new' | 'known'; messageId: MessageId } | { kind: 'conflict' };

/** `under_way`: it may have left already. `ended`: nothing is left to cancel. */
export type Cancellation = 'cancelled' | 'under_way' | 'ended' | 'not_found';

/** A message that is ended without its session's owner. */
export interface EndedMessage {
  message: MessageId;
  /** Null where its body is gone. */
  to: string | null;
  status: MessageStatus;
}

/** How a session's queue stands. */
export interface QueueView extends SessionKey {
  /** Messages not ended, those for later included. */
  depth: number;
  /** Of those that are not for later. */
  by_priority: Record<Priority, number>;
  /** Of those, how many are for later (`send_at`). */
  delayed: number;
  /** When the oldest that may be sent was accepted; null: none waits. */
  oldest_at: string | null;
  /** Until when a limit holds its next message back, as its owner's last look found; null: none did. A queue at its limit is not stuck. */
  limited_until: string | null;
  /** Messages sent and failed since the counters began. */
  sent: number;
  failed: number;
  unknown: number;
  /** Sent in the last whole minute. */
  sent_last_minute: number;
  last_sent_at: string | null;
}

/** The routers' side of the message queues. Every method throws WharfError `queue_unavailable` where their Redis cannot be used. */
export interface MessageQueues {
  /** Writes messages down, of any sessions, in the order given. What it answers is durable: on disk, and on a replica where there are any. */
  accept(messages: readonly AcceptedMessage[]): Promise<Acceptance[]>;
  /** Binds idempotency keys to message ids, all in one step each. A message under a `known` key is handed in again all the same: it may never have been. */
  reserve(reservations: readonly Reservation[]): Promise<Reserved[]>;
  find(message: MessageId): Promise<MessageView | undefined>;
  /** Which session a message's id is of, whether there is such a message or not. */
  sessionOf(message: MessageId): Promise<SessionKey | undefined>;
  cancel(message: MessageId): Promise<Cancellation>;
  /** How the queues of some sessions stand; of all sessions of a workspace, or of all that ever had a message. Not of deleted ones. */
  views(filter?: { workspace?: WorkspaceId; session?: SessionId }): Promise<QueueView[]>;
  /**
   * Ends all of a session's messages, since it was deleted: as failed with `code`, or as unknown where they may have left. How many.
   *
   * @param tell is given them some hundreds at a time, before they end, and waited for; what it throws ends this, and those and the rest are told of and ended by another
   *   call: one may be told of twice. One that was begun in between ends as unknown, and is told of as that too
   */
  endAll(
    session: SessionKey,
    code: string,
    detail: string,
    tell: (ended: EndedMessage[]) => Promise<void>,
  ): Promise<number>;
  /** Hears of messages that ended whose `waiter` is this router. A word that got lost does not come again: look from time to time. */
  onEnded(router: string, hear: (message: MessageId) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}
