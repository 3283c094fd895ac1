import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger } from '../../../common/logger.ts';
import { connectRedis, parseRedisUrl } from '../../../common/redis.ts';
import { killGroup, pidsUnder, processTable, waitForEnd } from '../../../instance/whatsapp/process-tree.ts';
import { browsersUnder } from '../../helpers/processes.ts';
import { type PrivateRedis, startRedis } from '../../helpers/redis.ts';
import { Phones, phoneNumber } from '../support/phones.ts';
import { type BenchProcess, startProgram } from '../support/processes.ts';

const ADMIN_KEY = 'the-admin-key-of-the-failover-bench-0123456789';
/** Above what anything here takes, milliseconds: who waits longer waits for ever. */
const PATIENCE = 180_000;

/** A session as the router lists it. */
export interface ListedSession {
  session_id: string;
  workspace_id: number;
  status: string;
  instance: string;
  epoch: number;
}

/** A connection that the emulator saw, logged in or not; times on its monotonic clock. */
export interface SeenConnection {
  connection: number;
  device: string | null;
  logged_in_mono_ms: number | null;
  disconnected_mono_ms: number | null;
}

/** Two instances, each a "host" that can be lost, and a router; real Redis, real browsers, the emulator. */
export class FailoverFleet {
  readonly sessions: readonly string[];
  readonly directory: string;
  readonly redis: PrivateRedis;
  readonly #emulator: BenchProcess;
  readonly #instances = new Map<string, BenchProcess>();
  #router: BenchProcess | undefined;

  private constructor(directory: string, redis: PrivateRedis, emulator: BenchProcess, count: number) {
    this.directory = directory;
    this.redis = redis;
    this.#emulator = emulator;
    this.sessions = Array.from({ length: count }, (_, index) => `s${index}`);
  }

