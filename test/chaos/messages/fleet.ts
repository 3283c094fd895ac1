import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { killGroup, pidsUnder, processTable, waitForEnd } from '../../../instance/whatsapp/process-tree.ts';
import { Phones, phoneNumber } from '../../bench/support/phones.ts';
import { type BenchProcess, startProgram } from '../../bench/support/processes.ts';
import { browsersUnder, signalOne } from '../../helpers/processes.ts';
import { freePort, type PrivateRedis, startRedis } from '../../helpers/redis.ts';
import { type Answer, ask, type Json, mustAsk } from '../real/asking.ts';

const ADMIN_KEY = 'the-admin-key-of-the-messages-proof-0123456789';
const HEADERS = { authorization: `Bearer ${ADMIN_KEY}` };

/** Above what anything here takes, milliseconds: who waits longer waits for ever. */
const PATIENCE = 300_000;
/** How long a process that was killed may take to be gone, milliseconds. */
const ENDING = 10_000;

export const INSTANCES = ['instance-1', 'instance-2'] as const;
export type InstanceId = (typeof INSTANCES)[number];

/** A session, its workspace, and the phone that linked it. */
export interface ProvenSession {
  workspace: string;
  session: string;
  phone: string;
}

/** What of an instance is killed at one moment: its process, its browsers too, its supervisor too (then another host takes over). */
export type KillKind = 'process' | 'browsers too' | 'host';

/** What a fleet is made of. */
export interface FleetOptions {
  routers: number;
  /** Two at most. */
  instances: number;
  /** Beside what every instance is told here: no limits, no long pauses. */
  instanceEnv?: Readonly<Record<string, string>>;
}

/** Instances under their supervisors, routers, Redis that writes down all it confirms, real browsers and the emulator. */
export class MessagesFleet {
  readonly directory: string;
  readonly redis: PrivateRedis;
  readonly sessions: ProvenSession[] = [];
  /** Times a workspace was taken out of quarantine. */
  freed = 0;
  readonly #emulator: BenchProcess;
  readonly #supervisors = new Map<InstanceId, BenchProcess>();
  readonly #routers: { port: number; process: BenchProcess }[] = [];
  readonly #env: Readonly<Record<string, string>>;
  readonly #instanceEnv: Readonly<Record<string, string>>;

