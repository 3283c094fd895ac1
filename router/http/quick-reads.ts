import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { requestIdOf } from '../../common/http/request-id.ts';
import type { Logger } from '../../common/logger.ts';
import type { ApiKeys } from '../../fleet/api-keys.ts';
import { isWorkspaceId } from '../../fleet/ids.ts';
import { instanceSessionPath } from '../../fleet/instance-api.ts';
import type { Metrics } from '../metrics.ts';
import { keyOf, principalOf } from '../principal.ts';
import type { WireAnswer } from '../proxy/wire.ts';
import type { Wires } from '../proxy/wires.ts';
import type { Instances } from '../registry/instances.ts';
import type { Table } from '../registry/table.ts';
import { findInTable } from '../sessions/finder.ts';
import { SESSION_PATH } from './session-call.ts';

const QUICK = /^\/api\/whatsapp\/sessions\/([A-Za-z0-9_-]{1,64})(?:\?workspace_id=([A-Za-z0-9_-]{1,64}))?$/;

const ROUTE = `GET ${SESSION_PATH}`;

/** What quick reads need. */
export interface QuickReadParts {
  table: Table;
  instances: Instances;
  keys: ApiKeys;
  wires: Wires;
  metrics: Metrics;
  log: Logger;
}

/**
 * The status of one session, which callers ask for more often than for all else together, without Express and a request library of its
 * own: both cost several times the work itself. It answers only where all is well and known in memory; whatever is not (another path, an
 * unknown key, an unknown session, an instance that is away or does not own the workspace) goes on to the app, which answers the same
 * questions in full and says what is wrong.
 */
export function quickReads(parts: QuickReadParts, app: RequestListener): RequestListener {
  return (request, response) => {
    const target = targetOf(parts, request);
    const wire = target && parts.wires.ready(target.url);
    if (!wire) {
      app(request, response);
      return;
    }
    const started = performance.now();
    const requestId = requestIdOf(request);
    wire.get(target.path, requestId, (answer) => {
      if (!answer || !isFinal(answer.status)) {
        app(request, response);
        return;
      }
      respond(response, requestId, answer);
      const milliseconds = performance.now() - started;
      parts.metrics.answered(ROUTE, 'GET', answer.status, milliseconds / 1000);
      parts.log.debug(
        {
          request_id: requestId,
          method: 'GET',
          route: ROUTE,
          status: answer.status,
          ms: Math.round(milliseconds),
        },
        'answered',
      );
    });
  };
}

function targetOf(
  parts: QuickReadParts,
  request: IncomingMessage,
): { url: string; path: string } | undefined {
  const match = request.method === 'GET' ? QUICK.exec(request.url ?? '') : null;
  const session = match?.[1];
  const workspace = match?.[2];
  if (session === undefined || (workspace !== undefined && !isWorkspaceId(workspace))) return undefined;
  if (request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined)
    return undefined;
  const key = keyOf(request);
  const info = key === undefined ? undefined : parts.keys.known(key);
  if (!info) return undefined;
  try {
    const found = findInTable(parts.table, principalOf(info), session, workspace);
    const owner = found === 'unknown' ? undefined : parts.table.owner(found.workspace);
    // Who has not claimed it yet has nothing to tell: the app holds the request until then.
    const url = owner?.claimed ? parts.instances.url(owner.instance) : undefined;
    return found === 'unknown' || url === undefined
      ? undefined
      : { url, path: instanceSessionPath(found.workspace, found.session) };
  } catch {
    // Ambiguous, or not the caller's: the app says so.
    return undefined;
  }
}

/** Whether an answer may be passed on as it is: not where another instance owns the workspace, our token is refused, or the instance is in trouble. */
function isFinal(status: number): boolean {
  return status < 500 && status !== 421 && status !== 401 && status !== 403;
}

function respond(
  response: ServerResponse,
  requestId: string,
  { status, contentType, body }: WireAnswer,
): void {
  response.writeHead(status, {
    'X-Request-Id': requestId,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Content-Type': contentType,
    'Content-Length': body.length,
  });
  response.end(body, 'latin1');
}
