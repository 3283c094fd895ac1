import pMap from 'p-map';
import type { Clock } from '../../common/clock.ts';
import { WharfError } from '../../common/errors.ts';
import type { Tracer } from '../../common/tracing/tracer.ts';
import type { OutgoingMessage } from '../../fleet/messages.ts';
import { type MessageId, newMessageId, type SessionKey } from '../../fleet/queue/message-ids.ts';
import type { Acceptance, MessageQueues, Reservation, Reserved } from '../../fleet/queue/message-queues.ts';
import type { AcceptedMessage } from '../../fleet/queue/outgoing.ts';
import { outgoingSpan } from '../../fleet/queue/outgoing-span.ts';
import { type CallersKey, fingerprintOf } from './idempotency.ts';
import type { MediaKeeper } from './media-keeper.ts';
import { MAX_DAYS_AHEAD, type SendRequest } from './send-request.ts';

const DAY = 24 * 3_600_000;

/** Messages of one bulk request that need more than the queue and are looked at side by side. */
const SLOW_AT_ONCE = 8;

/** What goes to the queue of an order. */
interface Content {
  messageId: MessageId;
  message: OutgoingMessage;
}

/** A message's id, new or not. */
type Bound = Exclude<Reserved, { kind: 'conflict' }>;

/** A checked request to send, of a session that is there. */
export interface SendOrder {
  session: SessionKey;
  /** Why the session takes no new message. What was handed in before is still answered for. */
  refusal: WharfError | undefined;
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
  queues: Pick<MessageQueues, 'reserve' | 'accept' | 'find'>;
  media: MediaKeeper;
  clock: Clock;
  tracer: Tracer;
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
  acceptAll(orders: readonly SendOrder[], waiter: string | null): Promise<Outcome[]> {
    const span = outgoingSpan('send', { 'messaging.batch.message_count': orders.length });
    return this.#parts.tracer.run(span, () => this.#acceptAll(orders, waiter));
  }

  async #acceptAll(orders: readonly SendOrder[], waiter: string | null): Promise<Outcome[]> {
    const { queues, clock, tracer } = this.#parts;
    const ids = await this.#identify(orders);
    const contents = await this.#contents(orders, ids);
    const now = clock.now();
    const traceparent = tracer.current();
    const outcomes: (Outcome | undefined)[] = [];
    const handed: { index: number; message: AcceptedMessage }[] = [];
    for (const [index, order] of orders.entries()) {
      const content = contents[index] ?? missing();
      if ('kind' in content) outcomes[index] = content;
      else handed.push({ index, message: acceptedMessage(order, content, { waiter, now, traceparent }) });
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

  /** What goes to the queues of each order, or what came of it before that. */
  async #contents(orders: readonly SendOrder[], ids: readonly Reserved[]): Promise<(Content | Outcome)[]> {
    const now = this.#parts.clock.now();
    const contents: (Content | Outcome)[] = [];
    const slow: { index: number; order: SendOrder; id: Bound }[] = [];
    for (const [index, order] of orders.entries()) {
      const id = ids[index] ?? missing();
      const { refusal, request } = order;
      if (id.kind === 'conflict') contents[index] = refused(conflict(order));
      else if (isTooFarAhead(request.send_at, now)) contents[index] = refused(tooFarAhead());
      else if (refusal && id.kind === 'new') contents[index] = refused(refusal);
      else if (refusal || 'media' in request.message) slow.push({ index, order, id });
      else contents[index] = { messageId: id.messageId, message: request.message };
    }
    await pMap(
      slow,
      async ({ index, order, id }) => {
        contents[index] = await this.#content(order, id);
      },
      { concurrency: SLOW_AT_ONCE },
    );
    return contents;
  }

  /** The message with its media stored, and named. One that is there already needs neither its media nor a session that takes messages. */
  async #content({ session, request, refusal }: SendOrder, id: Bound): Promise<Content | Outcome> {
    const { queues, media } = this.#parts;
    const { message } = request;
    const { messageId } = id;
    if (id.kind === 'known' && (await queues.find(messageId))) return { kind: 'known', messageId };
    if (refusal) return refused(refusal);
    if (!('media' in message)) return { messageId, message };
    try {
      return { messageId, message: await media.keep(session.workspace, messageId, message) };
    } catch (error) {
      if (error instanceof WharfError) return refused(error);
      throw error;
    }
  }
}

function refused(error: WharfError): Outcome {
  return { kind: 'refused', error };
}

function acceptedMessage(
  { session, request }: SendOrder,
  { messageId, message }: Content,
  { waiter, now, traceparent }: { waiter: string | null; now: number; traceparent: string | undefined },
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
    ...(traceparent === undefined ? {} : { traceparent }),
    message,
  };
}

function outcomeOf(acceptance: Acceptance | undefined, message: AcceptedMessage): Outcome {
  switch (acceptance?.kind) {
    case 'full':
      return refused(full(message.session_id, acceptance));
    case 'unavailable':
      return refused(acceptance.error);
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
