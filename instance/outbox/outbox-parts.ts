import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import type { Tracer } from '../../common/tracing/tracer.ts';
import type { EventLog } from '../../fleet/events/event-log.ts';
import type { OutboxConfig } from '../config.ts';
import type { MediaFetcher } from '../media/fetch-media.ts';
import type { InstanceCounters } from '../session/counters.ts';
import type { AckPatience } from './late-ack.ts';
import type { OutboxStatus } from './outbox-status.ts';
import type { SendSlots } from './send-slots.ts';

/** What the sessions of an instance share for sending. */
export interface OutboxParts {
  events: Pick<EventLog, 'append'>;
  media: Pick<MediaFetcher, 'prepare'>;
  slots: SendSlots;
  status: OutboxStatus;
  counters: InstanceCounters;
  config: Omit<OutboxConfig, 'limits'>;
  patience: AckPatience;
  clock: Clock;
  log: Logger;
  tracer: Tracer;
  /** From 0 to 1. */
  random: () => number;
}
