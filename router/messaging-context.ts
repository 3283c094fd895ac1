import { randomBytes } from 'node:crypto';
import type { Clock } from '../common/clock.ts';
import type { Lifecycle } from '../common/lifecycle.ts';
import type { Logger } from '../common/logger.ts';
import type { Redis } from '../common/redis.ts';
import type { Tracer } from '../common/tracing/tracer.ts';
import type { EventLog } from '../fleet/events/event-log.ts';
import { RedisEventLog } from '../fleet/events/redis-event-log.ts';
import type { MediaStore } from '../fleet/media/media-store.ts';
import { openMediaStore } from '../fleet/media/open-media-store.ts';
import type { MessagingConfig } from '../fleet/messaging-config.ts';
import type { MessageQueues } from '../fleet/queue/message-queues.ts';
import {
  openMessageQueues,
  openQueueConnections,
  type QueueConnections,
} from '../fleet/queue/open-queues.ts';
import type { SessionPaths } from '../fleet/session-paths.ts';
import { Acceptor } from './messages/acceptor.ts';
import { Endings } from './messages/endings.ts';
import { isInTrash } from './messages/in-trash.ts';
import { Leftovers, type LeftoversParts } from './messages/leftovers.ts';
import { MediaKeeper } from './messages/media-keeper.ts';
import type { Metrics } from './metrics.ts';
import { AcceptCounts } from './queues/accept-counts.ts';
import type { QueueWatch } from './queues/queue-watch.ts';
import type { Services } from './services.ts';

/** What messages, events and media are kept in; a test may bring its own. */
export interface MessagingStores {
  queues: MessageQueues;
  events: EventLog;
  media: MediaStore;
}

/** What the router's messages, events and media are made of. */
interface MessagingSources {
  config: MessagingConfig;
  paths: SessionPaths;
  metrics: Metrics;
  clock: Clock;
  log: Logger;
  tracer: Tracer;
  lifecycle: Lifecycle;
}

/** The parts of the services that are about messages, events and media; and the one connection to the Redis that has them. */
export interface Messaging extends Pick<Services, 'queues' | 'events' | 'media' | 'acceptor' | 'endings'> {
  queueRedis: Redis;
}

/**
 * Makes what takes messages in. Queues that are away stop nothing: what needs them answers `queue_unavailable` until they are back.
 *
 * @throws WharfError `config_invalid` in production, where the queues' Redis may lose what it confirmed
 */
export async function startMessaging(
  sources: MessagingSources,
  overrides: Partial<MessagingStores> = {},
): Promise<Messaging> {
  const { config, paths, metrics, clock, tracer, lifecycle } = sources;
  const log = sources.log.child({ part: 'messages' });
  const connections = openQueueConnections(config, log);
  lifecycle.add('Redis of the queues', () => connections.close());
  const { queues, unreplicated } = overrides.queues
    ? { queues: overrides.queues, unreplicated: () => 0 }
    : await openQueues(connections, config, log, lifecycle);
  const events =
    overrides.events ??
    new RedisEventLog(connections.redis, connections.channels, config.eventRetention, log);
  const media = overrides.media ?? openMediaStore(config, paths, clock);
  lifecycle.add('media store', () => media.close());
  const waiter = `router-${randomBytes(8).toString('hex')}`;
  const endings = new Endings({ queues, clock, log, waiter });
  endings.start();
  lifecycle.add('waits for messages', () => endings.stop());
  const counts = new AcceptCounts();
  counts.addMetrics(metrics.registry, unreplicated);
  const acceptor = new Acceptor({
    queues: counts.counting(queues),
    media: new MediaKeeper(media, clock),
    clock,
    tracer,
  });
  return { queues, events, media, acceptor, endings, queueRedis: connections.redis };
}

/** What ends messages of sessions that are no more is made of these. */
interface LeftoversSources extends Omit<LeftoversParts, 'wasDeleted'> {
  paths: SessionPaths;
  queueWatch: QueueWatch;
  lifecycle: Lifecycle;
}

/** Begins to look for messages of sessions that are no more, in what the watch over the queues saw last. */
export function startLeftovers({ paths, queueWatch, lifecycle, ...parts }: LeftoversSources): Leftovers {
  const leftovers = new Leftovers({
    ...parts,
    wasDeleted: (session) => isInTrash(paths, session),
    log: parts.log.child({ part: 'messages' }),
  });
  leftovers.start(() =>
    (queueWatch.last?.queues ?? []).map(({ view: { workspace, session, depth }, status }) => ({
      session: { workspace, session },
      depth,
      isKnown: status !== undefined,
    })),
  );
  lifecycle.add('leftovers of deleted sessions', () => leftovers.stop());
  return leftovers;
}

async function openQueues(
  connections: QueueConnections,
  config: MessagingConfig,
  log: Logger,
  lifecycle: Lifecycle,
): Promise<{ queues: MessageQueues; unreplicated: () => number }> {
  const { queues, close } = await openMessageQueues(connections, config, log);
  lifecycle.add('message queues', close);
  return { queues, unreplicated: () => queues.unreplicated };
}
