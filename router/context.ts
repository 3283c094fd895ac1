import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { type Clock, systemClock } from '../common/clock.ts';
import { Pools } from '../common/http/pools.ts';
import { type HttpServer, listen } from '../common/http/server.ts';
import { Lifecycle } from '../common/lifecycle.ts';
import type { Logger } from '../common/logger.ts';
import { addBuildInfo } from '../common/process-metrics.ts';
import { connectRedis } from '../common/redis.ts';
import { NO_TRACER, type Tracer } from '../common/tracing/tracer.ts';
import { wharfVersion } from '../common/version.ts';
import { ApiKeys } from '../fleet/api-keys.ts';
import type { BackupLease } from '../fleet/backup/backup-lease.ts';
import { redisBackupLease } from '../fleet/backup/redis-backup-lease.ts';
import type { ClaimStore } from '../fleet/claims.ts';
import type { Coordination } from '../fleet/coordination.ts';
import { FileClaims } from '../fleet/file-claims.ts';
import { hostIdentity } from '../fleet/host-identity.ts';
import { internalToken, internalTokenMadeAt } from '../fleet/internal-token.ts';
import { OWNERSHIP_TIMES } from '../fleet/ownership-times.ts';
import { PROTOCOL_VERSION } from '../fleet/records.ts';
import { redisCoordination } from '../fleet/redis-coordination.ts';
import { redisRegistry } from '../fleet/redis-registry.ts';
import type { Registry } from '../fleet/registry.ts';
import { SessionPaths } from '../fleet/session-paths.ts';
import { requireSessionPath } from '../fleet/session-storage.ts';
import { BackupService } from './backups/backup-service.ts';
import type { RouterConfig, RouterSecrets } from './config.ts';
import type { FleetEvents } from './events/fleet-events.ts';
import { FailoverMetrics } from './failover/failover-metrics.ts';
import { FileSettings } from './failover/file-settings.ts';
import { HttpOrders } from './failover/http-orders.ts';
import { HttpProber } from './failover/http-prober.ts';
import { Leader } from './failover/leader.ts';
import { Monitor } from './failover/monitor.ts';
import { FleetOperations } from './failover/operations.ts';
import { scheduleRebalance } from './failover/rebalance-schedule.ts';
import { requireFittingFleet } from './failover/start-checks.ts';
import type { Scene } from './failover/story.ts';
import { TableFacts } from './failover/table-facts.ts';
import { routerApp } from './http/app.ts';
import { quickSends } from './http/messages.quick.ts';
import { quickReads } from './http/quick-reads.ts';
import { MediaLinks } from './media/links.ts';
import { MediaDesk } from './media/media-desk.ts';
import { type MessagingStores, startLeftovers, startMessaging } from './messaging-context.ts';
import { Metrics } from './metrics.ts';
import { Forwarder } from './proxy/forwarder.ts';
import { Holds } from './proxy/holds.ts';
import { Wires } from './proxy/wires.ts';
import type { QueueWatch } from './queues/queue-watch.ts';
import { Follower } from './registry/follower.ts';
import { Instances } from './registry/instances.ts';
import { MovesUnderWay } from './registry/moves-under-way.ts';
import { Table } from './registry/table.ts';
import { addSecretsMetrics } from './secrets-metrics.ts';
import { startSeen } from './seen-context.ts';
import type { Services } from './services.ts';
import { Creator } from './sessions/creator.ts';
import { requireSession } from './sessions/finder.ts';
import { startWebhooks } from './webhooks-context.ts';

/** Milliseconds that requests under way have to be answered in beyond the time that one may be held. */
const ANSWER_TIME = 5000;
/** Milliseconds for all other parts of a router to close. */
const CLOSE_TIME = 10_000;

/** Connections to one instance; a request that waits (for a QR) takes one all the while. */
const CONNECTIONS = 2048;

/** How often connections to instances that are elsewhere now are given up, milliseconds. */
const POOLS_INTERVAL = 30_000;

/** Parts that a test may bring itself; of them `tracer` is the process's own. */
export interface RouterOverrides {
  clock?: Clock;
  tracer?: Tracer;
  registry?: Registry;
  backupLease?: Pick<BackupLease, 'holder'>;
  webDirectory?: string;
  /** Instead of those in Redis and on the session path. */
  messaging?: Partial<MessagingStores>;
}

/** A running router. */
export interface Router {
  server: HttpServer;
  services: Services;
  /** Milliseconds that {@link close} may take. */
  closeTime: number;
  /**
   * Says at `/ready` that it wants no more requests, and answers all that come as ever for `stopDelay` milliseconds: whoever shares them out looks there
   * only now and then. Then it takes none, lets those it holds end, and closes its parts. True when all closed in time.
   */
  close(): Promise<boolean>;
}

