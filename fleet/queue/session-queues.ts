import type { SessionId, WorkspaceId } from '../ids.ts';
import type { MessageId, SessionKey } from './message-ids.ts';
import type { AcceptedMessage, MessageState } from './outgoing.ts';

/** A message its session's owner has in hand: no other is handed out until it has ended or was given back. */
export interface HeldMessage {
  message: AcceptedMessage;
  state: MessageState;
  /**
   * True where an earlier owner, or an earlier life of this one, may have handed it to the page: `begin` was called and its end was not
   * written down.
   */
  begun: boolean;
}

/** What is next. `wait`: a limit is used up, or it is for later; milliseconds to come again after. */
export type Next =
  | { kind: 'message'; held: HeldMessage }
  | {
      kind: 'wait';
      milliseconds: number;
      why: 'session_limit' | 'workspace_limit' | 'global_limit' | 'later';
    }
  | { kind: 'empty' };

/**
 * A session's queue, as the workspace's owner serves it. Every method carries the owner's epoch: Redis remembers the highest it saw of a workspace and
 * refuses lower ones (`not_owner`), so that an owner that lost its workspace without noticing changes nothing. Throws also `queue_unavailable`.
 */
export interface SessionQueue {
  /** Does nothing but throw `not_owner` where a later owner came. For what is written elsewhere, where nobody looks at epochs. */
  requireOwner(): Promise<void>;
  /** What is in hand already, else the next message, its place in the limits taken. */
  next(): Promise<Next>;
  /**
   * Writes down that the page gets the message now: `held` has `begun` and the new state then. False where it was cancelled: then it has ended. Durable before
   * it resolves.
   */
  begin(held: HeldMessage): Promise<boolean>;
  /**
   * Takes the `begin` that gave `held` its state back, where the page certainly never got the message: `begun` is false then, and it may be cancelled again. It stays in hand. A later
   * `begin` stands.
   */
  retract(held: HeldMessage): Promise<void>;
  /**
   * The message has ended: as sent, failed or unknown. The next may come. Gives the state it has then, and `held` too: an ack may have told more meanwhile. May be
   * called again where its answer got lost.
   */
  finish(held: HeldMessage, state: MessageState): Promise<MessageState>;
  /** The message goes back to the head of the line, as it was; `begun` stays. */
  giveBack(held: HeldMessage): Promise<void>;
  /** What an ack changes of a message, ended or not (`message-state.ts`); the state it has then, or undefined where there is no such message or nothing changed. */
  note(
    message: MessageId,
    ack: { whatsappId: string; ack: number; at: string },
  ): Promise<MessageState | undefined>;
  find(
    message: MessageId,
  ): Promise<{ message: AcceptedMessage | undefined; state: MessageState } | undefined>;
  /** Messages that were handed over in the last `hours` and are not at their last state: what happened to them while nobody looked is to be found out. */
  unsettled(hours: number): Promise<MessageId[]>;
}

/** The owners' side of the message queues of an instance: all its sessions over a few connections. */
export interface SessionQueues {
  open(session: SessionKey, epoch: () => number): SessionQueue;
  /**
   * Serves a workspace's doorbell: `ring` names a session that may have something to do. Calls it at once for every session with messages, and again from time
   * to time (a ring may be lost).
   */
  listen(workspace: WorkspaceId, ring: (session: SessionId) => void): () => void;
  /** Whether a session has messages that have not ended, also such as are for later. Throws `queue_unavailable`. */
  hasMessages(session: SessionKey): Promise<boolean>;
  close(): Promise<void>;
}
