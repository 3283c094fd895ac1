import type { Clock } from '../common/clock.ts';
import { defineRoute, type Route } from '../common/http/route.ts';
import type { Tracer } from '../common/tracing/tracer.ts';
import type { ApiKeys } from '../fleet/api-keys.ts';
import type { EventLog } from '../fleet/events/event-log.ts';
import type { MediaStore } from '../fleet/media/media-store.ts';
import type { MessageQueues } from '../fleet/queue/message-queues.ts';
import type { BackupService } from './backups/backup-service.ts';
import type { RouterConfig } from './config.ts';
import type { EventStreams } from './events/event-streams.ts';
import type { Tickets } from './events/tickets.ts';
import type { FleetOperations } from './failover/operations.ts';
import type { MediaLinks } from './media/links.ts';
import type { MediaDesk } from './media/media-desk.ts';
import type { Acceptor } from './messages/acceptor.ts';
import type { Endings } from './messages/endings.ts';
import type { Leftovers } from './messages/leftovers.ts';
import type { Metrics } from './metrics.ts';
import type { Principal } from './principal.ts';
import type { Forwarder } from './proxy/forwarder.ts';
import type { QueueWatch } from './queues/queue-watch.ts';
import type { Follower } from './registry/follower.ts';
import type { Table } from './registry/table.ts';
import type { Creator } from './sessions/creator.ts';
import type { Webhooks } from './webhooks/webhooks.ts';

/** What the router's routes work with. */
export interface Services {
  config: Pick<RouterConfig, 'instanceCount' | 'shardStrategy' | 'messaging'>;
  clock: Clock;
  tracer: Tracer;
  table: Table;
  follower: Follower;
  forwarder: Forwarder;
  creator: Creator;
  operations: FleetOperations;
  keys: ApiKeys;
  metrics: Metrics;
  queues: MessageQueues;
  events: EventLog;
  eventStreams: EventStreams;
  tickets: Tickets;
  queueWatch: QueueWatch;
  media: MediaStore;
  mediaDesk: MediaDesk;
  mediaLinks: MediaLinks;
  acceptor: Acceptor;
  endings: Endings;
  leftovers: Leftovers;
  webhooks: Webhooks;
  backups: BackupService;
  /** True from the moment the process begins to stop. */
  stopping: () => boolean;
}

/** A route of the router. */
export type RouterRoute = Route<Principal>;

/** {@link defineRoute} for the router. */
export const route = defineRoute<Principal>();
