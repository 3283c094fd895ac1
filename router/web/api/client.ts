import type { MessageView, Priority } from '../../../fleet/queue/outgoing.ts';
import type { SendReceipt } from '../../../fleet/queue/receipt.ts';
import type { SessionDetail } from '../../../fleet/records.ts';
import type {
  Backups,
  Fleet,
  FleetEvent,
  Move,
  QrCode,
  Queues,
  Session,
  SessionName,
  SessionPage,
  Totals,
  Webhook,
} from './types.ts';

/** What the router answered instead of doing as it was asked. The message is its `detail`, made for people. */
export class ApiError extends Error {
  readonly code: string;
  readonly status: number;
  /** The request's id in the logs. */
  readonly requestId: string | undefined;

  constructor(message: string, code: string, status: number, requestId?: string) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.status = status;
    this.requestId = requestId;
  }
}

/** What can be asked of a session without more words. */
export type SessionAction = 'start' | 'stop' | 'restart' | 'logout';

/** What can be asked of the fleet; all but the last of one instance. */
export type Operation =
  | { kind: 'drain' | 'undrain'; instance: string }
  | { kind: 'unfreeze'; instances: readonly string[] };

/** Events that are shown. */
const EVENTS = 20;

/** Sessions asked for at a time. */
const PAGE = 100;

