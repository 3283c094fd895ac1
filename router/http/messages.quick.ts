import type { IncomingHttpHeaders, IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { isFault, problemAnswer } from '../../common/http/problem-answer.ts';
import { requestIdOf } from '../../common/http/request-id.ts';
import { traced } from '../../common/http/traced.ts';
import type { Logger } from '../../common/logger.ts';
import type { Tracer } from '../../common/tracing/tracer.ts';
import type { ApiKeys } from '../../fleet/api-keys.ts';
import { isWorkspaceId } from '../../fleet/ids.ts';
import type { SessionKey } from '../../fleet/queue/message-ids.ts';
import type { SendOrder } from '../messages/acceptor.ts';
import { type CallersKey, callersKey, idempotencyKeyOf } from '../messages/idempotency.ts';
import { sendRequestSchema } from '../messages/send-request.ts';
import { knownSendingSession } from '../messages/sending-session.ts';
import type { Metrics } from '../metrics.ts';
import { keyOf, principalOf } from '../principal.ts';
import type { Table } from '../registry/table.ts';
import { SEND_PATH } from './messages.send.ts';
import { replyToOrder, type SendParts } from './send-reply.ts';

const QUICK =
  /^\/api\/whatsapp\/sessions\/([A-Za-z0-9_-]{1,64})\/messages(?:\?workspace_id=([A-Za-z0-9_-]{1,64}))?$/;

const JSON_TYPE = /^application\/json(?:; ?charset=utf-8)?$/i;

/** Bytes of a body that is taken here: a text of any usual length. */
const BODY_LIMIT = 64 * 1024;

const ROUTE = `POST ${SEND_PATH}`;
const routeOf = () => ROUTE;

/** Nobody waits here: who leaves is not missed. */
const NEVER = new AbortController().signal;

/** What quick sends need. */
export interface QuickSendParts extends SendParts {
  table: Table;
  keys: ApiKeys;
  metrics: Metrics;
  log: Logger;
  tracer: Tracer;
}

/**
 * Takes in what most callers send most often, a message of a few hundred bytes for a session that is known, without Express, which costs several times
 * the work itself. What is not plainly that (another path, a wait, a large body, an unknown key or session, a body that is not valid) goes on to the
 * app untouched, which asks the same schemas and says what is wrong.
 */
export function quickSends(parts: QuickSendParts, app: RequestListener): RequestListener {
  return (request, response) => {
    const target = targetOf(parts, request);
    if (!target) {
      app(request, response);
      return;
    }
    const started = performance.now();
    readWhole(request, target.length, (body) => {
      const order = orderOf(target, body);
      if (!order) {
        // The app reads the body again.
        request.unshift(body);
        app(request, response);
        return;
      }
      traced(parts.tracer, request, response, routeOf, () => {
        void answer(parts, order, request, response, started);
      });
    });
  };
}

/** Where a message is to go, by what the head of its request says. */
interface Target {
  session: SessionKey;
  key: CallersKey | undefined;
  /** Bytes of the body. */
  length: number;
}

function targetOf({ keys, table }: QuickSendParts, request: IncomingMessage): Target | undefined {
  const match = request.method === 'POST' ? QUICK.exec(request.url ?? '') : null;
  const session = match?.[1];
  const workspace = match?.[2];
  if (session === undefined || (workspace !== undefined && !isWorkspaceId(workspace))) return undefined;
  const length = bodyLength(request.headers);
  const apiKey = length === undefined ? undefined : keyOf(request);
  const info = apiKey === undefined ? undefined : keys.known(apiKey);
  if (length === undefined || !info) return undefined;
  try {
    const principal = principalOf(info);
    const found = knownSendingSession(table, principal, session, workspace);
    if (!found || found.refusal) return undefined;
    const { session: place } = found;
    const key = idempotencyKeyOf(request.headers);
    return {
      session: place,
      key: key === undefined ? undefined : callersKey(principal, place.workspace, key),
      length,
    };
  } catch {
    // Ambiguous, not the caller's, or a key that is none: the app says so.
    return undefined;
  }
}

/** Bytes of a body of plain JSON that is to be taken here. */
function bodyLength(headers: IncomingHttpHeaders): number | undefined {
  if (headers['transfer-encoding'] !== undefined || headers['content-encoding'] !== undefined)
    return undefined;
  if (!JSON_TYPE.test(headers['content-type'] ?? '')) return undefined;
  const length = Number(headers['content-length']);
  return length > 0 && length <= BODY_LIMIT ? length : undefined;
}

/**
 * Reads a body of known length and hands it on before the request counts as read, so that it can still be put back. A body that never comes whole is
 * answered by the server itself, with 408.
 */
function readWhole(request: IncomingMessage, length: number, done: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  let have = 0;
  const read = () => {
    for (let chunk: Buffer | null = request.read(); chunk !== null; chunk = request.read()) {
      chunks.push(chunk);
      have += chunk.length;
      if (have < length) continue;
      request.off('readable', read);
      const [only] = chunks;
      done(only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks));
      return;
    }
  };
  request.on('readable', read);
}

function orderOf({ session, key }: Target, body: Buffer): SendOrder | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
  const parsed = sendRequestSchema.safeParse(value);
  return parsed.success ? { session, refusal: undefined, request: parsed.data, key } : undefined;
}

async function answer(
  parts: QuickSendParts,
  order: SendOrder,
  request: IncomingMessage,
  response: ServerResponse,
  started: number,
): Promise<void> {
  const { metrics, log } = parts;
  const requestId = requestIdOf(request);
  let status: number;
  try {
    const reply = await replyToOrder(parts, order, 0, NEVER);
    status = reply?.status ?? 202;
    const headers = { 'Content-Type': 'application/json; charset=utf-8', ...reply?.headers };
    write(response, requestId, status, headers, JSON.stringify(reply?.body));
  } catch (error) {
    const problem = problemAnswer(error, requestId);
    status = problem.status;
    if (isFault(error, status))
      log.error({ request_id: requestId, route: ROUTE, err: error }, 'a request failed');
    write(response, requestId, status, problem.headers, problem.body);
  }
  const milliseconds = performance.now() - started;
  metrics.answered(ROUTE, 'POST', status, milliseconds / 1000);
  log.debug(
    { request_id: requestId, method: 'POST', route: ROUTE, status, ms: Math.round(milliseconds) },
    'answered',
  );
}

function write(
  response: ServerResponse,
  requestId: string,
  status: number,
  headers: Record<string, string>,
  body: string,
): void {
  response.writeHead(status, {
    'X-Request-Id': requestId,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    ...headers,
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
}
