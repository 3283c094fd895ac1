import pMap from 'p-map';
import type { Clock } from '../../common/clock.ts';
import { WharfError } from '../../common/errors.ts';
import type { OutgoingMessage } from '../../fleet/messages.ts';
import { type MessageId, newMessageId, type SessionKey } from '../../fleet/queue/message-ids.ts';
import type { Acceptance, MessageQueues, Reservation, Reserved } from '../../fleet/queue/message-queues.ts';
import type { AcceptedMessage } from '../../fleet/queue/outgoing.ts';
import { type CallersKey, fingerprintOf } from './idempotency.ts';
import type { MediaKeeper, MediaMessage } from './media-keeper.ts';
import { MAX_DAYS_AHEAD, type SendRequest } from './send-request.ts';

const DAY = 24 * 3_600_000;

/** Files of one bulk request that are looked at side by side. */
const MEDIA_AT_ONCE = 8;

/** What goes to the queue of an order. */
interface Content {
  messageId: MessageId;
  message: OutgoingMessage;
}

/** A checked request to send, of a session that is there. */
export interface SendOrder {
  session: SessionKey;
  request: SendRequest;
  /** Undefined: the caller gave no Idempotency-Key. */
  key: CallersKey | undefined;
}

/** What came of an order. `known`: the key stands for a message handed in before, which is not there a second time. */
export type Outcome =
  | { kind: 'accepted'; messageId: MessageId }
  | { kind: 'known'; messageId: MessageId }
  | { kind: 'refused'; error: WharfError };

/** What accepting needs. */
export interface AcceptorParts {
  queues: Pick<MessageQueues, 'reserve' | 'accept'>;
  media: MediaKeeper;
  clock: Clock;
}

/**
 * Takes messages in: binds their keys, keeps their media, writes them to the queues.
 *
 * The order of these makes a router's death harmless at any line between: the key says which id the message has, the media's id follows from
 * it, and the queue takes an id once. So a caller who tries again with the same key, at whichever router, brings to its end what was begun.
 */
export class Acceptor {
  readonly #parts: AcceptorParts;

  constructor(parts: AcceptorParts) {
    this.#parts = parts;
  }

  /**
   * Takes one message in.
   *
   * @param waiter the router that wants to be told of its end
   * @throws WharfError `queue_full`, `idempotency_conflict`, `invalid_request`, `queue_unavailable`; of its media `media_too_large`, `media_not_found`, `storage_unavailable`
   */
  async accept(order: SendOrder, waiter: string | null): Promise<Exclude<Outcome, { kind: 'refused' }>> {
    const [outcome] = await this.acceptAll([order], waiter);
    if (outcome === undefined) throw new Error('one order has one outcome');
    if (outcome.kind === 'refused') throw outcome.error;
    return outcome;
  }

  /**
   * Takes messages in, each for itself; within a session they keep their order.
   *
   * @throws WharfError `queue_unavailable`
   */
  async acceptAll(orders: readonly SendOrder[], waiter: string | null): Promise<Outcome[]> {
    const { queues, clock } = this.#parts;
    const ids = await this.#identify(orders);
    const contents = await this.#contents(orders, ids);
    const now = clock.now();
    const outcomes: (Outcome | undefined)[] = [];
    const handed: { index: number; message: AcceptedMessage }[] = [];
    for (const [index, order] of orders.entries()) {
      const content = contents[index] ?? missing();
      if (content instanceof WharfError) outcomes[index] = { kind: 'refused', error: content };
      else handed.push({ index, message: acceptedMessage(order, content, waiter, now) });
    }
    const acceptances = handed.length === 0 ? [] : await queues.accept(handed.map(({ message }) => message));
    for (const [position, { index, message }] of handed.entries()) {
      outcomes[index] = outcomeOf(acceptances[position], message);
    }
    return outcomes.map((outcome) => outcome ?? missing());
  }