/**
 * Makes a router of its parts, and lets it listen once it knows the fleet.
 *
 * @throws WharfError `redis_unavailable`, `storage_unavailable`, `config_invalid`, `port_taken`; what was opened is closed again
 */
export async function startRouter(
  config: RouterConfig,
  secrets: RouterSecrets,
  log: Logger,
  overrides: RouterOverrides = {},
): Promise<Router> {
  const answerTime = Math.max(config.holdTime, config.moveHoldTime) + ANSWER_TIME;
  const lifecycle = new Lifecycle(log, answerTime + CLOSE_TIME);
  let stopping = false;
  try {
    const clock = overrides.clock ?? systemClock;
    const tracer = overrides.tracer ?? NO_TRACER;
    const paths = new SessionPaths(config.sessionPath);
    await requireSessionPath(config.sessionPath);
    const token = await internalToken(config.sessionPath, secrets.internalToken);
    const keys = new ApiKeys(paths.fleet(), secrets.adminKey, clock, log);
    await keys.start();
    lifecycle.add('API keys', () => keys.stop());
    if (!keys.hasAdmin) {
      log.warn(
        'there is no admin key: nobody can make sessions. Set WHARF_ADMIN_KEY (32 characters or more), make keys with it, and take it away again',
      );
    }

    const redis = await openRedis(config, log, lifecycle);
    const registry = overrides.registry ?? redisRegistry(redis);
    const coordination = redisCoordination(redis, OWNERSHIP_TIMES.redis);
    const claims = new FileClaims(paths);
    const table = new Table(clock);
    const follower = new Follower(registry, coordination, claims, table, clock, log);
    lifecycle.add('registry', () => follower.stop());
    await follower.start();

    const settings = new FileSettings(paths);
    await settings.reread();
    const instances = new Instances(
      table,
      config.instanceUrls,
      config.maxSessionsPerInstance,
      () => settings.current().draining,
    );
    const pools = new Pools(CONNECTIONS);
    lifecycle.add('connections to instances', () => pools.close());
    const wires = new Wires(token);
    lifecycle.add('wires to instances', () => wires.close());
    const tidying = setInterval(() => {
      const urls = instances.urls();
      pools.keepOnly(urls);
      wires.keepOnly(urls);
    }, POOLS_INTERVAL);
    lifecycle.add('tidying of connections', () => clearInterval(tidying));

    const forwarder = new Forwarder({
      table,
      instances,
      follower,
      moves: new MovesUnderWay(coordination, clock, log),
      holds: new Holds(table, clock),
      pools,
      clock,
      log,
      tracer,
      internalToken: token,
      holdTime: config.holdTime,
      moveHoldTime: config.moveHoldTime,
    });
    const metrics = new Metrics(
      table,
      () => follower.redisAnswers,
      () => forwarder.held,
      config.instanceCount,
    );
    addBuildInfo(metrics.registry, { component: 'router', version: await wharfVersion() });
    addSecretsMetrics(metrics.registry, {
      keys: () => keys.stored(),
      tokenMadeAt: secrets.internalToken === undefined ? await internalTokenMadeAt(config.sessionPath) : null,
    });
    const { queueRedis, ...messaging } = await startMessaging(
      { config: config.messaging, paths, metrics, clock, log, tracer, lifecycle },
      overrides.messaging,
    );
    const webhooks = await startWebhooks({
      config,
      redis: queueRedis,
      events: messaging.events,
      paths,
      metrics,
      clock,
      log,
      lifecycle,
    });
    const seen = startSeen({ ...messaging, table, metrics, token, clock, log, lifecycle });
    const leftovers = startLeftovers({
      ...messaging,
      forwarder,
      paths,
      queueWatch: seen.queueWatch,
      clock,
      log,
      lifecycle,
    });
    const operations = await joinFleet({
      config,
      coordination,
      claims,
      table,
      instances,
      settings,
      pools,
      token,
      metrics,
      fleetEvents: seen.fleetEvents,
      queueWatch: seen.queueWatch,
      clock,
      log,
      lifecycle,
    });
    const servicePools = new Pools(CONNECTIONS);
    lifecycle.add('connections to the backup service', () => servicePools.close());
    const backups = new BackupService({
      lease: overrides.backupLease ?? redisBackupLease(redis, OWNERSHIP_TIMES.redis),
      pools: servicePools,
      token,
      clock,
      log,
    });
    const services: Services = {
      ...messaging,
      backups,
      eventStreams: seen.eventStreams,
      tickets: seen.tickets,
      queueWatch: seen.queueWatch,
      leftovers,
      webhooks,
      mediaDesk: new MediaDesk(messaging.media, forwarder, requireSession(table, follower), clock),
      mediaLinks: new MediaLinks(token, clock),
      config,
      clock,
      tracer,
      table,
      follower,
      forwarder,
      creator: new Creator({ table, follower, instances, forwarder, ...config }),
      operations,
      keys,
      metrics,
      stopping: () => stopping,
    };
    const webDirectory = overrides.webDirectory ?? fileURLToPath(new URL('./web', import.meta.url));
    const app = routerApp(services, log, webDirectory);
    const slow = quickSends({ ...messaging, table, keys, metrics, log, tracer }, app);
    const quick = quickReads({ table, instances, keys, wires, metrics, log }, slow);
    const server = await listen(quick, config.port, config.bindAddress, {
      requestTimeout: config.requestTimeout,
    });
    lifecycle.add('HTTP server', () => server.close(answerTime));
    // Before the server, which waits for the answers it has begun.
    lifecycle.add('streams of events', () => seen.eventStreams.close());
    // Before the server, which waits for the answers that are being held.
    lifecycle.add('held answers', () => messaging.endings.stop());
    const close = async () => {
      stopping = true;
      server.leave();
      if (config.stopDelay > 0) await clock.sleep(config.stopDelay);
      return await lifecycle.close();
    };
    let closing: Promise<boolean> | undefined;
    return {
      server,
      services,
      closeTime: config.stopDelay + answerTime + CLOSE_TIME,
      close: () => {
        closing ??= close();
        return closing;
      },
    };
  } catch (error) {
    await lifecycle.close();
    throw error;
  }
}

