import type { Clock } from '../common/clock.ts';
import type { Lifecycle } from '../common/lifecycle.ts';
import type { Logger } from '../common/logger.ts';
import type { EventLog } from '../fleet/events/event-log.ts';
import type { MessageQueues } from '../fleet/queue/message-queues.ts';
import { EventStreams } from './events/event-streams.ts';
import { FleetEvents } from './events/fleet-events.ts';
import { addStreamMetrics } from './events/stream-metrics.ts';
import { Tickets } from './events/tickets.ts';
import type { Metrics } from './metrics.ts';
import { addQueueMetrics } from './queues/queue-metrics.ts';
import { QueueWatch } from './queues/queue-watch.ts';
import type { Table } from './registry/table.ts';
import type { Services } from './services.ts';

/** What shows messages and events is made of these. */
interface SeenSources {
  events: EventLog;
  queues: MessageQueues;
  table: Table;
  metrics: Metrics;
  /** What all routers know and nobody else does. */
  token: string;
  clock: Clock;
  log: Logger;
  lifecycle: Lifecycle;
}

/** The parts of the services that show how messages and events get on. */
export interface Seen extends Pick<Services, 'eventStreams' | 'tickets' | 'queueWatch'> {
  fleetEvents: FleetEvents;
}

/**
 * Makes what shows messages and events. The streams are to be closed by the caller, before the HTTP server that waits for them.
 */
export function startSeen(sources: SeenSources): Seen {
  const { events, queues, table, metrics, token, clock, log, lifecycle } = sources;
  const status = (workspace: string, session: string) => {
    const known = table.session(workspace, session);
    return known && table.shown(known).status;
  };
  const queueWatch = new QueueWatch(queues, { status }, clock, log.child({ part: 'queues' }));
  queueWatch.start();
  lifecycle.add('the watch over the queues', () => queueWatch.stop());
  addQueueMetrics(metrics.registry, queueWatch, clock);
  const eventStreams = new EventStreams(events, clock, log.child({ part: 'events' }));
  addStreamMetrics(metrics.registry, eventStreams);
  const fleetEvents = new FleetEvents(events, clock, log.child({ part: 'events' }));
  lifecycle.add('events of the fleet', () => fleetEvents.stop());
  return { eventStreams, tickets: new Tickets(token, clock), queueWatch, fleetEvents };
}