/** Speaks to the router this page came from. Every method throws {@link ApiError}, or what aborted its signal. */
export class ApiClient {
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
  }

  fleet(signal: AbortSignal): Promise<Fleet> {
    return this.#ask<Fleet>('GET', '/api/fleet', { signal });
  }

  async totals(signal: AbortSignal): Promise<Totals> {
    const answer = await this.#ask<{ sessions?: { by_status?: Totals } }>('GET', '/api/whatsapp/metrics', {
      signal,
    });
    return answer.sessions?.by_status ?? {};
  }

  /** The moves that run, and the last that ended; oldest first. */
  async moves(signal: AbortSignal): Promise<Move[]> {
    const answer = await this.#ask<{ moves: Move[] }>('GET', '/api/fleet/moves', { signal });
    return answer.moves;
  }

  /** What happened to the fleet; the latest last. */
  async events(signal: AbortSignal): Promise<FleetEvent[]> {
    const query = { limit: String(EVENTS) };
    const answer = await this.#ask<{ events: FleetEvent[] }>('GET', '/api/fleet/events', { query, signal });
    return answer.events;
  }

  async operate(operation: Operation): Promise<void> {
    if (operation.kind === 'unfreeze') {
      await this.#ask('POST', '/api/fleet/unfreeze', {});
      return;
    }
    const where = `/api/fleet/instances/${encodeURIComponent(operation.instance)}/drain`;
    await this.#ask(operation.kind === 'drain' ? 'POST' : 'DELETE', where, {});
  }

  /** The first `wanted` sessions, or a few more, and whether there are others. */
  async sessions(
    filter: Record<string, string>,
    wanted: number,
    signal: AbortSignal,
  ): Promise<{ sessions: Session[]; more: boolean }> {
    const sessions: Session[] = [];
    let cursor: string | null | undefined;
    do {
      const query = { ...filter, limit: String(PAGE), ...(cursor ? { cursor } : {}) };
      const page = await this.#ask<SessionPage>('GET', '/api/whatsapp/sessions', { query, signal });
      sessions.push(...page.sessions);
      cursor = page.next_cursor;
    } while (cursor && sessions.length < wanted);
    return { sessions, more: Boolean(cursor) };
  }

  session(name: SessionName, signal: AbortSignal): Promise<SessionDetail> {
    return this.#ask('GET', path(name), { query: of(name), signal });
  }

  create(body: Record<string, string>): Promise<Session> {
    return this.#ask('POST', '/api/whatsapp/sessions', { body });
  }

  qr(name: SessionName, signal: AbortSignal): Promise<QrCode> {
    return this.#ask('GET', path(name, '/qr'), { query: { ...of(name), format: 'json' }, signal });
  }

  async pairingCode(name: SessionName, phone: string): Promise<string> {
    const body = { phone_number: phone };
    const answer = await this.#ask<{ code: string }>('POST', path(name, '/pairing-code'), {
      query: of(name),
      body,
    });
    return answer.code;
  }

  act(name: SessionName, action: SessionAction): Promise<SessionDetail> {
    return this.#ask('POST', path(name, `/${action}`), { query: of(name) });
  }

  remove(name: SessionName): Promise<{ unlinked: boolean }> {
    return this.#ask('DELETE', path(name), { query: of(name) });
  }

  /** Hands a text in. The same `idempotencyKey` again gives the same message, however often it is tried. */
  send(
    name: SessionName,
    message: { to: string; text: string; priority: Priority },
    idempotencyKey: string,
  ): Promise<SendReceipt> {
    return this.#ask('POST', path(name, '/messages'), {
      query: of(name),
      body: message,
      headers: { 'idempotency-key': idempotencyKey },
    });
  }

  /** What became of a message so far. */
  message(id: string, signal: AbortSignal): Promise<MessageView> {
    return this.#ask('GET', `/api/whatsapp/messages/${encodeURIComponent(id)}`, { signal });
  }

  /** The first `wanted` queues, the worst first. */
  queues(wanted: number, signal: AbortSignal): Promise<Queues> {
    return this.#ask('GET', '/api/fleet/queues', { query: { limit: String(wanted) }, signal });
  }

  /** All webhooks, by workspace. */
  async webhooks(signal: AbortSignal): Promise<Webhook[]> {
    const answer = await this.#ask<{ webhooks: Webhook[] }>('GET', '/api/fleet/webhooks', { signal });
    return answer.webhooks;
  }

  /** The backups, and how the last run that ended went. */
  async backups(signal: AbortSignal): Promise<Backups> {
    const [list, { operations }] = await Promise.all([
      this.#ask<Backups['list']>('GET', '/api/backups', { signal }),
      this.#ask<{ operations: NonNullable<Backups['lastRun']>[] }>('GET', '/api/backups/operations', {
        signal,
      }),
    ]);
    const lastRun = operations.find(({ kind, state }) => kind === 'run' && state !== 'running') ?? null;
    return { list, lastRun };
  }

  /** Sends a test event at once; what came back. */
  testWebhook(
    workspace: number | string,
  ): Promise<{ delivered: boolean; status: number | null; took_ms: number; reason: string | null }> {
    return this.#ask('POST', webhookPath(workspace, '/test'), { body: {} });
  }

  /** Sends all dead letters again; how many. */
  async replayWebhook(workspace: number | string): Promise<number> {
    const answer = await this.#ask<{ replayed: number }>('POST', webhookPath(workspace, '/replay'), {
      body: { all: true },
    });
    return answer.replayed;
  }

  /** Goes on with a webhook that is disabled. */
  async enableWebhook(workspace: number | string): Promise<void> {
    await this.#ask('POST', webhookPath(workspace, '/enable'), { body: {} });
  }

  /** Opens the stream of events, after the one read last; empty: from now on. */
  async follow(lastEventId: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const headers = {
      authorization: `Bearer ${this.#key}`,
      accept: 'text/event-stream',
      ...(lastEventId === '' ? {} : { 'last-event-id': lastEventId }),
    };
    const response = await fetch('/api/whatsapp/events', { headers, cache: 'no-store', signal });
    if (response.ok && response.body !== null) return response.body;
    throw refusal(response.status, await response.json().catch(() => undefined));
  }

  async #ask<T>(
    method: string,
    where: string,
    options: {
      query?: Record<string, string>;
      body?: unknown;
      headers?: Record<string, string>;
      signal?: AbortSignal;
    },
  ): Promise<T> {
    const query = new URLSearchParams(options.query).toString();
    const response = await fetch(query === '' ? where : `${where}?${query}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#key}`,
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      body: options.body === undefined ? null : JSON.stringify(options.body),
      cache: 'no-store',
      ...(options.signal ? { signal: options.signal } : {}),
    }).catch((error: unknown) => {
      if (options.signal?.aborted) throw error;
      throw new ApiError(
        'The router does not answer. It may be restarting, or the network is away.',
        'unreachable',
        0,
      );
    });
    const value: unknown = await response.json().catch(() => undefined);
    if (response.ok) return value as T;
    throw refusal(response.status, value);
  }
}

function refusal(status: number, value: unknown): ApiError {
  const problem = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const text = (field: string) => (typeof problem[field] === 'string' ? problem[field] : undefined);
  return new ApiError(
    text('detail') ?? `The router answered with status ${status}, and without saying why.`,
    text('code') ?? 'unknown',
    status,
    text('request_id'),
  );
}

function path(name: SessionName, below = ''): string {
  return `/api/whatsapp/sessions/${encodeURIComponent(name.session_id)}${below}`;
}

function webhookPath(workspace: number | string, below: string): string {
  return `/api/whatsapp/workspaces/${encodeURIComponent(workspace)}/webhook${below}`;
}

function of(name: SessionName): Record<string, string> {
  return { workspace_id: String(name.workspace_id) };
}
