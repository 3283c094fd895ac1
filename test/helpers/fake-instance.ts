import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Coordination } from '../../fleet/coordination.ts';
import { ADOPT_HEADER, createSessionSchema, INTERNAL_TOKEN_HEADER } from '../../fleet/instance-api.ts';
import type { Announcement, SessionDetail, SessionStatus } from '../../fleet/records.ts';
import type { Registry } from '../../fleet/registry.ts';
import { refuse } from './fake-problem.ts';

/** What an instance was asked. */
export interface Asked {
  method: string;
  path: string;
  body: string;
  requestId: string | undefined;
  adopt: boolean;
}

/** What a fake instance needs. */
export interface FakeInstanceOptions {
  id: string;
  registry: Registry;
  coordination: Pick<Coordination, 'recordAssignment'>;
  token: string;
  capacity?: number;
  /** 0 lets the system choose. */
  port?: number;
  /** Owners of workspaces, shared by the fakes of one test as the storage is by instances: workspace -> claim. */
  claims?: Map<string, { instance: string; epoch: number }>;
  /** Sessions it had in an earlier life. */
  sessions?: SessionDetail[];
}

/** Lets a test decide what is answered; undefined leaves it to the fake. */
export type Intercept = (
  request: IncomingMessage,
  response: ServerResponse,
  body: string,
) => boolean | Promise<boolean>;

const LEASE = 10_000;

/**
 * Speaks `fleet/instance-api.ts` and announces itself in Redis, with no browser behind: sessions are entries of a map. For tests of the
 * router's own behaviour; what a real instance does is tested with a real one.
 */
