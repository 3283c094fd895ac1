import type { Exchange, Reply } from '../../common/http/route.ts';
import type { MessageQueues } from '../../fleet/queue/message-queues.ts';
import { firstReceipt, hasEnded, receiptOf } from '../../fleet/queue/receipt.ts';
import type { Acceptor, SendOrder } from '../messages/acceptor.ts';
import type { Endings } from '../messages/endings.ts';
import { callersKey, idempotencyKeyOf } from '../messages/idempotency.ts';
import type { SendRequest } from '../messages/send-request.ts';
import { findSendingSession } from '../messages/sending-session.ts';
import type { Principal } from '../principal.ts';
import type { Services } from '../services.ts';

/** Headers that a send may have, for the API's description. */
export const SEND_HEADERS = {
  'Idempotency-Key':
    'Makes trying again safe: for 24 hours the same key with the same request answers for the same message, and another request under it is refused',
};

/** What taking a message in needs. */
export interface SendParts {
  queues: Pick<MessageQueues, 'find'>;
  acceptor: Acceptor;
  endings: Endings;
}

/** What goes with the answer to a key that was used before. */
const REPLAYED_HEADER = 'Idempotent-Replayed';

type SendExchange = Pick<
  Exchange<unknown, unknown, unknown, Principal>,
  'principal' | 'requestId' | 'signal' | 'request'
>;

/** One message to send, as a route understood it. */
export interface Asked {
  session_id: string;
  workspace_id?: string | undefined;
  request: SendRequest;
  /** Seconds to hold the answer for. */
  wait?: number | undefined;
}

/** Takes a message in, waits for its end where that was asked for, and answers. A caller who leaves takes nothing back. */
export async function replyToSend(
  services: Services,
  { principal, requestId, signal, request }: SendExchange,
  asked: Asked,
): Promise<Reply | undefined> {
  const key = idempotencyKeyOf(request.headers);
  const { session, refusal } = await findSendingSession(
    services,
    principal,
    asked.session_id,
    asked.workspace_id,
    requestId,
  );
  const order = {
    session,
    refusal,
    request: asked.request,
    key: key === undefined ? undefined : callersKey(principal, session.workspace, key),
  };
  return replyToOrder(services, order, asked.wait ?? 0, signal);
}

/**
 * Takes a checked message in, waits for its end up to `wait` seconds, and answers.
 *
 * @param caller aborted when the caller leaves
 * @throws WharfError as {@link Acceptor.accept}
 */
export async function replyToOrder(
  { queues, acceptor, endings }: SendParts,
  order: SendOrder,
  wait: number,
  caller: AbortSignal,
): Promise<Reply | undefined> {
  const { messageId, kind } = await acceptor.accept(order, wait > 0 ? endings.waiter : null);
  if (wait === 0 && kind === 'accepted') return { status: 202, body: firstReceipt(messageId) };
  const view = wait === 0 ? await queues.find(messageId) : await endings.wait(messageId, wait, caller);
  if (caller.aborted) return undefined;
  const body = view === undefined ? firstReceipt(messageId) : receiptOf(view);
  return {
    status: hasEnded(body) ? 200 : 202,
    body,
    ...(kind === 'known' ? { headers: { [REPLAYED_HEADER]: 'true' } } : {}),
  };
}
