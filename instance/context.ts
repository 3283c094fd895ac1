import { randomBytes } from 'node:crypto';
import type { Clock } from '../common/clock.ts';
import type { Env } from '../common/env.ts';
import { WharfError } from '../common/errors.ts';
import { type HttpServer, listen } from '../common/http/server.ts';
import { Lifecycle } from '../common/lifecycle.ts';
import type { Logger } from '../common/logger.ts';
import { addBuildInfo } from '../common/process-metrics.ts';
import { openRedis } from '../common/redis.ts';
import { NO_TRACER, type Tracer } from '../common/tracing/tracer.ts';
import { wharfVersion } from '../common/version.ts';
import { internalToken } from '../fleet/internal-token.ts';
import { OWNERSHIP_TIMES } from '../fleet/ownership-times.ts';
import { type Announcement, PROTOCOL_VERSION } from '../fleet/records.ts';
import { redisTime } from '../fleet/redis-clock.ts';
import { redisRegistry } from '../fleet/redis-registry.ts';
import { SessionPaths } from '../fleet/session-paths.ts';
import { requireSessionPath } from '../fleet/session-storage.ts';
import { Announcer } from './announcer.ts';
import { openBackup } from './backup-context.ts';
import { every, keepDoing } from './chores.ts';
import type { InstanceConfig } from './config.ts';
import { HealthReporter } from './health.ts';
import { HostUsageMeter } from './host-usage.ts';
import { openHousekeeping } from './housekeeping-context.ts';
import { instanceApp } from './http/app.ts';
import { openMessaging } from './messaging-context.ts';
import { InstanceMetrics } from './metrics.ts';
import { type Identity, Ownership } from './ownership.ts';
import { parseChromiumVersion } from './profile/chromium-version.ts';
import { ProfileStore } from './profile/profile-store.ts';
import { Trash } from './profile/trash.ts';
import { newCounters } from './session/counters.ts';
import { newLossCounts } from './session/losses.ts';
import type { Session } from './session/session.ts';
import { SessionManager } from './session/session-manager.ts';
import { SessionStore } from './session/session-store.ts';
import { StartGate } from './session/start-gate.ts';
import { hostClock } from './supervisor/host-clock.ts';
import { INCARNATION_VARIABLE } from './supervisor/messages.ts';
import { type Channel, processChannel, type Standing, SupervisorLink } from './supervisor-link.ts';
import { findChromium } from './whatsapp/chromium.ts';
import { whatsappWebJsClients } from './whatsapp/page-client.ts';

/** How often the host is measured and the storage probed, milliseconds. */
const MEASURE_INTERVAL = 10_000;
/** How often it is looked whose queues are to be served, where no session told by changing its state. */
const SERVE_INTERVAL = 30_000;
/** How often it is looked for copies for a backup that nobody fetched. */
const COPIES_INTERVAL = 60_000;

/** A running instance. */
export interface Instance {
  url: string;
  /** Closes its sessions and all else; false where something did not close cleanly. */
  close(): Promise<boolean>;
}

/** What a test has in hand of an instance. */
export interface Overrides {
  /** In place of the IPC channel of the process. */
  channel?: Channel;
  /** Its monotonic clock is the host's. */
  clock?: Clock;
  /** The process's own. */
  tracer?: Tracer;
  /** What happens when the supervisor is gone, once all browsers were sent their end: the process ends. */
  end?: () => void;
  /** What POST `/restart` does: this process is asked to end. */
  restart?: () => void;
}

/**
 * Makes an instance of its parts and starts it: checks the host, listens, and tells its supervisor that it can be given workspaces. What it
 * runs from then on is what the supervisor grants. It starts also while Redis is away.
 *
 * @throws WharfError `config_invalid`, `storage_unavailable`, `chromium_missing`, `port_taken`; everything opened before is closed again
 */
export async function startInstance(
  config: InstanceConfig,
  env: Env,
  log: Logger,
  overrides: Overrides = {},
): Promise<Instance> {
  const lifecycle = new Lifecycle(log, config.shutdownTimeout);
  try {
    return await compose(config, env, log, lifecycle, overrides);
  } catch (error) {
    await lifecycle.close();
    throw error;
  }
}

