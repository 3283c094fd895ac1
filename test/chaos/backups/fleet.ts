import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackupSummary, Operation, Restore } from '../../../fleet/backup/api.ts';
import { killGroup } from '../../../instance/whatsapp/process-tree.ts';
import { Phones, phoneNumber } from '../../bench/support/phones.ts';
import { type BenchProcess, startProgram } from '../../bench/support/processes.ts';
import { browsersUnder } from '../../helpers/processes.ts';
import { type PrivateRedis, startRedis } from '../../helpers/redis.ts';
import type { ProvenSession } from '../messages/fleet.ts';
import { type Answer, ask, type Json, mustAsk } from '../real/asking.ts';
import type { EmulatedPhones } from './emulated.ts';

const ADMIN_KEY = 'the-admin-key-of-the-backups-proof-0123456789';
const HEADERS = { authorization: `Bearer ${ADMIN_KEY}` };

/** Above what anything here takes, milliseconds: who waits longer waits for ever. */
const PATIENCE = 600_000;
/** So long nothing may change before those that are not ready count as lost, milliseconds: a start that failed is tried again sooner. */
const STANDSTILL = 60_000;

/** A session as the router lists it. */
export interface ListedSession {
  session_id: string;
  workspace_id: number | string;
  status: string;
  instance: string;
  epoch: number;
}

/** What a fleet is made of. */
export interface BackupFleetOptions {
  /** Everything it writes lies below; removed when it is closed. */
  directory: string;
  emulated: EmulatedPhones;
  instances: number;
  /** Where the backups are: variables of the backup service. Null: there is none. */
  store: Readonly<Record<string, string>> | null;
  /** On a share that is there already, as it is. */
  sessionPath?: string;
  /** More for every process. */
  env?: Readonly<Record<string, string>>;
}

/** Redis, a router, instances under their supervisors and the backup service, with real browsers; WhatsApp is somebody else's. */
export class BackupFleet {
  readonly sessionPath: string;
  /** What was linked here. */
  readonly sessions: ProvenSession[] = [];
  readonly #directory: string;
  readonly #redis: PrivateRedis;
  readonly #options: BackupFleetOptions;
  readonly #instances = new Map<string, BenchProcess>();
  #router: BenchProcess | undefined;
  #service: BenchProcess | undefined;

  private constructor(options: BackupFleetOptions, redis: PrivateRedis) {
    this.#options = options;
    this.#directory = options.directory;
    this.sessionPath = options.sessionPath ?? join(options.directory, 'sessions');
    this.#redis = redis;
  }

  static async start(options: BackupFleetOptions): Promise<BackupFleet> {
    const fleet = new BackupFleet(options, await startRedis());
    try {
      for (const name of ['sessions', 'logs', 'scratch'])
        await mkdir(join(options.directory, name), { recursive: true, mode: 0o700 });
      await fleet.#startAll();
    } catch (error) {
      await fleet.close();
      throw error;
    }
    return fleet;
  }

