import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { type Clock, systemClock } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import { listen } from '../common/http/server.ts';
import { Lifecycle } from '../common/lifecycle.ts';
import type { Logger } from '../common/logger.ts';
import { addBuildInfo } from '../common/process-metrics.ts';
import { connectRedis, openRedis, type Redis } from '../common/redis.ts';
import { spaceOf } from '../common/space.ts';
import { wharfVersion } from '../common/version.ts';
import type { BackupId } from '../fleet/backup/api.ts';
import type { BackupServiceNote } from '../fleet/backup/backup-lease.ts';
import { redisBackupLease } from '../fleet/backup/redis-backup-lease.ts';
import { RedisEventLog } from '../fleet/events/redis-event-log.ts';
import { internalToken } from '../fleet/internal-token.ts';
import { OWNERSHIP_TIMES } from '../fleet/ownership-times.ts';
import { RedisChannels } from '../fleet/redis-channels.ts';
import { redisCoordination } from '../fleet/redis-coordination.ts';
import { redisRegistry } from '../fleet/redis-registry.ts';
import { SessionPaths } from '../fleet/session-paths.ts';
import { requireSessionPath } from '../fleet/session-storage.ts';
import type { BackupConfig } from './config.ts';
import { BackupEvents } from './events.ts';
import { Exporter } from './export/exporter.ts';
import { HttpInstances } from './fleet/http-instances.ts';
import { InstanceCalls } from './fleet/instance-calls.ts';
import { Leadership } from './fleet/leadership.ts';
import { Owners } from './fleet/owners.ts';
import { StorageSessions } from './fleet/storage-sessions.ts';
import { backupApp } from './http/app.ts';
import { StoredCatalog } from './manifest/stored-catalog.ts';
import { Summaries } from './manifest/summaries.ts';
import { BackupMetrics } from './metrics.ts';
import { openObjects } from './objects/open-objects.ts';
import { Operations } from './operations.ts';
import { BackupsInUse } from './prune/backups-in-use.ts';
import { inWords, Pruner } from './prune/pruner.ts';
import { FleetFiles } from './restore/fleet-files.ts';
import { Restorer } from './restore/restorer.ts';
import { Distrusted } from './run/distrusted.ts';
import { LastBackupMemory } from './run/last-backup.ts';
import { Runs } from './run/runs.ts';
import { BackupSchedule } from './schedule/backup-schedule.ts';
import { ScheduleRunner } from './schedule/runner.ts';
import { Scratch } from './scratch.ts';
import type { Services } from './services.ts';
import { openStore } from './store/open-store.ts';
import { DamageReports } from './verify/damage-reports.ts';
import { Sampler } from './verify/sampler.ts';
import { VerificationMemory } from './verify/verification-memory.ts';
import { VerificationRounds } from './verify/verification-rounds.ts';
import { Verifier } from './verify/verifier.ts';

/** Milliseconds that closing the service may take: what it is at is ended, not waited for. */
const CLOSE_DEADLINE = 10_000;

/** A running backup service. */
export interface BackupService {
  url: string;
  services: Services;
  /** True when all parts closed in time. */
  close(): Promise<boolean>;
}

/**
 * Makes a backup service of its parts. It listens, then takes the lease as soon as no other service holds it.
 *
 * @throws WharfError `config_invalid`, `storage_unavailable`, `redis_unavailable`, `backup_store_failed`, `port_taken`; what was opened is closed again
 */
export async function startBackupService(
  config: BackupConfig,
  log: Logger,
  clock: Clock = systemClock,
): Promise<BackupService> {
  const lifecycle = new Lifecycle(log, CLOSE_DEADLINE);
  try {
    return await compose(config, log, clock, lifecycle);
  } catch (error) {
    await lifecycle.close();
    throw error;
  }
}

