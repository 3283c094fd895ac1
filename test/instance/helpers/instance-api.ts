import { request } from 'node:http';
import { join } from 'node:path';
import { expect } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { type HttpServer, listen } from '../../../common/http/server.ts';
import { problemSchema } from '../../../common/problem.ts';
import { FileClaims } from '../../../fleet/file-claims.ts';
import { openMediaStore } from '../../../fleet/media/open-media-store.ts';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import { openBackup } from '../../../instance/backup-context.ts';
import { HealthReporter } from '../../../instance/health.ts';
import { HostUsageMeter } from '../../../instance/host-usage.ts';
import { instanceApp } from '../../../instance/http/app.ts';
import { MediaDownloads } from '../../../instance/media/media-downloads.ts';
import { InstanceMetrics } from '../../../instance/metrics.ts';
import { OutboxStatus } from '../../../instance/outbox/outbox-status.ts';
import { SessionManager } from '../../../instance/session/session-manager.ts';
import { hostClock } from '../../../instance/supervisor/host-clock.ts';
import { eventually } from '../../helpers/eventually.ts';
import { Granting } from '../../helpers/granting.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { FakeClients } from './fake-clients.ts';
import { memoryParts } from './session-parts.ts';

/** The token the instance asks for. */
export const TOKEN = 'a'.repeat(64);
/** The path of a session. */
export const MAIN = '/workspaces/7/sessions/main';

/** What came back. */
interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  json: Record<string, unknown>;
}

interface Parts {
  server: HttpServer;
  manager: SessionManager;
  health: HealthReporter;
  clients: FakeClients;
  lines: Record<string, unknown>[];
  orders: unknown[];
  paths: SessionPaths;
}

/** An instance's API over sessions with fake browsers; with room for three of them. */
export class InstanceApi {
  readonly server: HttpServer;
  readonly manager: SessionManager;
  readonly clients: FakeClients;
  /** What it logged. */
  readonly lines: readonly Record<string, unknown>[];
  /** What its supervisor was told: orders, and `restart`. */
  readonly orders: readonly unknown[];
  /** Where its sessions lie. */
  readonly paths: SessionPaths;
  readonly #health: HealthReporter;

  private constructor({ server, manager, health, clients, lines, orders, paths }: Parts) {
    this.server = server;
    this.manager = manager;
    this.clients = clients;
    this.lines = lines;
    this.orders = orders;
    this.paths = paths;
    this.#health = health;
  }

  static async start(): Promise<InstanceApi> {
    const root = await temporaryDirectory();
    const paths = new SessionPaths(root);
    const clients = new FakeClients();
    const memory = memoryParts(clients);
    const me = { instance: 'instance-1', incarnation: 'a', host: 'here' };
    const { log } = memory.parts;
    const granting = new Granting(new FileClaims(paths), me);
    const manager = new SessionManager({
      ownership: granting.ownership,
      capacity: 3,
      host: me.host,
      closeWithin: 5000,
      log,
      onChange: () => {},
      onRemove: () => {},
      onLeave: () => {},
      parts: memory.parts,
    });
    granting.to(manager);
    const health = new HealthReporter({
      me,
      manager,
      usage: new HostUsageMeter(() => []),
      sessionPath: root,
      clock: systemClock,
      redisOk: () => true,
      standing: () => undefined,
      owned: () => 0,
    });
    const metrics = new InstanceMetrics({
      manager: () => manager,
      standing: () => undefined,
      owned: () => 0,
      outbox: new OutboxStatus(),
      counters: memory.parts.counters,
      losses: memory.parts.losses,
      usage: () => ({ rss_mb: 100, browsers_pss_mb: 50, cpu: 0.5 }),
      browsers: () => 1,
      now: () => performance.now(),
    });
    const store = openMediaStore({ mediaBucket: null }, paths, systemClock);
    const orders: unknown[] = [];
    const config = { instance: me.instance, sessionPath: root, scratch: join(root, 'scratch') };
    const { store: records, trash, chromium } = memory.parts;
    const backup = { config, paths, manager, store: records, trash, chromium, clock: hostClock, log };
    const { copies, restores, undos } = await openBackup(backup);
    const parts = {
      manager,
      downloads: new MediaDownloads({ store, log }),
      copies,
      restores,
      undos,
      health,
      metrics,
      order: (order: unknown) => void orders.push(order),
      restart: () => void orders.push('restart'),
    };
    const server = await listen(instanceApp(parts, TOKEN, log), 0, '127.0.0.1', { requestTimeout: 400 });
    return new InstanceApi({ server, manager, health, clients, lines: memory.lines, orders, paths });
  }

  /** A request whose path goes out as it is given. */
  ask(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = { 'x-wharf-token': TOKEN },
  ): Promise<Answer> {
    const raw = typeof body === 'string' || Buffer.isBuffer(body);
    const sent = body === undefined ? undefined : raw ? body : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          host: '127.0.0.1',
          port: this.server.port,
          method,
          path,
          agent: false,
          headers: {
            ...(sent === undefined
              ? {}
              : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(sent) }),
            ...headers,
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString('utf8');
            const isJson = String(response.headers['content-type']).includes('json');
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text,
              json: isJson ? JSON.parse(text) : {},
            });
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.end(sent);
    });
  }

  /** Makes a session, and has the instance take its workspace first. */
  create(path = MAIN, body: unknown = {}): Promise<Answer> {
    return this.ask('PUT', path, body, { 'x-wharf-token': TOKEN, 'x-wharf-adopt': 'first' });
  }

  /** Makes the session `main`, ready. */
  async createReady(): Promise<void> {
    await this.create();
    await eventually(() => this.clients.running === 1);
    this.clients.last.becomeReady();
  }

  async close(): Promise<void> {
    await this.server.close(0);
    await this.manager.close(5000);
    await this.#health.close();
  }
}

/** That an answer is this fault, told as all faults are. */
export function expectProblem(answer: Answer, status: number, code: string): void {
  expect({ status: answer.status, code: answer.json['code'] }).toEqual({ status, code });
  expect(answer.headers['content-type']).toContain('application/problem+json');
  const problem = problemSchema.parse(answer.json);
  expect(problem.request_id).toBe(answer.headers['x-request-id']);
  expect(problem.detail.length).toBeLessThan(1500);
}
