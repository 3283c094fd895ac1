import { randomBytes } from 'node:crypto';
import { type Clock, systemClock } from '../common/clock.ts';
import { messageOf, WharfError } from '../common/errors.ts';
import { type HttpServer, listen } from '../common/http/server.ts';
import { Lifecycle } from '../common/lifecycle.ts';
import type { Logger } from '../common/logger.ts';
import { connectRedis } from '../common/redis.ts';
import { FileClaims } from '../fleet/file-claims.ts';
import { internalToken } from '../fleet/internal-token.ts';
import { type Announcement, PROTOCOL_VERSION } from '../fleet/records.ts';
import { redisRegistry } from '../fleet/redis-registry.ts';
import { SessionPaths } from '../fleet/session-paths.ts';
import { requireSessionPath } from '../fleet/session-storage.ts';
import { Announcer } from './announcer.ts';
import type { InstanceConfig } from './config.ts';
import { HealthReporter } from './health.ts';
import { HostUsageMeter } from './host-usage.ts';
import { instanceApp } from './http/app.ts';
import { MediaFetcher } from './media/fetch-media.ts';
import { type Identity, Ownership } from './ownership.ts';
import { parseChromiumVersion } from './profile/chromium-version.ts';
import { ProfileStore } from './profile/profile-store.ts';
import { Trash } from './profile/trash.ts';
import { newCounters } from './session/counters.ts';
import type { Session } from './session/session.ts';
import { SessionManager } from './session/session-manager.ts';
import { SessionStore } from './session/session-store.ts';
import { StartGate } from './session/start-gate.ts';
import { findChromium } from './whatsapp/chromium.ts';
import { whatsappWebJsClients } from './whatsapp/page-client.ts';
import { killBrowsersUnder } from './whatsapp/process-tree.ts';

/** How often the host is measured and the storage probed, milliseconds. */
const MEASURE_INTERVAL = 10_000;
/** How often the trash is emptied of what is old. */
const PURGE_INTERVAL = 60 * 60_000;

/** A running instance. */
export interface Instance {
  url: string;
  /** Sessions that it found and that should run are being started; resolves when all have been looked at. */
  close(): Promise<boolean>;
}

/**
 * Makes an instance of its parts and starts it: checks the host, listens (so that two that were given one port do not claim from each
 * other), claims its workspaces, ends what an earlier life left running, begins to restore its sessions, and announces itself. What is
 * asked of it before it knows its sessions waits.
 *
 * @throws WharfError `config_invalid`, `storage_unavailable`, `chromium_missing`, `redis_unavailable`, `port_taken`; everything opened before is closed again
 */
export async function startInstance(
  config: InstanceConfig,
  log: Logger,
  clock: Clock = systemClock,
): Promise<Instance> {
  const lifecycle = new Lifecycle(log, config.shutdownTimeout);
  try {
    return await compose(config, log, clock, lifecycle);
  } catch (error) {
    await lifecycle.close();
    throw error;
  }
}

async function compose(
  config: InstanceConfig,
  log: Logger,
  clock: Clock,
  lifecycle: Lifecycle,
): Promise<Instance> {
  const me: Identity = {
    instance: config.instance,
    incarnation: randomBytes(8).toString('hex'),
    host: config.host,
  };
  const startedAt = new Date(clock.now()).toISOString();
  await requireSessionPath(config.sessionPath);
  const finding = findChromium(config.chromiumPath, config.sandbox);
  finding.catch(() => {});
  const redis = await connectRedis(config.redis, log);
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
  const store = new SessionStore(paths);
  const trash = new Trash(paths, clock);
  const media = new MediaFetcher();
  lifecycle.add('media', () => media.close());

  let server: HttpServer | undefined;
  const ownership = new Ownership(new FileClaims(paths), me, clock, log, (assignment) =>
    announcer.assignment(assignment),
  );
  const manager: SessionManager = new SessionManager({
    ownership,
    capacity: config.capacity,
    log,
    onChange: (session) => announcer.session(keyOf(session), () => session.detail()),
    onRemove: (workspace, session) => announcer.sessionGone(`${workspace}/${session}`, workspace, session),
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
      clock,
      backoff: config.backoff,
      timeouts: config.life,
      counters,
      log,
      random: Math.random,
    },
  });
  const usage = new HostUsageMeter(() => manager.all().flatMap((session) => session.browserPid ?? []));
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
    chromium: chromium.version,
    started_at: startedAt,
    announced_at: new Date(clock.now()).toISOString(),
  });
  const announcer = new Announcer(
    registry,
    {
      announcement,
      assignments: () => ownership.assignments(),
      sessions: () => manager.all().map((session) => session.detail()),
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
  });
  lifecycle.add('health', () => health.close());

  let open = () => {};
  const restored = new Promise<void>((resolve) => {
    open = resolve;
  });
  const app = instanceApp({ manager, media, health, restored }, token, log);
  server = await listen(app, config.port, config.bindAddress);
  lifecycle.add('http', () => server?.close(2000));
  lifecycle.add('sessions', () => manager.close(sessionsDeadline(config.shutdownTimeout)));

  const workspaces = await ownership.reclaim();
  const left = await killBrowsersUnder(workspaces.map((workspace) => paths.workspace(workspace)));
  if (left.length > 0) log.warn({ pids: left }, 'ended browsers that an earlier life left running');

  await manager.restore(workspaces);
  open();

  const stop = new AbortController();
  const running = [
    announcer.run(stop.signal),
    every(MEASURE_INTERVAL, stop.signal, clock, log, async () => {
      await Promise.all([usage.measure(), health.probeStorage()]);
    }),
    every(PURGE_INTERVAL, stop.signal, clock, log, async () => {
      for (const { workspace_id } of ownership.assignments()) await trash.purge(workspace_id);
    }),
  ];
  lifecycle.add('announcer', async () => {
    health.drain();
    await announcer.announce();
    stop.abort(new Error('the instance stops'));
    await Promise.all(running);
  });
  log.info(
    { url: server.url, workspaces: workspaces.length, sessions: manager.all().length },
    'the instance runs',
  );
  return { url: announcement().url, close: () => lifecycle.close() };
}

/** Does something now and then, one at a time, until aborted; a failure is logged and the next try made. */
async function every(
  milliseconds: number,
  signal: AbortSignal,
  clock: Clock,
  log: Logger,
  task: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    await task().catch((error: unknown) =>
      log.warn({ reason: messageOf(error) }, 'a task that comes round failed'),
    );
    await clock.sleep(milliseconds, signal).catch(() => {});
  }
}

function keyOf(session: Session): string {
  return `${session.record.workspace_id}/${session.record.session_id}`;
}

/** Milliseconds that the sessions may take to close: what is left after that must do for all else. */
function sessionsDeadline(shutdownTimeout: number): number {
  return Math.max(shutdownTimeout / 2, shutdownTimeout - 5000);
}
