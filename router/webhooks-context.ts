import { randomBytes } from 'node:crypto';
import type { Clock } from '../common/clock.ts';
import type { Lifecycle } from '../common/lifecycle.ts';
import type { Logger } from '../common/logger.ts';
import type { Redis } from '../common/redis.ts';
import { dnsResolver } from '../common/resolver.ts';
import type { EventLog } from '../fleet/events/event-log.ts';
import { RedisDeliveries } from '../fleet/events/redis-deliveries.ts';
import { RedisShardLeases } from '../fleet/events/redis-shard-leases.ts';
import type { SessionPaths } from '../fleet/session-paths.ts';
import type { RouterConfig } from './config.ts';
import type { Metrics } from './metrics.ts';
import { Courier } from './webhooks/courier.ts';
import { SESSIONS_AT_ONCE } from './webhooks/endpoint.ts';
import { Sender } from './webhooks/sender.ts';
import { ShardKeeper } from './webhooks/shard-keeper.ts';
import { WebhookFiles } from './webhooks/webhook-files.ts';
import { WebhookMetrics } from './webhooks/webhook-metrics.ts';
import { Webhooks } from './webhooks/webhooks.ts';

/** What webhooks are made of. */
interface WebhookSources {
  config: Pick<RouterConfig, 'webhooks' | 'messaging'>;
  /** The connection to the Redis of queues and events. */
  redis: Redis;
  events: EventLog;
  paths: SessionPaths;
  metrics: Metrics;
  clock: Clock;
  log: Logger;
  lifecycle: Lifecycle;
}

/**
 * Begins to deliver this router's share of the webhooks. A Redis that is away stops nothing: deliveries begin when it is there.
 *
 * @throws WharfError `storage_unavailable`
 */
export async function startWebhooks(sources: WebhookSources): Promise<Webhooks> {
  const { config, redis, events, paths, metrics, clock, lifecycle } = sources;
  const { timeout, retryTime, addresses: policy } = config.webhooks;
  const log = sources.log.child({ part: 'webhooks' });
  const deliveries = new RedisDeliveries(redis, events);
  const files = new WebhookFiles(paths.fleet(), deliveries, clock, log);
  await files.start();
  lifecycle.add('settings of webhooks', () => files.stop());
  const router = `router-${randomBytes(8).toString('hex')}`;
  const resolve = dnsResolver();
  const newSender = () => new Sender({ policy, timeout, connections: SESSIONS_AT_ONCE, resolve, clock });
  const courier: Courier = new Courier({
    router,
    files,
    deliveries,
    events,
    times: { retryTime, letterTime: Math.max(config.messaging.eventRetention, retryTime) },
    recorder: new WebhookMetrics(metrics.registry, () => ({
      states: () => courier.states().values(),
      shards: () => keeper.count,
      underWay: () => courier.underWay,
      now: () => clock.now(),
    })),
    mayWork: (shard) => keeper.mayWork(shard),
    newSender,
    patience: timeout,
    clock,
    random: Math.random,
    log,
  });
  const keeper = new ShardKeeper(router, new RedisShardLeases(redis), courier, clock, log);
  keeper.start();
  lifecycle.add('webhooks', async () => {
    // While the leases are still kept: nobody else sends what is under way here.
    await courier.stop();
    await keeper.stop();
  });
  return new Webhooks({
    files,
    deliveries,
    ownStates: () => courier.states(),
    newSender,
    policy,
    clock,
  });
}
