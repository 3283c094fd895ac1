import pMap from 'p-map';
import { type ErrorCode, WharfError } from '../../common/errors.ts';
import { faultsOf } from '../../common/faults.ts';
import type { MessageId } from '../../fleet/queue/message-ids.ts';
import type { Principal } from '../principal.ts';
import type { Acceptor, SendOrder } from './acceptor.ts';
import { callersKey } from './idempotency.ts';
import { type BulkItem, bulkItemSchema } from './send-request.ts';
import {
  findSendingSession,
  knownSendingSession,
  type SendingSession,
  type SendingSessionParts,
} from './sending-session.ts';

/** Sessions that memory does not know and that are asked for side by side. */
const ASKED_AT_ONCE = 8;

/** What came of a message of many. */
export interface BulkAccepted {
  index: number;
  message_id: MessageId;
  /** True where its key stood for a message handed in before. */
  replayed?: true;
}
export interface BulkRejected {
  index: number;
  code: ErrorCode;
  detail: string;
  /** Seconds after which trying again may help. */
  retry_after?: number;
}
export interface BulkResult {
  accepted: BulkAccepted[];
  rejected: BulkRejected[];
}

/** What taking many in needs. */
export interface BulkParts extends SendingSessionParts {
  acceptor: Acceptor;
}

/**
 * Takes many messages in, each checked by itself: one that is refused does not keep the others out. Their order is the order in each session.
 *
 * @param items as they came
 * @throws WharfError `queue_unavailable`
 */
export async function acceptBulk(
  parts: BulkParts,
  principal: Principal,
  items: readonly unknown[],
  requestId: string,
): Promise<BulkResult> {
  const rejected: BulkRejected[] = [];
  const refuse = (index: number, error: WharfError) => rejected.push(rejection(index, error));
  const checked: { index: number; item: BulkItem }[] = [];
  for (const [index, value] of items.entries()) {
    const item = checkItem(value);
    if (item instanceof WharfError) refuse(index, item);
    else checked.push({ index, item });
  }
  const sessions = await findSessions(parts, principal, checked, requestId);
  const orders: { index: number; order: SendOrder }[] = [];
  for (const { index, item } of checked) {
    const session = sessions.get(nameOf(item));
    if (session === undefined) throw new Error('every session was looked for');
    if (session instanceof WharfError) refuse(index, session);
    else orders.push({ index, order: orderOf(principal, session, item) });
  }
  const outcomes = await parts.acceptor.acceptAll(
    orders.map(({ order }) => order),
    null,
  );
  const accepted: BulkAccepted[] = [];
  for (const [position, { index }] of orders.entries()) {
    const outcome = outcomes[position];
    if (outcome === undefined) throw new Error('every order has an outcome');
    if (outcome.kind === 'refused') refuse(index, outcome.error);
    else {
      const { messageId: message_id } = outcome;
      accepted.push({ index, message_id, ...(outcome.kind === 'known' ? { replayed: true } : {}) });
    }
  }
  return { accepted, rejected: rejected.sort((a, b) => a.index - b.index) };
}

function checkItem(value: unknown): BulkItem | WharfError {
  const parsed = bulkItemSchema.safeParse(value);
  if (!parsed.success) {
    const detail = faultsOf(parsed.error)
      .map((fault) => `${fault.path.replace('(body)', '(message)')}: ${fault.message}`)
      .join('; ');
    return new WharfError('invalid_request', detail);
  }
  const { message } = parsed.data;
  // A thousand files in one body: neither side could hold that.
  if ('media' in message && 'data' in message.media) {
    return new WharfError(
      'invalid_request',
      'media.data: many messages carry no files. Upload it (POST /api/whatsapp/media) and name its media_id, give its url, or send the message by itself.',
    );
  }
  return parsed.data;
}

/** Looks each session up once, however many messages it gets. */
async function findSessions(
  parts: BulkParts,
  principal: Principal,
  checked: readonly { item: BulkItem }[],
  requestId: string,
): Promise<Map<string, SendingSession | WharfError>> {
  const found = new Map<string, SendingSession | WharfError>();
  const unknown: BulkItem[] = [];
  for (const { item } of checked) {
    const name = nameOf(item);
    if (found.has(name)) continue;
    const known = caught(() =>
      knownSendingSession(parts.table, principal, item.session_id, item.workspace_id),
    );
    if (known) found.set(name, known);
    else unknown.push(item);
  }
  await pMap(
    new Map(unknown.map((item) => [nameOf(item), item])).values(),
    async (item) => {
      const { session_id, workspace_id } = item;
      const session = findSendingSession(parts, principal, session_id, workspace_id, requestId);
      found.set(nameOf(item), await session.catch(onlyOurs));
    },
    { concurrency: ASKED_AT_ONCE },
  );
  return found;
}

function nameOf({ workspace_id, session_id }: BulkItem): string {
  return `${workspace_id ?? ''}/${session_id}`;
}

function orderOf(principal: Principal, { session, refusal }: SendingSession, item: BulkItem): SendOrder {
  const { session_id, workspace_id, idempotency_key, ...request } = item;
  const key =
    idempotency_key === undefined ? undefined : callersKey(principal, session.workspace, idempotency_key);
  return { session, refusal, request, key };
}

function rejection(index: number, error: WharfError): BulkRejected {
  const { code, message: detail, retryAfter } = error;
  return { index, code, detail, ...(retryAfter === undefined ? {} : { retry_after: retryAfter }) };
}

function caught<T>(look: () => T): T | WharfError {
  try {
    return look();
  } catch (error) {
    return onlyOurs(error);
  }
}

function onlyOurs(error: unknown): WharfError {
  if (error instanceof WharfError) return error;
  throw error;
}