  private constructor(
    directory: string,
    redis: PrivateRedis,
    emulator: BenchProcess,
    instances: readonly InstanceId[],
    instanceEnv: Readonly<Record<string, string>>,
  ) {
    this.#instanceEnv = instanceEnv;
    this.directory = directory;
    this.redis = redis;
    this.#emulator = emulator;
    this.#env = {
      REDIS_URL: redis.url,
      WHATSAPP_SESSION_PATH: join(directory, 'sessions'),
      WHATSAPP_INSTANCE_COUNT: `${instances.length}`,
      BIND_ADDRESS: '127.0.0.1',
      LOG_LEVEL: 'info',
    };
  }

  static async start({ routers, instances, instanceEnv = {} }: FleetOptions): Promise<MessagesFleet> {
    const ids = INSTANCES.slice(0, instances);
    const directory = await mkdtemp(join(tmpdir(), 'wharf-messages-'));
    const redis = await startRedis({ appendonly: true, settings: ['--appendfsync', 'always'] });
    const emulator = await startProgram('emulator/main.ts', {
      EMULATOR_PORT: '0',
      EMULATOR_CONTROL_PORT: '0',
      EMULATOR_DATA: '',
    });
    const fleet = new MessagesFleet(directory, redis, emulator, ids, instanceEnv);
    try {
      for (const name of ['sessions', 'logs']) await mkdir(join(directory, name), { mode: 0o700 });
      for (let index = 0; index < routers; index += 1) await fleet.#startRouter(await freePort(), index);
      for (const id of ids) await fleet.startInstance(id);
    } catch (error) {
      await fleet.close(false);
      throw error;
    }
    return fleet;
  }

  /** Makes sessions, two in each workspace, and links them. */
  async link(count: number): Promise<void> {
    const phones = new Phones(this.emulatorUrl);
    for (let index = 0; index < count; index += 1) {
      const session = {
        workspace: `${Math.floor(index / 2) + 1}`,
        session: `s${index + 1}`,
        phone: phoneNumber(index),
      };
      await this.api('POST', '/api/whatsapp/sessions', {
        workspace_id: session.workspace,
        session_id: session.session,
      });
      const { qr } = await this.api('GET', `/api/whatsapp/sessions/${session.session}/qr?wait=60`);
      await phones.scan(String(qr), session.phone);
      this.sessions.push(session);
    }
    await this.allReady();
  }

  get workspaces(): string[] {
    return [...new Set(this.sessions.map(({ workspace }) => workspace))];
  }

  get emulatorUrl(): string {
    return String(this.#emulator.ready['control_url']);
  }

  get routerUrls(): string[] {
    return this.#routers.map(({ port }) => `http://127.0.0.1:${port}`);
  }

  /** Asks one of the routers, as a client does who hears of every way in which that may end. */
  async ask(
    router: number,
    method: string,
    path: string,
    body?: Json,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const url = this.routerUrls[router % this.#routers.length];
    return await ask(method, `${url}${path}`, { ...HEADERS, ...headers }, body, 30_000);
  }

  /** Asks any router that answers. Throws where none does it. */
  async api(method: string, path: string, body?: Json): Promise<Json> {
    let reason: unknown;
    for (const url of this.routerUrls) {
      try {
        return await mustAsk(method, `${url}${path}`, HEADERS, body);
      } catch (error) {
        reason = error;
      }
    }
    throw reason;
  }

  async emulator(method: string, path: string, body?: Json): Promise<Json> {
    return await mustAsk(method, `${this.emulatorUrl}${path}`, {}, body);
  }

  /** Starts an instance's supervisor; the instance comes up by itself. */
  async startInstance(id: InstanceId): Promise<void> {
    const process = await startProgram('instance/supervisor/main.ts', {
      ...this.#env,
      INSTANCE_ID: id,
      PORT: '0',
      WHATSAPP_WEB_RESOLVE: `127.0.0.1:${String(this.#emulator.ready['https_port'])}`,
      WHATSAPP_WEB_SPKI: String(this.#emulator.ready['spki']),
      WHATSAPP_RECONNECT_BASE_DELAY: '1000',
      WHATSAPP_RATE_LIMIT_MAX: '0',
      RATE_LIMIT_CRITICAL: '0',
      RATE_LIMIT_HIGH: '0',
      RATE_LIMIT_NORMAL: '0',
      RATE_LIMIT_LOW: '0',
      ...this.#instanceEnv,
    });
    this.#record(process, id);
    this.#supervisors.set(id, process);
  }

  /** Whether an instance's process runs now. */
  async isUp(id: InstanceId): Promise<boolean> {
    return (await this.#instancePid(id)) !== undefined;
  }

  /** Kills an instance with SIGKILL, and waits until what was killed is gone. Nothing where it does not run. */
  async killInstance(id: InstanceId, kind: KillKind): Promise<void> {
    const supervisor = this.#supervisors.get(id);
    const instance = await this.#instancePid(id);
    if (supervisor === undefined || instance === undefined) return;
    const table = await processTable();
    const pids =
      kind === 'process'
        ? [instance]
        : // Whoever would start another first.
          pidsUnder(table, [kind === 'host' ? supervisor.pid : instance]);
    for (const pid of pids) signalOne(pid, 'SIGKILL');
    await Promise.all(pids.map((pid) => waitForEnd(pid, ENDING)));
    if (kind === 'host') this.#supervisors.delete(id);
  }

  /** Kills a router with SIGKILL and starts it again on its port. */
  async restartRouter(index: number): Promise<void> {
    const router = this.#routers[index];
    if (router === undefined) throw new Error(`there is no router ${index}`);
    signalOne(router.process.pid, 'SIGKILL');
    await waitForEnd(router.process.pid, ENDING);
    await this.#startRouter(router.port, index);
  }

  /** Waits until every session is ready. */
  async allReady(): Promise<void> {
    await this.until('all sessions are ready', async () => {
      await this.freeQuarantined();
      const { sessions } = (await this.api('GET', '/api/whatsapp/sessions?limit=1000')) as {
        sessions: { status: string }[];
      };
      return sessions.filter(({ status }) => status === 'ready').length === this.sessions.length;
    });
  }

  /**
   * Moves workspaces that are in quarantine, as an operator does. Instances that are killed again and again die also while sessions start, and then these are
   * blamed for it.
   */
  async freeQuarantined(): Promise<void> {
    const { quarantined, instances } = (await this.api('GET', '/api/fleet')) as {
      quarantined: unknown[];
      instances: { id: string; verdict?: string }[];
    };
    const healthy = instances.filter(({ verdict }) => verdict === 'healthy').map(({ id }) => id);
    for (const workspace of quarantined) {
      const { instance } = await this.api('GET', `/api/fleet/workspaces/${String(workspace)}`);
      // Where it is already there is nothing to move; another one first.
      const to = healthy.find((id) => id !== instance) ?? healthy[0];
      if (to === undefined) return;
      await this.api('POST', `/api/fleet/workspaces/${String(workspace)}/move`, { to });
      this.freed += 1;
    }
  }

  async until(what: string, holds: () => Promise<boolean>, pause = 200): Promise<void> {
    const end = performance.now() + PATIENCE;
    while (!(await holds().catch(() => false))) {
      if (performance.now() > end) throw new Error(`waited in vain: ${what}; logs in ${this.directory}`);
      await sleep(pause);
    }
  }

  /** Ends everything. @param keep leave the directory, with all logs, for a look */
  async close(keep: boolean): Promise<void> {
    await Promise.all(this.#routers.map(({ process }) => process.stop()));
    await Promise.all([...this.#supervisors.values()].map((process) => process.stop()));
    for (const { pid } of await browsersUnder(this.directory)) killGroup(pid);
    await this.#emulator.stop();
    await this.redis.close();
    if (!keep) await rm(this.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  async #startRouter(port: number, index: number): Promise<void> {
    const process = await startProgram('router/main.ts', {
      ...this.#env,
      PORT: `${port}`,
      WHARF_ADMIN_KEY: ADMIN_KEY,
    });
    this.#record(process, `router-${index + 1}`);
    this.#routers[index] = { port, process };
  }

  /** What a process logs is appended to its file, over all its lives. */
  #record({ child }: BenchProcess, name: string): void {
    const file = createWriteStream(join(this.directory, 'logs', `${name}.log`), { flags: 'a' });
    child.stderr?.pipe(file);
  }

  async #instancePid(id: InstanceId): Promise<number | undefined> {
    const supervisor = this.#supervisors.get(id);
    if (supervisor === undefined) return undefined;
    for (const [pid, { parent }] of await processTable()) {
      if (parent !== supervisor.pid) continue;
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (/instance\/main\.js/.test(command)) return pid;
    }
    return undefined;
  }
}
