import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Env } from '../../common/env.ts';
import { Lifecycle } from '../../common/lifecycle.ts';
import type { Logger } from '../../common/logger.ts';
import { connectRedis } from '../../common/redis.ts';
import { SystemdNotifier } from '../../common/sd-notify.ts';
import { describeHolder } from '../../fleet/fleet-checks.ts';
import { hostIdentity, processStart } from '../../fleet/host-identity.ts';
import { OWNERSHIP_TIMES } from '../../fleet/ownership-times.ts';
import { PROTOCOL_VERSION } from '../../fleet/records.ts';
import { redisCoordination } from '../../fleet/redis-coordination.ts';
import { SessionPaths } from '../../fleet/session-paths.ts';
import { INSTANCE_NODE_FLAGS, type InstanceConfig } from '../config.ts';
import { hostClock } from './host-clock.ts';
import { lockInstance } from './host-lock.ts';
import type { InstanceProgram, InstanceReady } from './instance-process.ts';
import { browsersUnder, endProcesses, HELPER_VARIABLE, helpersOf, ofInstance } from './process-end.ts';
import { waitToJoin } from './start-checks.ts';
import { StorageHelper } from './storage-helper.ts';
import { Supervisor } from './supervisor.ts';
import { WakefulClock } from './suspension.ts';

/** How long a start may take, a call to the storage, and what an instance is asked; milliseconds. */
const PATIENCE = {
  start: 60_000,
  beat: 10_000,
  storage: OWNERSHIP_TIMES.look + 2000,
  kill: 400,
  answer: 10_000,
  leftovers: 15_000,
  /** A lease that nobody renews is gone after its time; a little more, since two clocks are asked. */
  join: OWNERSHIP_TIMES.lease + 2000,
};

/**
 * Makes a supervisor of its parts and runs it until aborted. Checks the host and the fleet first: that no other supervisor has this
 * instance, that the session path is there and shared, that what an earlier one left has ended.
 *
 * @param env what the process was started with: the instance gets it too
 * @param onReady called each time the instance is up
 * @returns the exit code
 * @throws WharfError `invalid_state`, `config_invalid`, `storage_unavailable`, `redis_unavailable` when it may not or cannot start
 */
export async function runSupervisor(
  config: InstanceConfig,
  env: Env,
  log: Logger,
  onReady: (ready: InstanceReady) => void,
  signal: AbortSignal,
): Promise<number> {
  const lifecycle = new Lifecycle(log, 5000);
  try {
    return await compose(config, env, log, onReady, signal, lifecycle);
  } catch (error) {
    // Told to stop while it was starting.
    if (signal.aborted && error === signal.reason) return 0;
    throw error;
  } finally {
    await lifecycle.close();
  }
}

async function compose(
  config: InstanceConfig,
  env: Env,
  log: Logger,
  onReady: (ready: InstanceReady) => void,
  signal: AbortSignal,
  lifecycle: Lifecycle,
): Promise<number> {
  const { instance } = config;
  const paths = new SessionPaths(config.sessionPath);
  const clock = new WakefulClock(hostClock);
  const holder = {
    instance,
    protocol: PROTOCOL_VERSION,
    host: await hostIdentity(),
    pid: process.pid,
    pid_start: (await processStart(process.pid)) ?? '',
    beacon: randomBytes(16).toString('hex'),
    started_at: new Date(clock.now()).toISOString(),
  };
  const who = describeHolder({ ...holder, incarnation: '' });
  lifecycle.add('the lock', await lockInstance(instance, paths.root, who));

  const identity = { INSTANCE_ID: instance, WHATSAPP_SESSION_PATH: paths.root };
  const [ended] = await Promise.all([
    endProcesses(ofInstance(instance, paths.root), PATIENCE.leftovers),
    endProcesses(helpersOf(instance, paths.root), PATIENCE.leftovers),
  ]);
  if (!ended) log.error('processes that an earlier supervisor left do not end: treated as on another host');

  const storage = new StorageHelper(
    {
      sessionPath: paths.root,
      main: program('storage-helper-main.js'),
      env: { ...identity, [HELPER_VARIABLE]: '1' },
      deadline: PATIENCE.storage,
    },
    log,
  );
  lifecycle.add('the storage helper', () => storage.close());
  await storage.requireSessionPath();
  const redis = await connectRedis(config.redis, log);
  lifecycle.add('redis', () => redis.disconnect());
  const coordination = redisCoordination(redis, OWNERSHIP_TIMES.redis);

  // Before the lease: whoever sees that looks for it.
  await storage.writeBeacon(instance, holder.beacon);
  const replaces = await waitToJoin(
    {
      me: { instance, host: holder.host, sessionPath: paths.root },
      coordination,
      readBeacon: (other) => storage.readBeacon(other),
      processStart,
      clock,
      patience: PATIENCE.join,
      log,
    },
    signal,
  );

  const notifier = new SystemdNotifier(env, log);
  lifecycle.add('systemd', () => notifier.close());
  const supervisor = new Supervisor({
    holder,
    predecessors: ended ? replaces : [],
    predecessorsEnded: ended,
    coordination,
    claims: storage,
    clock,
    times: OWNERSHIP_TIMES,
    patience: { kill: PATIENCE.kill, answer: PATIENCE.answer, close: config.shutdownTimeout + 2000 },
    program: (port): InstanceProgram => ({
      main: program('../main.js'),
      nodeFlags: INSTANCE_NODE_FLAGS,
      env: instanceEnv(env, { ...identity, ...(port === null ? {} : { PORT: port }) }, config.port),
      startPatience: PATIENCE.start,
      beatPatience: PATIENCE.beat,
    }),
    isBrowserOf: (workspaces) => browsersUnder(workspaces.map((workspace) => paths.workspace(workspace))),
    notifier,
    onReady,
    log,
  });
  lifecycle.add('pokes', await coordination.onPoke(instance, () => supervisor.poke()));
  return await supervisor.run(signal);
}

/**
 * The environment of the instance's process: this one's, without what concerns this process alone. One that listened on a free port has
 * that port from then on: routers know it.
 */
function instanceEnv(env: Env, change: Record<string, string>, configuredPort: number): Env {
  const { WHARF_EXIT_WITH_PARENT, NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID, ...rest } = env;
  const { PORT, ...others } = change;
  return { ...rest, ...others, ...(configuredPort === 0 && PORT !== undefined ? { PORT } : {}) };
}

/** A program of this directory. */
function program(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