  /** Ids for messages: new ones, or those their keys stand for. */
  async #identify(orders: readonly SendOrder[]): Promise<Reserved[]> {
    const ids = orders.map((order): Reserved & { kind: 'new' } => ({
      kind: 'new',
      messageId: newMessageId(order.session),
    }));
    const keyed: { index: number; reservation: Reservation }[] = [];
    for (const [index, { session, request, key }] of orders.entries()) {
      const id = ids[index];
      if (key === undefined || id === undefined) continue;
      const reservation = {
        ...key,
        fingerprint: fingerprintOf(session, request),
        messageId: id.messageId,
      };
      keyed.push({ index, reservation });
    }
    if (keyed.length === 0) return ids;
    const reserved = await this.#parts.queues.reserve(keyed.map(({ reservation }) => reservation));
    const all: Reserved[] = [...ids];
    for (const [position, { index }] of keyed.entries()) all[index] = reserved[position] ?? missing();
    return all;
  }

  /** The messages as the queue takes them: media in a body is stored first, and named. */
  async #contents(orders: readonly SendOrder[], ids: readonly Reserved[]): Promise<(Content | WharfError)[]> {
    const now = this.#parts.clock.now();
    const contents: (Content | WharfError)[] = [];
    const withMedia: { index: number; workspace: string; messageId: MessageId; message: MediaMessage }[] = [];
    for (const [index, order] of orders.entries()) {
      const id = ids[index] ?? missing();
      const { message } = order.request;
      if (id.kind === 'conflict') contents[index] = conflict(order);
      else if (isTooFarAhead(order.request.send_at, now)) contents[index] = tooFarAhead();
      else {
        const { messageId } = id;
        contents[index] = { messageId, message };
        if ('media' in message)
          withMedia.push({ index, workspace: order.session.workspace, messageId, message });
      }
    }
    if (withMedia.length === 0) return contents;
    await pMap(
      withMedia,
      async ({ index, workspace, messageId, message }) => {
        try {
          contents[index] = {
            messageId,
            message: await this.#parts.media.keep(workspace, messageId, message),
          };
        } catch (error) {
          if (!(error instanceof WharfError)) throw error;
          contents[index] = error;
        }
      },
      { concurrency: MEDIA_AT_ONCE },
    );
    return contents;
  }
}

function acceptedMessage(
  { session, request }: SendOrder,
  { messageId, message }: Content,
  waiter: string | null,
  now: number,
): AcceptedMessage {
  return {
    message_id: messageId,
    workspace_id: session.workspace,
    session_id: session.session,
    priority: request.priority ?? 'normal',
    on_unknown: request.on_unknown ?? 'report',
    accepted_at: new Date(now).toISOString(),
    send_at: request.send_at === undefined ? null : new Date(request.send_at).toISOString(),
    waiter,
    message,
  };
}

function outcomeOf(acceptance: Acceptance | undefined, message: AcceptedMessage): Outcome {
  switch (acceptance?.kind) {
    case 'full':
      return { kind: 'refused', error: full(message.session_id, acceptance) };
    case 'known':
      return { kind: 'known', messageId: message.message_id };
    case 'queued':
      // Also under a key that was known: whoever bound it never got as far as the queue.
      return { kind: 'accepted', messageId: message.message_id };
    default:
      return missing();
  }
}

function full(session: string, { depth, retryAfter }: Acceptance & { kind: 'full' }): WharfError {
  return new WharfError(
    'queue_full',
    `The queue of session ${session} holds ${depth} messages, and takes no more. Try again in ${retryAfter} s; if it stays so, see GET /api/fleet/queues for why it sends so slowly.`,
    { retryAfter, extra: { depth } },
  );
}

function conflict({ key }: SendOrder): WharfError {
  return new WharfError(
    'idempotency_conflict',
    `The Idempotency-Key ${key?.key.slice(0, 60)} was used in the last 24 hours for another request. A new message needs a new key.`,
  );
}

function isTooFarAhead(sendAt: string | undefined, now: number): boolean {
  return sendAt !== undefined && Date.parse(sendAt) > now + MAX_DAYS_AHEAD * DAY;
}

function tooFarAhead(): WharfError {
  const message = `must be at most ${MAX_DAYS_AHEAD} days ahead`;
  return new WharfError('invalid_request', `send_at: ${message}`, { faults: [{ path: 'send_at', message }] });
}

function missing(): never {
  throw new Error('the queues gave fewer answers than they were asked');
}