export class FakeInstance {
  readonly asked: Asked[] = [];
  readonly sessions = new Map<string, SessionDetail>();
  intercept: Intercept | undefined;
  /** What it says of its storage. */
  storageOk = true;
  /** False: says 421 to everything, and claims nothing. */
  owning = true;
  readonly #options: FakeInstanceOptions;
  readonly #claims: Map<string, { instance: string; epoch: number }>;
  readonly #incarnation = randomUUID();
  readonly #startedAt = new Date().toISOString();
  #server: Server | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: FakeInstanceOptions) {
    this.#options = options;
    this.#claims = options.claims ?? new Map();
    for (const session of options.sessions ?? [])
      this.sessions.set(`${session.workspace_id}/${session.session_id}`, session);
  }

  get id(): string {
    return this.#options.id;
  }

  get incarnation(): string {
    return this.#incarnation;
  }

  get port(): number {
    const address = this.#server?.address();
    if (!address || typeof address === 'string') throw new Error(`${this.id} is not running`);
    return address.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<this> {
    const server = createServer((request, response) => {
      this.#take(request, response).catch(() => response.destroy());
    });
    server.keepAliveTimeout = 75_000;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#options.port ?? 0, '127.0.0.1', resolve);
    });
    this.#server = server;
    await this.announce();
    await this.#options.registry.replaceSessions(this.id, [...this.sessions.values()]);
    this.#timer = setInterval(() => void this.announce().catch(() => undefined), 1000);
    return this;
  }

  /** Renews its announcement, with what a test wants to differ. */
  async announce(changes: Partial<Announcement> = {}): Promise<void> {
    await this.#options.registry.announce({ ...this.announcement(), ...changes }, LEASE);
  }

  announcement(): Announcement {
    const sessions = this.sessions.size;
    const capacity = this.#options.capacity ?? 10;
    return {
      protocol: 1,
      instance: this.id,
      incarnation: this.#incarnation,
      url: this.url,
      host: 'test',
      pid: process.pid,
      status: sessions >= capacity ? 'at_capacity' : 'healthy',
      capacity,
      sessions,
      ready: [...this.sessions.values()].filter((session) => session.status === 'ready').length,
      rss_mb: 50,
      browsers_pss_mb: 0,
      cpu: 0,
      counters: { messages_sent: 1, messages_received: 2, messages_failed: 3, reconnects: 4 },
      chromium: '0',
      started_at: this.#startedAt,
      announced_at: new Date().toISOString(),
    };
  }

  async setStatus(workspace: string, session: string, status: SessionStatus): Promise<void> {
    const known = this.sessions.get(`${workspace}/${session}`);
    if (!known) throw new Error(`no session ${workspace}/${session}`);
    known.status = status;
    await this.#options.registry.publishSession(this.id, known);
  }

  /** Is gone from one moment to the next, as after kill -9; its announcement runs out by itself. */
  async crash(): Promise<void> {
    clearInterval(this.#timer);
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  /** Ends cleanly. */
  async stop(): Promise<void> {
    await this.crash();
    await this.#options.registry.withdraw(this.id, this.#incarnation).catch(() => undefined);
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    const { method = '', url = '' } = request;
    if (url === '/health') {
      // Probes come at their own times: they are not counted as asked.
      this.#json(response, this.storageOk ? 200 : 503, {
        instance: this.id,
        storage: { ok: this.storageOk },
      });
      return;
    }
    const requestId = request.headers['x-request-id'];
    this.asked.push({
      method,
      path: url,
      body,
      requestId: typeof requestId === 'string' ? requestId : undefined,
      adopt: request.headers[ADOPT_HEADER] === 'first',
    });
    if (request.headers[INTERNAL_TOKEN_HEADER] !== this.#options.token) {
      refuse(response, 401, 'unauthorized');
      return;
    }
    if (await this.intercept?.(request, response, body)) return;
    const match = /^\/workspaces\/([^/?]+)\/sessions\/([^/?]+)(\/[^?]*)?(?:\?(.*))?$/.exec(url);
    if (!match?.[1] || !match[2]) {
      refuse(response, 404, 'not_found');
      return;
    }
    const place = { workspace: decodeURIComponent(match[1]), session: decodeURIComponent(match[2]) };
    await this.#answer(response, {
      method,
      rest: match[3] ?? '',
      query: new URLSearchParams(match[4]),
      body,
      ...place,
    });
  }

  async #answer(
    response: ServerResponse,
    asked: {
      method: string;
      rest: string;
      query: URLSearchParams;
      body: string;
      workspace: string;
      session: string;
    },
  ): Promise<void> {
    const { method, rest, workspace, session } = asked;
    const key = `${workspace}/${session}`;
    const claim = this.#claims.get(workspace);
    const adopting = this.owning && claim === undefined && method === 'PUT' && this.asked.at(-1)?.adopt;
    if (!this.owning || (claim?.instance !== this.id && !adopting)) {
      refuse(response, 421, 'not_owner');
      return;
    }
    const known = this.sessions.get(key);
    if (method === 'PUT' && rest === '') {
      await this.#create(response, workspace, session, asked.body);
      return;
    }
    if (!known) {
      refuse(response, 404, 'session_not_found');
      return;
    }
    if (method === 'GET' && rest === '') this.#json(response, 200, known);
    else if (method === 'DELETE' && rest === '') {
      this.sessions.delete(key);
      await this.#options.registry.removeSession(this.id, workspace, session);
      this.#json(response, 200, { unlinked: known.status === 'ready' });
    } else if (method === 'GET' && rest === '/qr') this.#qr(response, asked.query.get('format') ?? 'json');
    else if (method === 'POST' && rest === '/pairing-code') this.#json(response, 200, { code: 'ABCD1234' });
    else if (method === 'POST') this.#json(response, 202, known);
    else if (rest === '/chats') this.#json(response, 200, { chats: [] });
    else if (rest === '/contacts') this.#json(response, 200, { contacts: [] });
    else if (rest.startsWith('/chats/')) this.#json(response, 200, { messages: [] });
    else if (rest.startsWith('/numbers/')) {
      this.#json(response, 200, { phone_number: rest.slice(9), on_whatsapp: false, whatsapp_id: null });
    } else refuse(response, 404, 'not_found');
  }

  async #create(response: ServerResponse, workspace: string, session: string, body: string): Promise<void> {
    const settings = createSessionSchema.parse(JSON.parse(body));
    const known = this.sessions.get(`${workspace}/${session}`);
    if (known) {
      if (known.account_id !== settings.account_id) refuse(response, 409, 'session_exists');
      else this.#json(response, 200, known);
      return;
    }
    if (this.sessions.size >= (this.#options.capacity ?? 10)) {
      refuse(response, 503, 'no_capacity');
      return;
    }
    const claim = this.#claims.get(workspace) ?? { instance: this.id, epoch: 1 };
    this.#claims.set(workspace, claim);
    const made = fakeSession(workspace, session, this.id, {
      account_id: settings.account_id,
      epoch: claim.epoch,
    });
    this.sessions.set(`${workspace}/${session}`, made);
    await this.#options.coordination.recordAssignment({
      workspace_id: workspace,
      epoch: claim.epoch,
      instance: this.id,
      incarnation: this.#incarnation,
      claimed: true,
      since: 0,
    });
    await this.#options.registry.publishSession(this.id, made);
    this.#json(response, 201, made);
  }

  #qr(response: ServerResponse, format: string): void {
    if (format === 'json') {
      this.#json(response, 200, {
        qr: 'ref,a,b,c',
        expires_at: new Date().toISOString(),
        image: 'data:image/png;base64,',
      });
      return;
    }
    const types: Record<string, string> = {
      png: 'image/png',
      svg: 'image/svg+xml',
      text: 'text/plain; charset=utf-8',
    };
    response.writeHead(200, { 'Content-Type': types[format] ?? 'text/plain', 'Cache-Control': 'no-store' });
    response.end(format === 'png' ? Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0xff]) : `a QR as ${format}`);
  }

  #json(response: ServerResponse, status: number, body: unknown): void {
    const text = JSON.stringify(body);
    response.writeHead(status, {
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': Buffer.byteLength(text),
    });
    response.end(text);
  }
}

/** A session as an instance shows it, for tests that need one. */
export function fakeSession(
  workspace: string,
  session: string,
  instance: string,
  changes: Partial<SessionDetail> = {},
): SessionDetail {
  return {
    session_id: session,
    workspace_id: /^\d+$/.test(workspace) ? Number(workspace) : workspace,
    account_id: null,
    status: 'starting',
    instance,
    epoch: 1,
    created_at: '2026-11-22T00:00:00.000Z',
    phone_number: null,
    connected_at: null,
    last_activity: null,
    last_error: null,
    reconnects: 0,
    ...changes,
  };
}