  static async start(count: number): Promise<FailoverFleet> {
    const directory = await mkdtemp(join(tmpdir(), 'wharf-failover-'));
    const redis = await startRedis();
    const emulator = await startProgram('emulator/main.ts', {
      EMULATOR_PORT: '0',
      EMULATOR_CONTROL_PORT: '0',
      EMULATOR_DATA: '',
    });
    const fleet = new FailoverFleet(directory, redis, emulator, count);
    await mkdir(join(directory, 'sessions'), { mode: 0o700 });
    fleet.#router = await startProgram('router/main.ts', {
      ...fleet.#env(),
      PORT: '0',
      BIND_ADDRESS: '127.0.0.1',
      WHARF_ADMIN_KEY: ADMIN_KEY,
    });
    await fleet.startInstance('instance-1');
    await fleet.startInstance('instance-2');
    return fleet;
  }

  /** Links all sessions, each of a workspace of its own, on the first instance. */
  async link(): Promise<void> {
    const phones = new Phones(this.emulatorUrl);
    for (const [index, session] of this.sessions.entries()) {
      // Even ids are at home on instance-1.
      await this.api('POST', '/api/whatsapp/sessions', { workspace_id: 2 * index, session_id: session });
      const { qr } = (await this.api('GET', `/api/whatsapp/sessions/${session}/qr?wait=60`)) as {
        qr: string;
      };
      await phones.scan(qr, phoneNumber(index));
    }
    await this.until(
      'all sessions are ready',
      async () => (await this.ready()).length === this.sessions.length,
    );
  }

  get emulatorUrl(): string {
    return String(this.#emulator.ready['control_url']);
  }

  async startInstance(id: string): Promise<void> {
    this.#instances.set(
      id,
      await startProgram('instance/supervisor/main.ts', {
        ...this.#env(),
        INSTANCE_ID: id,
        PORT: '0',
        BIND_ADDRESS: '127.0.0.1',
        WHATSAPP_WEB_RESOLVE: `127.0.0.1:${this.#emulator.ready['https_port']}`,
        WHATSAPP_WEB_SPKI: String(this.#emulator.ready['spki']),
      }),
    );
    await this.until(`${id} is healthy`, async () => (await this.verdict(id)) === 'healthy');
  }

  supervisor(id: string): number {
    return this.#instance(id).pid;
  }

  /** Everything that belongs to an instance: its supervisor, what that started, and the browsers. */
  async tree(id: string): Promise<number[]> {
    return pidsUnder(await processTable(), [this.supervisor(id)]);
  }

  /** The instance's process: where its browsers hang. */
  async process(id: string): Promise<number> {
    const health = await fetch(`${await this.#url(id)}/health`);
    if (!health.ok) throw new Error(`${id} says ${health.status}`);
    const table = await processTable();
    const children = pidsUnder(table, [this.supervisor(id)]).filter(
      (pid) => table.get(pid)?.parent === this.supervisor(id),
    );
    const sizes = children.map((pid) => pidsUnder(table, [pid]).length);
    return children[sizes.indexOf(Math.max(...sizes))] ?? 0;
  }

  /** The host is lost: everything on it at one moment. Says when, by the wall clock. */
  async lose(id: string): Promise<number> {
    const pids = await this.tree(id);
    const at = Date.now();
    // The supervisor first, so that it mends nothing.
    for (const pid of pids) signal(pid, 'SIGKILL');
    await Promise.all(pids.map((pid) => waitForEnd(pid, 10_000)));
    return at;
  }

  async api(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await this.call(method, path, body);
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${answer.text.slice(0, 500)}`);
    return JSON.parse(answer.text);
  }

  async call(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ ok: boolean; status: number; text: string }> {
    const answer = await fetch(`${String(this.#router?.ready['url'])}${path}`, {
      method,
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { ok: answer.ok, status: answer.status, text: await answer.text() };
  }

  async list(): Promise<ListedSession[]> {
    const { sessions } = (await this.api('GET', '/api/whatsapp/sessions?limit=1000')) as {
      sessions: ListedSession[];
    };
    return sessions;
  }

  async ready(): Promise<ListedSession[]> {
    return (await this.list()).filter(({ status }) => status === 'ready');
  }

  async verdict(id: string): Promise<string | undefined> {
    const { instances } = (await this.api('GET', '/api/fleet')) as {
      instances: { id: string; verdict?: string }[];
    };
    return instances.find((instance) => instance.id === id)?.verdict;
  }

  async connections(): Promise<SeenConnection[]> {
    const answer = await fetch(`${this.emulatorUrl}/connections`);
    return ((await answer.json()) as { connections: SeenConnection[] }).connections;
  }

  async until(what: string, holds: () => Promise<boolean>, pause = 50): Promise<void> {
    const end = performance.now() + PATIENCE;
    while (!(await holds().catch(() => false))) {
      if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
      await sleep(pause);
    }
  }

  async emptyRedis(): Promise<void> {
    const redis = await connectRedis(
      parseRedisUrl(this.redis.url),
      createLogger('silent', {}, process.stderr),
    );
    await redis.flushall();
    redis.disconnect();
  }

  async close(): Promise<void> {
    await this.#router?.stop();
    for (const instance of this.#instances.values()) await instance.stop();
    for (const { pid } of await browsersUnder(this.directory)) killGroup(pid);
    await this.#emulator.stop();
    await this.redis.close();
    await rm(this.directory, { recursive: true, force: true });
  }

  #instance(id: string): BenchProcess {
    const instance = this.#instances.get(id);
    if (!instance) throw new Error(`${id} was not started`);
    return instance;
  }

  async #url(id: string): Promise<string> {
    const { instances } = (await this.api('GET', '/api/fleet')) as {
      instances: { id: string; url?: string }[];
    };
    return instances.find((instance) => instance.id === id)?.url ?? '';
  }

  #env(): Record<string, string> {
    return {
      REDIS_URL: this.redis.url,
      WHATSAPP_SESSION_PATH: join(this.directory, 'sessions'),
      WHATSAPP_INSTANCE_COUNT: '2',
      LOG_LEVEL: 'warn',
    };
  }
}

/** Sends a signal to a process that may have ended. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended.
  }
}
