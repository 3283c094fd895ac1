import { randomUUID } from 'node:crypto';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLogger } from '../../common/logger.ts';
import { connectRedis, parseRedisUrl, type Redis } from '../../common/redis.ts';
import { backupRoutes } from '../../fleet/backup/api.ts';
import type { BackupServiceNote } from '../../fleet/backup/backup-lease.ts';
import { redisBackupLease } from '../../fleet/backup/redis-backup-lease.ts';
import { INTERNAL_TOKEN_HEADER } from '../../fleet/instance-api.ts';
import type { Told } from './router.ts';

/** A route of the service. */
type BackupRouteName = keyof typeof backupRoutes;

/** What the service was asked. */
interface AskedOfService {
  route: BackupRouteName | null;
  method: string;
  /** Path and query. */
  url: string;
  body: Told['json'];
  requestId: string | undefined;
}

/** What it answers with: JSON with a status, 200 where none is given; or a test writes it itself. */
type FakeAnswer =
  | { status?: number; body: unknown }
  | ((response: ServerResponse, asked: AskedOfService) => void);

/** Longer than any test. */
const LEASE = 600_000;

/**
 * Speaks `fleet/backup/api.ts`, and holds the lease in Redis, with nothing behind: a test says what it answers. For tests of routers and of the
 * command line; what the real one does is tested with the real one.
 */
export class FakeBackupService {
  readonly asked: AskedOfService[] = [];
  /** By route, one after the other: the last one is given again and again. */
  readonly #answers = new Map<BackupRouteName, FakeAnswer[]>();
  readonly #token: string;
  readonly #redisUrl: string;
  readonly #service = randomUUID();
  #server: Server | undefined;
  #redis: Redis | undefined;

  /** @param token the fleet's internal token, which it asks for */
  constructor(redisUrl: string, token: string) {
    this.#redisUrl = redisUrl;
    this.#token = token;
  }

  /** Answers so from now on. */
  answer(route: BackupRouteName, ...answers: FakeAnswer[]): void {
    this.#answers.set(route, answers);
  }

  /** What was asked of a route, in its order. */
  askedOf(route: BackupRouteName): AskedOfService[] {
    return this.asked.filter((each) => each.route === route);
  }

  /** Forgets what it was asked, and what it answers. */
  reset(): void {
    this.asked.length = 0;
    this.#answers.clear();
  }

  get url(): string {
    const address = this.#server?.address() as AddressInfo;
    return `http://127.0.0.1:${address.port}`;
  }

  /** Listens, and takes the lease from whoever has it. */
  async start(): Promise<this> {
    const server = createServer(async (request, response) => {
      const pieces: Buffer[] = [];
      for await (const piece of request) pieces.push(piece);
      const text = Buffer.concat(pieces).toString();
      const { method = '', url = '' } = request;
      const asked = {
        route: routeOf(method, url),
        method,
        url,
        body: text === '' ? undefined : JSON.parse(text),
        requestId: request.headers['x-request-id']?.toString(),
      };
      this.asked.push(asked);
      if (request.headers[INTERNAL_TOKEN_HEADER] !== this.#token) answerWith(response, 401, problem(401));
      else this.#answer(asked, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#server = server;
    this.#redis = await connectRedis(parseRedisUrl(this.#redisUrl), createLogger('silent', {}));
    await this.hold();
    return this;
  }

  /** Takes the lease, with what a test wants to differ. */
  async hold(changes: Partial<BackupServiceNote> = {}): Promise<void> {
    const lease = this.#lease();
    const other = await lease.holder();
    if (other !== null) await lease.release(other.service);
    const note = {
      service: this.#service,
      url: this.url,
      host: 'backup-host',
      pid: process.pid,
      started_at: new Date().toISOString(),
    };
    await lease.hold({ ...note, ...changes }, LEASE);
  }

  /** Gives the lease up, whoever has it. */
  async release(): Promise<void> {
    const lease = this.#lease();
    const holder = await lease.holder();
    if (holder !== null) await lease.release(holder.service);
  }

  /** Listens no more; the lease stands, as when a process was killed. */
  async kill(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  async stop(): Promise<void> {
    if (this.#server?.listening) await this.kill();
    this.#redis?.disconnect();
  }

  #lease() {
    if (this.#redis === undefined) throw new Error('the fake backup service is not started');
    return redisBackupLease(this.#redis, 10_000);
  }

  #answer(asked: AskedOfService, response: ServerResponse): void {
    const answers = asked.route === null ? undefined : this.#answers.get(asked.route);
    const answer = (answers?.length ?? 0) > 1 ? answers?.shift() : answers?.[0];
    if (typeof answer === 'function') answer(response, asked);
    else if (answer === undefined) answerWith(response, 404, problem(404));
    else answerWith(response, answer.status ?? 200, answer.body);
  }
}

/** A problem document of the service. */
export function serviceProblem(status: number, code: string, detail: string): FakeAnswer {
  return {
    status,
    body: { type: `urn:wharf:error:${code}`, title: code, status, detail, code, request_id: 'r' },
  };
}

function problem(status: number): object {
  return {
    status,
    code: status === 401 ? 'unauthorized' : 'not_found',
    detail: 'no test said what is answered',
  };
}

function answerWith(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, {
    'Content-Type': status < 400 ? 'application/json' : 'application/problem+json',
  });
  response.end(JSON.stringify(body));
}

function routeOf(method: string, url: string): BackupRouteName | null {
  const path = url.split('?')[0] ?? '';
  const asked = method === 'HEAD' ? 'get' : method.toLowerCase();
  for (const [name, route] of Object.entries(backupRoutes)) {
    const pattern = new RegExp(`^${route.path.replace(/:\w+/g, '[^/]+')}$`);
    if (route.method === asked && pattern.test(path)) return name as BackupRouteName;
  }
  return null;
}