async function openRedis(config: RouterConfig, log: Logger, lifecycle: Lifecycle) {
  const redis = await connectRedis(config.redis, log);
  lifecycle.add('Redis', () => redis.disconnect());
  return redis;
}

/** What the failover is made of here. */
interface FailoverSources {
  config: RouterConfig;
  coordination: Coordination;
  claims: ClaimStore;
  table: Table;
  instances: Instances;
  settings: FileSettings;
  pools: Pools;
  token: string;
  metrics: Metrics;
  fleetEvents: FleetEvents;
  queueWatch: QueueWatch;
  clock: Clock;
  log: Logger;
  lifecycle: Lifecycle;
}

/** Joins the routers of the fleet: says what this one is, probes the instances, and leads where no other does. */
async function joinFleet(sources: FailoverSources): Promise<FleetOperations> {
  const { config, coordination, claims, table, instances, settings, clock, lifecycle } = sources;
  const times = OWNERSHIP_TIMES;
  const host = await hostIdentity();
  const me = {
    router: `router-${host.name}-${process.pid}-${randomBytes(2).toString('hex')}`,
    protocol: PROTOCOL_VERSION,
    instance_count: config.instanceCount,
    shard_strategy: config.shardStrategy,
    host,
  };
  await requireFittingFleet(me, coordination, clock, times);
  const configured = Object.keys(config.instanceUrls);
  const capacity = config.maxSessionsPerInstance;
  const queued = (workspace: string) => sources.queueWatch.waitingIn(workspace);
  const facts = new TableFacts(table, instances, clock, configured, capacity, queued);
  const prober = new HttpProber();
  lifecycle.add('probes of instances', () => prober.close());
  const log = sources.log.child({ part: 'failover' });
  const monitor = new Monitor({ me, facts, prober, coordination, clock, times, log });
  const orders = new HttpOrders(sources.pools, sources.token);
  const random = () => randomBytes(8).toString('hex');
  const recorder: FailoverMetrics = new FailoverMetrics(
    sources.metrics.registry,
    () => leader.status(),
    () => leader.underWay(),
  );
  const parts = { coordination, facts, settings, orders, clock, times, log, random };
  const onScene = ({ assignments, moves, view }: Scene, leads: boolean) =>
    sources.fleetEvents.see({ assignments, moves, instances: view.instances, leads });
  const leader = new Leader({ ...parts, router: me.router, claims, probes: monitor, recorder, onScene });
  const stopping = new AbortController();
  const running = [monitor.run(stopping.signal), leader.run(stopping.signal)];
  lifecycle.add('failover', async () => {
    stopping.abort();
    await Promise.all(running);
  });
  const operations = new FleetOperations({
    ...parts,
    instanceCount: config.instanceCount,
    shardStrategy: config.shardStrategy,
    view: () => leader.status(),
    events: () => leader.events(),
    wake: () => leader.wake(),
  });
  if (config.rebalanceSchedule !== null) {
    const leads = () => leader.status().leader === me.router;
    lifecycle.add('the schedule', scheduleRebalance(config.rebalanceSchedule, { operations, leads, log }));
  }
  return operations;
}