  /** Makes sessions, each of a workspace of its own, and links them, a few at one time. */
  async link(count: number, atOnce = 4): Promise<void> {
    const phones = new Phones(this.#options.emulated.controlUrl);
    let next = 0;
    const linkSome = async () => {
      while (next < count) {
        const index = next++;
        const session = { workspace: `${index}`, session: `s${index}`, phone: phoneNumber(index) };
        await this.api('POST', '/api/whatsapp/sessions', {
          workspace_id: session.workspace,
          session_id: session.session,
        });
        const { qr } = await this.api('GET', `/api/whatsapp/sessions/${session.session}/qr?wait=60`);
        await phones.scan(String(qr), session.phone);
        await this.#ready(session.session);
        this.sessions[index] = session;
      }
    };
    await Promise.all(Array.from({ length: atOnce }, linkSome));
  }

  /** The command line reaches it with these. */
  get access(): { url: string; key: string } {
    return { url: String(this.#router?.ready['url']), key: ADMIN_KEY };
  }

  /** The processes that backups cost something: the service, and what is below each supervisor. */
  get pids(): { service: number; supervisors: number[] } {
    return {
      service: this.#service?.pid ?? 0,
      supervisors: [...this.#instances.values()].map(({ pid }) => pid),
    };
  }

  async api(method: string, path: string, body?: Json): Promise<Json> {
    return await mustAsk(method, `${this.access.url}${path}`, HEADERS, body);
  }

  /** Asks as a client does who hears of every way in which that may end. */
  async ask(
    method: string,
    path: string,
    body?: Json,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return await ask(method, `${this.access.url}${path}`, { ...HEADERS, ...headers }, body);
  }

  async list(): Promise<ListedSession[]> {
    const { sessions } = (await this.api('GET', '/api/whatsapp/sessions?limit=1000')) as {
      sessions: ListedSession[];
    };
    return sessions;
  }

  /**
   * Waits until so many sessions are ready, or until nothing has changed for long. Answers the statuses of all, by session; with one that did not
   * come at all as `missing`.
   */
  async settled(wanted: readonly string[]): Promise<Map<string, string>> {
    let last = '';
    let changed = performance.now();
    for (;;) {
      const listed = await this.list().catch(() => []);
      const statuses = new Map(wanted.map((session) => [session, 'missing']));
      for (const { session_id, status } of listed)
        if (statuses.has(session_id)) statuses.set(session_id, status);
      if ([...statuses.values()].every((status) => status === 'ready')) return statuses;
      const now = JSON.stringify([...statuses]);
      if (now !== last) changed = performance.now();
      last = now;
      if (performance.now() - changed > STANDSTILL) return statuses;
      await sleep(200);
    }
  }

  /** Makes a backup now, and waits for its end. Throws where it failed. */
  async backup(): Promise<Operation> {
    let operation = (await this.api('POST', '/api/backups')) as unknown as Operation;
    await this.until('the backup has ended', async () => {
      operation = (await this.api('GET', `/api/backups/operations/${operation.id}`)) as unknown as Operation;
      return operation.state !== 'running';
    });
    if (operation.state !== 'done' || operation.backup === null)
      throw new Error(`the backup ended as ${operation.state}: ${JSON.stringify(operation)}`);
    return operation;
  }

  async backups(): Promise<BackupSummary[]> {
    return ((await this.api('GET', '/api/backups')) as unknown as { backups: BackupSummary[] }).backups;
  }

  /** Restores, and waits for the end of it, whatever that is. */
  async restore(request: Json): Promise<Restore> {
    let restore = (await this.api('POST', '/api/restores', request)) as unknown as Restore;
    await this.until('the restore has ended', async () => {
      restore = (await this.api('GET', `/api/restores/${restore.id}`)) as unknown as Restore;
      return !['running', 'undoing'].includes(restore.state);
    });
    return restore;
  }

  /** Stops the instances cleanly. */
  async stopInstances(): Promise<void> {
    await Promise.all([...this.#instances.values()].map((instance) => instance.stop()));
    this.#instances.clear();
  }

  /** Stops the instances cleanly and starts them again: every session is started once more. */
  async restartInstances(): Promise<void> {
    await this.stopInstances();
    await this.#startInstances();
  }

  async until(what: string, holds: () => Promise<boolean>, pause = 50): Promise<void> {
    const end = performance.now() + PATIENCE;
    while (!(await holds().catch(() => false))) {
      if (performance.now() > end)
        throw new Error(`waited in vain: ${what}; logs in ${this.#directory}/logs`);
      await sleep(pause);
    }
  }

  /** Ends everything. @param keep leave the directory, with all logs, for a look */
  async close(keep = false): Promise<void> {
    await this.#service?.stop();
    await this.#router?.stop();
    await Promise.all([...this.#instances.values()].map((instance) => instance.stop()));
    for (const { pid } of await browsersUnder(this.sessionPath)) killGroup(pid);
    await this.#redis.close();
    if (!keep) await rm(this.#directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  async #startAll(): Promise<void> {
    this.#router = await this.#start('router', 'router/main.ts', { PORT: '0', WHARF_ADMIN_KEY: ADMIN_KEY });
    await this.#startInstances();
    if (this.#options.store !== null) await this.useStore(this.#options.store);
  }

  /** Starts the backup service on a store, another one than before if there was one. */
  async useStore(store: Readonly<Record<string, string>>): Promise<void> {
    await this.#service?.stop();
    this.#service = await this.#start('backup', 'backup/main.ts', {
      PORT: '0',
      // Runs are asked for. The first, for a moment that has passed, would come at once but for its share of this jitter: 59.7 minutes.
      BACKUP_SCHEDULE: '10 0 29 2 *',
      BACKUP_JITTER: '3600000',
      ...store,
    });
    await this.until('the backup service answers', async () => (await this.backups()) !== undefined);
  }

  async #startInstances(): Promise<void> {
    const ids = Array.from({ length: this.#options.instances }, (_, index) => `instance-${index + 1}`);
    await Promise.all(ids.map(async (id) => this.#instances.set(id, await this.#startInstance(id))));
    await this.until('the instances are healthy', async () => {
      const { instances } = (await this.api('GET', '/api/fleet')) as {
        instances: { id: string; verdict?: string }[];
      };
      return ids.every((id) => instances.find((each) => each.id === id)?.verdict === 'healthy');
    });
  }

  async #startInstance(id: string): Promise<BenchProcess> {
    return await this.#start(id, 'instance/supervisor/main.ts', {
      INSTANCE_ID: id,
      PORT: '0',
      ...this.#options.emulated.browserEnv,
      WHATSAPP_RECONNECT_BASE_DELAY: '1000',
      WHATSAPP_RATE_LIMIT_MAX: '0',
      RATE_LIMIT_CRITICAL: '0',
      RATE_LIMIT_HIGH: '0',
      RATE_LIMIT_NORMAL: '0',
      RATE_LIMIT_LOW: '0',
    });
  }

  async #start(name: string, source: string, env: Record<string, string>): Promise<BenchProcess> {
    const process = await startProgram(source, {
      REDIS_URL: this.#redis.url,
      WHATSAPP_SESSION_PATH: this.sessionPath,
      WHATSAPP_INSTANCE_COUNT: `${this.#options.instances}`,
      WHARF_SCRATCH: join(this.#directory, 'scratch'),
      BIND_ADDRESS: '127.0.0.1',
      LOG_LEVEL: 'info',
      ...env,
      ...this.#options.env,
    });
    process.child.stderr?.pipe(
      createWriteStream(join(this.#directory, 'logs', `${name}.log`), { flags: 'a' }),
    );
    return process;
  }

  async #ready(session: string): Promise<void> {
    await this.until(`${session} is ready`, async () => {
      const { status } = await this.api('GET', `/api/whatsapp/sessions/${session}`);
      return status === 'ready';
    });
  }
}