async function compose(
  config: InstanceConfig,
  env: Env,
  log: Logger,
  lifecycle: Lifecycle,
  overrides: Overrides,
): Promise<Instance> {
  const clock = overrides.clock ?? hostClock;
  const tracer = overrides.tracer ?? NO_TRACER;
  const link = new SupervisorLink(overrides.channel ?? processChannel(), log);
  lifecycle.add('the link to the supervisor', () => link.close());
  const me: Identity = {
    instance: config.instance,
    incarnation: env[INCARNATION_VARIABLE] ?? randomBytes(8).toString('hex'),
    host: config.host,
  };
  const startedAt = new Date(clock.now()).toISOString();
  await requireSessionPath(config.sessionPath);
  const finding = findChromium(config.chromiumPath, config.sandbox);
  finding.catch(() => {});
  const redis = openRedis(config.redis, log);
  lifecycle.add('redis', () => redis.disconnect());
  const chromium = await finding;
  log.info({ path: chromium.path, version: chromium.version, sandbox: chromium.sandbox }, 'found Chromium');
  if (!chromium.sandbox)
    log.warn({ reason: chromium.sandboxReason }, "browsers run without Chromium's sandbox");
  const version = parseChromiumVersion(chromium.version);
  if (version === null)
    throw new WharfError(
      'chromium_missing',
      `${chromium.path} has a version that cannot be read: ${chromium.version}`,
    );

  const registry = redisRegistry(redis);
  const token = await internalToken(config.sessionPath, config.internalToken);

  const paths = new SessionPaths(config.sessionPath);
  const counters = newCounters();
  const losses = newLossCounts();
  const trash = new Trash(paths, clock);
  const store = new SessionStore(paths);
  const messaging = await openMessaging({
    config,
    paths,
    clock,
    counters,
    find: (workspace, session) => manager.find(workspace, session),
    tracer,
    log,
    lifecycle,
  });

  let server: HttpServer | undefined;
  let standing: Standing | undefined;
  const ownership = new Ownership({
    instance: me.instance,
    clock,
    lasts: OWNERSHIP_TIMES.authority,
    log,
    claim: (workspace) => link.claim(workspace),
    lapsed: (workspace, epoch) => void manager.workspaces.lapse(workspace, epoch),
  });
  const browserPids = () => manager.all().flatMap((session) => session.browserPid ?? []);
  const metrics: InstanceMetrics = new InstanceMetrics({
    manager: () => manager,
    standing: () => standing,
    owned: () => ownership.workspaces().length,
    outbox: messaging.outbox,
    eventsWaiting: messaging.eventsWaiting,
    counters,
    losses,
    usage: () => usage.last,
    browsers: () => browserPids().length,
    now: () => clock.monotonic(),
  });
  // Whoever finds instances by their machines cannot tell by a port which of them answers.
  metrics.registry.setDefaultLabels({ wharf_instance: me.instance });
  const builtFrom = { version: await wharfVersion(), chromium: chromium.version };
  addBuildInfo(metrics.registry, { component: 'instance', ...builtFrom });
  const manager: SessionManager = new SessionManager({
    ownership,
    capacity: config.capacity,
    host: config.host,
    closeWithin: sessionsDeadline(config.shutdownTimeout),
    log,
    onChange: (session) => {
      metrics.noteChange(session);
      announcer.session(keyOf(session), () => session.detail());
    },
    onRemove: (workspace, session) => announcer.sessionGone(`${workspace}/${session}`, workspace, session),
    onLeave: (session) => announcer.sessionLeft(keyOf(session), session.detail()),
    parts: {
      instance: config.instance,
      clients: whatsappWebJsClients(
        { chromium, webResolve: config.webResolve, webSpki: config.webSpki, timeouts: config.client },
        log,
      ),
      chromium: version,
      profiles: new ProfileStore(paths, clock),
      store,
      trash,
      gate: new StartGate(config.startConcurrency),
      copies: new StartGate(config.startConcurrency),
      clock,
      backoff: config.backoff,
      timeouts: config.life,
      counters,
      losses,
      log,
      random: Math.random,
      listeners: messaging.listeners,
      memoryOf: (browser) => usage.memoryOf(browser),
    },
  });
  const usage = new HostUsageMeter(browserPids);
  const announcement = (): Announcement => ({
    protocol: PROTOCOL_VERSION,
    instance: me.instance,
    incarnation: me.incarnation,
    url: config.announceUrl ?? server?.url ?? 'http://0.0.0.0',
    host: me.host,
    pid: process.pid,
    status: health.status(),
    capacity: manager.capacity,
    sessions: manager.occupied,
    ready: manager.readyCount,
    ...usage.last,
    counters: { ...counters },
    ...builtFrom,
    started_at: startedAt,
    announced_at: new Date(clock.now()).toISOString(),
  });
  const announcer = new Announcer(
    registry,
    {
      announcement,
      // Before the supervisor has said how it stands it has not given back what was owned before.
      sessions: () =>
        standing && !manager.workspaces.isReading
          ? manager.all().map((session) => session.detail())
          : undefined,
    },
    clock,
    log,
  );
  const health = new HealthReporter({
    me,
    manager,
    usage,
    sessionPath: config.sessionPath,
    clock,
    redisOk: () => announcer.ok,
    standing: () => standing,
    owned: () => ownership.workspaces().length,
    onProbe: (seconds) => metrics.probed(seconds),
    onRoom: (room) => metrics.foundRoom(room),
  });
  lifecycle.add('health', () => health.close());

  const backup = await openBackup({ config, paths, manager, store, trash, chromium: version, clock, log });
  const housekeeping = openHousekeeping({
    config,
    paths,
    manager,
    messaging,
    copies: backup.copies,
    ownership,
    trash,
    usage,
    registry: metrics.registry,
    othersTime: () => redisTime(redis),
    isWell: () =>
      !manager.workspaces.isReading &&
      standing?.redis_ok === true &&
      standing.storage_ok &&
      health.status() !== 'draining' &&
      health.status() !== 'unhealthy',
    clock,
    log,
  });
  const app = instanceApp(
    {
      manager,
      downloads: messaging.downloads,
      copies: backup.copies,
      restores: backup.restores,
      undos: backup.undos,
      health,
      metrics,
      order: (order) => link.order(order),
      restart: overrides.restart ?? (() => process.kill(process.pid, 'SIGTERM')),
    },
    token,
    log,
    tracer,
  );
  server = await listen(app, config.port, config.bindAddress);
  lifecycle.add('http', () => server?.close(2000));
  lifecycle.add('sessions', () => manager.close(sessionsDeadline(config.shutdownTimeout)));
  lifecycle.add('copies for backups', () => backup.close());

  const stop = new AbortController();
  const running = [
    ownership.watch(stop.signal),
    announcer.run(stop.signal),
    every(MEASURE_INTERVAL, stop.signal, clock, log, async () => {
      await Promise.all([usage.measure(), health.probeStorage()]);
      for (const session of housekeeping.changedMemory())
        announcer.session(keyOf(session), () => session.detail());
    }),
    every(COPIES_INTERVAL, stop.signal, clock, log, () => backup.tidy()),
    every(SERVE_INTERVAL, stop.signal, clock, log, async () => messaging.serve(ownership.workspaces())),
    ...housekeeping.chores.map((chore) => keepDoing(chore, stop.signal, clock, log)),
  ];
  lifecycle.add('announcer', async () => {
    health.drain();
    await announcer.announce();
    stop.abort(new Error('the instance stops'));
    await Promise.all(running);
  });

  const { workspaces } = manager;
  link.open({
    run: (grant) => {
      ownership.grant(grant);
      void workspaces.adopt(grant);
    },
    extend: (asked, proofs) => {
      const { longer, again } = ownership.extend(asked, proofs);
      void workspaces.feed(longer);
      for (const grant of again) {
        log.warn(
          { workspace: grant.workspace },
          'the authority held on, and only this process was paused: runs it again',
        );
        void workspaces.adopt(grant);
      }
    },
    kill: (workspace, epoch) => workspaces.kill(workspace, epoch),
    close: (workspace, epoch) => workspaces.release(workspace, epoch),
    closeAll: async () => {
      health.drain();
      void announcer.announce();
      return await workspaces.releaseAll();
    },
    standing: (said) => {
      standing = said;
    },
    abandoned: () => {
      workspaces.abandon();
      log.fatal('the supervisor is gone: browsers were ended, and this process ends');
      (overrides.end ?? (() => process.exit(1)))();
    },
  });
  const { url } = announcement();
  link.ready(url);
  log.info({ url }, 'the instance can be given workspaces');
  return { url, close: () => lifecycle.close() };
}

function keyOf(session: Session): string {
  return `${session.record.workspace_id}/${session.record.session_id}`;
}

/** Milliseconds that the sessions may take to close: what is left after that must do for all else. */
function sessionsDeadline(shutdownTimeout: number): number {
  return Math.max(shutdownTimeout / 2, shutdownTimeout - 5000);
}