async function compose(
  config: BackupConfig,
  log: Logger,
  clock: Clock,
  lifecycle: Lifecycle,
): Promise<BackupService> {
  const cron = new BackupSchedule(config.schedule);
  const verifyCron =
    config.verifySchedule === null
      ? null
      : new BackupSchedule(config.verifySchedule, 'BACKUP_VERIFY_SCHEDULE');
  await requireSessionPath(config.sessionPath);
  const paths = new SessionPaths(config.sessionPath);
  const token = await internalToken(config.sessionPath, config.internalToken);
  const store = await openStore(config.store);
  lifecycle.add('store', () => store.close());
  await store.check();
  const redis = await connectRedis(config.redis, log);
  lifecycle.add('Redis', () => redis.disconnect());

  const calls = new InstanceCalls(token);
  lifecycle.add('connections to instances', () => calls.close());
  const owners = new Owners({
    coordination: redisCoordination(redis, OWNERSHIP_TIMES.redis),
    registry: redisRegistry(redis),
    instanceCount: config.instanceCount,
    shardStrategy: config.shardStrategy,
  });
  const instances = new HttpInstances(owners, calls, clock);
  const storage = new StorageSessions(paths);
  const objects = openObjects(store, clock);
  const catalog = new StoredCatalog(store);
  const summaries = new Summaries(catalog);
  const distrusted = new Distrusted();
  const events = new BackupEvents(openEvents(config, redis, log, lifecycle), clock, log);
  const last = new LastBackupMemory(clock);

  // Where it listens is known when it does; the lease is taken after that.
  const me: BackupServiceNote = {
    service: randomBytes(8).toString('hex'),
    url: config.announceUrl ?? 'http://0.0.0.0',
    host: hostname(),
    pid: process.pid,
    started_at: new Date(clock.now()).toISOString(),
  };
  const lease = redisBackupLease(redis, OWNERSHIP_TIMES.redis);
  const leadership = new Leadership({ lease, me, clock, log });
  const operations: Operations = new Operations({
    term: () => leadership.term(),
    onEnd: (kind, outcome) => metrics.ended(kind, outcome),
    clock,
    log,
  });
  const memory = new VerificationMemory({ store, distrusted, term: () => leadership.term(), clock, log });
  const version = await wharfVersion();
  const metrics = new BackupMetrics({
    leads: () => leadership.leads,
    running: (kind) => operations.isRunning(kind),
    lastSuccess: () => last.get()?.made ?? null,
    verified: () => memory.well,
    unverifiedSince: () => memory.unverifiedSince,
    now: () => clock.now(),
  });
  addBuildInfo(metrics.registry, { component: 'backup', version });
  const restorer = new Restorer({
    term: () => leadership.term(),
    paths,
    storage,
    instances,
    objects,
    catalog,
    fleetFiles: new FleetFiles(paths, config.internalToken === undefined ? token : null),
    events,
    spaceOf,
    clock,
    log,
  });
  const damage = new DamageReports({ events, metrics, distrusted });
  const scratch = new Scratch(config.scratch, clock);
  await scratch.tidy().catch((error) => {
    log.warn({ reason: messageOf(error) }, 'what was left in the scratch directory stays there');
  });
  const inUse = new BackupsInUse();
  const confirm = (term: AbortSignal) => leadership.confirm(term);
  const isBusy = () => operations.isRunning('run') || restorer.isAtWork;
  const verifier = new Verifier({ catalog, objects, operations, inUse, damage, memory, clock, isBusy });
  const sampler = new Sampler({ objects, scratch, count: config.sample, damage });
  const exporter = new Exporter({ catalog, objects, scratch, inUse, clock });
  const pruner = new Pruner({
    catalog,
    summaries,
    objects,
    store,
    clock,
    keep: { hourly: config.keepHourly, daily: config.keepDaily },
    inUse: async () => new Set([...inUse.ids(), ...(await restoredFrom(restorer))]),
    confirm,
    damage,
  });
  const runs = new Runs({
    operations,
    storage,
    instances,
    objects,
    store,
    catalog,
    distrusted,
    last,
    metrics,
    events,
    recall: () => memory.learn(),
    confirm,
    concurrency: config.concurrency,
    version,
    clock,
    log,
    after: [
      {
        step: 'sample',
        doing: 'looking at a sample',
        work: (manifest, operation) => sampler.look(manifest, operation),
      },
      {
        step: 'prune',
        doing: 'removing what is not kept',
        work: (_, operation) => pruner.prune(inWords(operation)),
      },
    ],
  });
  const schedule = new ScheduleRunner({ schedule: cron, jitter: config.jitter, runs, clock, log });
  const rounds = new VerificationRounds({ verifier, operations, memory, isBusy });
  const verifySchedule =
    verifyCron &&
    new ScheduleRunner({
      schedule: verifyCron,
      jitter: config.jitter,
      runs: rounds,
      clock,
      log: log.child({ schedule: 'verifications' }),
    });
  const services: Services = {
    config,
    clock,
    log,
    leadership,
    operations,
    store,
    objects,
    catalog,
    summaries,
    distrusted,
    storage,
    instances,
    runs,
    restorer,
    verifier,
    pruner,
    exporter,
    schedule,
    events,
    metrics,
  };

  const server = await listen(backupApp(services, token), config.port, config.bindAddress);
  lifecycle.add('HTTP server', () => server.close());
  me.url = config.announceUrl ?? server.url;
  leadership.onTerm((term) => void schedule.run(term));
  leadership.onTerm((term) => void (verifySchedule?.run(term) ?? memory.learn().catch(() => undefined)));
  // The first list of backups after a start need not wait for all manifests of a large fleet to be read.
  leadership.onTerm(() => void summaries.all().catch(() => undefined));
  leadership.onTerm((term) => void restorer.resume(term));
  // Ended in the reverse order: the term, what runs in it, then the lease is given up.
  lifecycle.add('lease', () => leadership.release());
  lifecycle.add('what verifications found', () => memory.written());
  lifecycle.add('operations', () => operations.idle());
  lifecycle.add('restores', () => restorer.idle());
  const stopping = new AbortController();
  const leading = leadership.run(stopping.signal);
  lifecycle.add('term', async () => {
    stopping.abort();
    await leading;
  });
  return { url: server.url, services, close: () => lifecycle.close() };
}

/** The backups that restores read from now. */
async function restoredFrom(restorer: Restorer): Promise<BackupId[]> {
  const restores = await restorer.list();
  return restores.filter(({ state }) => state === 'running').map(({ backup }) => backup);
}

function openEvents(config: BackupConfig, redis: Redis, log: Logger, lifecycle: Lifecycle): RedisEventLog {
  const queueRedis = config.queueRedis === config.redis ? redis : openRedis(config.queueRedis, log);
  if (queueRedis !== redis) lifecycle.add('Redis of the queues', () => queueRedis.disconnect());
  return new RedisEventLog(queueRedis, new RedisChannels(queueRedis), config.eventRetention, log);
}
