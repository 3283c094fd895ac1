import { join } from 'node:path';
import type { Env } from '../../common/env.ts';
import { makePrivateDirectory } from '../../common/files.ts';
import type { Lifecycle } from '../../common/lifecycle.ts';
import { KeptProcess, type ProcessEvent, type ProcessPlan } from './kept-process.ts';
import { recordProcesses, waitForLeftovers } from './leftovers.ts';
import { lockDataDirectory } from './lock.ts';
import type { LocalFleetOptions } from './options.ts';
import {
  backupsDirectory,
  isBackupPlaceGiven,
  planBackups,
  planEmulator,
  planInstance,
  planRouter,
  type Surroundings,
} from './plans.ts';
import { routerPort } from './ports.ts';
import { type LocalFleetRecord, removeLocalFleet, writeLocalFleet } from './record.ts';
import { planRedis } from './redis.ts';
import { loadSettings } from './settings.ts';

/** How long the processes of a fleet that was killed may take to end by themselves. */
const LEFTOVERS_PATIENCE = 15_000;

/**
 * Starts a fleet from a data directory: Redis, the emulator, the instances side by side, the router and the backup service.
 *
 * @param parts gets what must be closed; also when this throws, since some may run already
 * @param tell told what happens, a line at a time
 * @param signal once aborted, nothing more is started
 * @throws WharfError that says which part did not start, and why
 */
export async function startLocalFleet(
  options: LocalFleetOptions,
  env: Env,
  parts: Lifecycle,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<LocalFleetRecord> {
  const { data, live } = options;
  const address = env['BIND_ADDRESS'] || '127.0.0.1';
  const port = await routerPort(options.port, address);
  const [logs, sessions] = [join(data, 'logs'), join(data, 'sessions')];
  // A directory that the environment names is somebody's own: where it is not there, something is not mounted.
  const backups = isBackupPlaceGiven(env) ? [] : [backupsDirectory(data)];
  for (const directory of [data, logs, sessions, ...backups]) await makePrivateDirectory(directory);
  parts.add('the lock', await lockDataDirectory(data));
  const settings = await loadSettings(options, tell);
  await waitForLeftovers(data, LEFTOVERS_PATIENCE, (names) =>
    tell(`waiting for what the fleet before left behind: ${names.join(', ')}`),
  );

  const fleet = new Fleet(data, parts, tell, signal);
  const redis = await planRedis(data, logs, env);
  await fleet.start(redis.plan, () => 'redis ready');
  const around: Surroundings = {
    env,
    data,
    logs,
    sessions,
    redisUrl: redis.url,
    instances: options.instances,
  };
  const emulator = live
    ? null
    : await fleet.start(
        planEmulator(around),
        (ready) => `emulated WhatsApp ready (control ${ready.control_url})`,
      );
  const instances = await fleet.startTogether(
    Array.from({ length: options.instances }, (_, index) => planInstance(around, index + 1, emulator)),
    (ready) => `${ready.instance} ready (${ready.url}, process ${ready.pid})`,
    (ready) => ready.pid,
  );
  const [router] = await Promise.all([
    fleet.start(
      planRouter(around, port, address, settings.api_key),
      (ready) => `router ready (${ready.url})`,
    ),
    fleet.start(planBackups(around), (ready) => `backup service ready (${ready.url})`),
  ]);

  const record: LocalFleetRecord = {
    url: shownUrl(router.url),
    api_key: settings.api_key,
    pid: process.pid,
    emulator: emulator?.control_url ?? null,
    redis_url: redis.url,
    session_path: sessions,
    instances: instances.map(({ instance, pid, url }) => ({ id: instance, pid, url })),
  };
  await fleet.publish(record);
  return record;
}

/** The processes that run, and the files that tell of them. */
class Fleet {
  readonly #data: string;
  readonly #parts: Lifecycle;
  readonly #tell: (line: string) => void;
  readonly #signal: AbortSignal;
  readonly #processes: { name: string; readonly pid: number | undefined }[] = [];
  /** What the supervisors run: instance id -> the process. */
  readonly #instances = new Map<string, number>();
  #record: LocalFleetRecord | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(data: string, parts: Lifecycle, tell: (line: string) => void, signal: AbortSignal) {
    this.#data = data;
    this.#parts = parts;
    this.#tell = tell;
    this.#signal = signal;
  }

  /** Starts one process, and keeps it. */
  async start<Ready>(plan: ProcessPlan<Ready>, describe: (ready: Ready) => string): Promise<Ready> {
    const [ready] = await this.startTogether([plan], describe);
    if (ready === undefined) throw new Error(`${plan.name} was not started`);
    return ready;
  }

  /**
   * Starts processes side by side, and keeps them; at the end they are ended side by side too.
   *
   * @param runs the process that one of them runs and keeps itself: a supervisor's instance
   */
  async startTogether<Ready>(
    plans: ProcessPlan<Ready>[],
    describe: (ready: Ready) => string,
    runs: (ready: Ready) => number | null = () => null,
  ): Promise<Ready[]> {
    this.#signal.throwIfAborted();
    const kept = plans.map(
      (plan) => new KeptProcess<Ready>(plan, (event) => this.#on(plan.name, event, describe, runs)),
    );
    this.#processes.push(...kept);
    this.#parts.add(plans.map((plan) => plan.name).join(', '), async () => {
      await Promise.all(kept.map((process) => process.stop()));
    });
    return await Promise.all(kept.map((process) => process.start()));
  }

  /** Writes the record, now and whenever a process of it is another. */
  async publish(record: LocalFleetRecord): Promise<void> {
    this.#record = record;
    // One may have become another while the rest was started.
    for (const instance of record.instances) instance.pid = this.#instances.get(instance.id) ?? instance.pid;
    this.#parts.add('the record', async () => {
      this.#record = undefined;
      await this.#writing;
      await removeLocalFleet(this.#data);
    });
    await this.#write();
  }

  #on<Ready>(
    name: string,
    event: ProcessEvent<Ready>,
    describe: (ready: Ready) => string,
    runs: (ready: Ready) => number | null,
  ): void {
    if (event.kind === 'ended') {
      this.#tell(`${name} ${event.reason}; starting it again in ${event.delay / 1000} s`);
      return;
    }
    this.#tell(describe(event.ready));
    const pid = runs(event.ready);
    if (pid !== null) this.#instances.set(name, pid);
    const known = this.#record?.instances.find((instance) => instance.id === name);
    if (known !== undefined && pid !== null) known.pid = pid;
    this.#write().catch((error: unknown) => this.#tell(`the record could not be written: ${String(error)}`));
  }

  #write(): Promise<void> {
    this.#writing = this.#writing.then(
      () => this.#writeNow(),
      () => this.#writeNow(),
    );
    return this.#writing;
  }

  async #writeNow(): Promise<void> {
    const kept = this.#processes.flatMap(({ name, pid }) =>
      pid === undefined ? [] : [{ name: this.#instances.has(name) ? `supervisor of ${name}` : name, pid }],
    );
    const instances = [...this.#instances].map(([name, pid]) => ({ name, pid }));
    await recordProcesses(this.#data, [...kept, ...instances]);
    if (this.#record !== undefined) await writeLocalFleet(this.#data, this.#record);
  }
}

/** A router that listens on all addresses is reached on this machine by loopback. */
function shownUrl(url: string): string {
  return new URL(url).origin.replace('0.0.0.0', '127.0.0.1').replace('[::]', '[::1]');
}
