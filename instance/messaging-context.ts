import { randomBytes } from 'node:crypto';
import type { Clock } from '../common/clock.ts';
import type { Lifecycle } from '../common/lifecycle.ts';
import type { Logger } from '../common/logger.ts';
import type { Tracer } from '../common/tracing/tracer.ts';
import type { EventLog } from '../fleet/events/event-log.ts';
import { RedisEventLog } from '../fleet/events/redis-event-log.ts';
import { RedisInboxMarks } from '../fleet/events/redis-inbox-marks.ts';
import { statusEvent } from '../fleet/events/status-event.ts';
import type { WorkspaceId } from '../fleet/ids.ts';
import { openMediaStore } from '../fleet/media/open-media-store.ts';
import { openQueueConnections, openSessionQueues } from '../fleet/queue/open-queues.ts';
import type { TellGivenUp } from '../fleet/queue/redis-session-queue.ts';
import type { SessionQueues } from '../fleet/queue/session-queues.ts';
import type { SessionPaths } from '../fleet/session-paths.ts';
import type { InstanceConfig } from './config.ts';
import { Inbox } from './inbox/inbox.ts';
import { EagerDownloads } from './media/eager-downloads.ts';
import { MediaFetcher } from './media/fetch-media.ts';
import { MediaDownloads } from './media/media-downloads.ts';
import { MemoryBudget } from './media/memory-budget.ts';
import { purgeMedia } from './media/purge-media.ts';
import { UrlMedia } from './media/url-media.ts';
import { ACK_PATIENCE } from './outbox/late-ack.ts';
import { type FindSession, Outbox } from './outbox/outbox.ts';
import { OutboxStatus } from './outbox/outbox-status.ts';
import { SendSlots } from './outbox/send-slots.ts';
import type { InstanceCounters } from './session/counters.ts';
import type { SessionListener } from './session/listener.ts';
import type { Session } from './session/session.ts';

/** What an instance's messages, events and media are made of. */
export interface MessagingSources {
  config: InstanceConfig;
  paths: SessionPaths;
  clock: Clock;
  counters: InstanceCounters;
  find: FindSession;
  tracer: Tracer;
  log: Logger;
  lifecycle: Lifecycle;
}

/** The parts of an instance that are about messages, events and media. */
export interface InstanceMessaging {
  /** In the order they hear: what happened is told before what came of it. */
  listeners: readonly SessionListener<Session>[];
  outbox: OutboxStatus;
  /** Whether the histories of sessions are told. */
  histories: Pick<Inbox, 'isTold'>;
  /** Whether sessions are calm, and what holds them back. */
  sending: Pick<Outbox, 'isCalm' | 'holdBack'>;
  queues: Pick<SessionQueues, 'hasMessages'>;
  /** What is written here is told. */
  events: Pick<EventLog, 'append'>;
  /** Events that wait to be written to the log. */
  eventsWaiting: () => number;
  downloads: MediaDownloads;
  /** Removes the files of these workspaces that were kept long enough; how many. Throws `storage_unavailable`. */
  purgeMedia(workspaces: readonly WorkspaceId[]): Promise<number>;
  /** Removes the events of all workspaces that were kept long enough. Throws `queue_unavailable`. */
  purgeEvents(): Promise<unknown>;
  /** Serves the queues of these workspaces, and of no others. */
  serve(workspaces: Iterable<WorkspaceId>): void;
}

/**
 * Makes what sends messages and tells events. A Redis of the queues that is away stops nothing: sessions run, and their queues are served when it is back.
 *
 * @throws WharfError `config_invalid` in production, where the queues' Redis may lose what it confirmed
 */
export async function openMessaging(sources: MessagingSources): Promise<InstanceMessaging> {
  const { config, clock, counters, find, lifecycle, paths, tracer } = sources;
  const log = sources.log.child({ part: 'messages' });
  const connections = openQueueConnections(config.messaging, log);
  lifecycle.add('redis of the queues', () => connections.close());
  const events = new RedisEventLog(
    connections.redis,
    connections.channels,
    config.messaging.eventRetention,
    log,
  );
  const tellGivenUp: TellGivenUp = (key, message, status, error) =>
    events.append([
      statusEvent(key, { message, whatsappId: null, chat: null, status, error, at: clock.now() }),
    ]);
  const queues = await openSessionQueues(
    connections,
    config.messaging,
    config.outbox.limits,
    tellGivenUp,
    log,
  );
  lifecycle.add('queues', () => queues.close());

  const store = openMediaStore(config.messaging, paths, clock);
  lifecycle.add('media store', () => store.close());
  const media = new MediaFetcher({ store, urls: new UrlMedia(), budget: new MemoryBudget(), clock });
  lifecycle.add('media', () => media.close());
  const downloads = new MediaDownloads({ store, log });

  const status = new OutboxStatus();
  const outbox = new Outbox(queues, find, {
    events,
    media,
    slots: new SendSlots(config.outbox.concurrency, clock),
    status,
    counters,
    config: config.outbox,
    patience: { ...ACK_PATIENCE, end: config.outbox.maxWait },
    clock,
    log,
    tracer,
    random: Math.random,
  });
  lifecycle.add('outbox', () => outbox.close());

  const eager = config.mediaDownload === 'always' ? [new EagerDownloads(downloads)] : [];
  const inbox = new Inbox({
    instance: config.instance,
    incarnation: randomBytes(8).toString('hex'),
    log: events,
    marks: new RedisInboxMarks(connections.redis),
    isOurs: async (key, message, epoch) => (await queues.open(key, epoch).find(message)) !== undefined,
    onLate: (session, happening) => {
      if (happening.kind === 'message') session.touch(Date.parse(happening.message.timestamp));
      if (happening.kind === 'message' && !happening.message.from_me) counters.messages_received += 1;
      for (const listener of eager) listener.happened(session, happening);
    },
    clock,
    logger: log,
    random: Math.random,
  });
  lifecycle.add('inbox', () => inbox.close());
  return {
    listeners: [inbox, outbox, ...eager],
    outbox: status,
    sending: outbox,
    histories: inbox,
    queues,
    events,
    eventsWaiting: () => inbox.waiting,
    downloads,
    purgeMedia: (workspaces) => purgeMedia(store, workspaces, config.messaging.mediaRetention, clock),
    purgeEvents: () => events.tidy(),
    serve: (workspaces) => outbox.serve(workspaces),
  };
}
