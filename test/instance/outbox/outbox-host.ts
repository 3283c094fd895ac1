import { onTestFinished } from 'vitest';
import { createLogger } from '../../../common/logger.ts';
import { NO_TRACER } from '../../../common/tracing/tracer.ts';
import { RedisEventLog } from '../../../fleet/events/redis-event-log.ts';
import type { OutgoingMessage } from '../../../fleet/messages.ts';
import { NO_LIMITS } from '../../../fleet/queue/limits.ts';
import { whatsappKeyOf } from '../../../fleet/queue/message-ids.ts';
import {
  openMessageQueues,
  openQueueConnections,
  openSessionQueues,
} from '../../../fleet/queue/open-queues.ts';
import type { AcceptedMessage } from '../../../fleet/queue/outgoing.ts';
import type { SessionQueues } from '../../../fleet/queue/session-queues.ts';
import { type FindSession, Outbox } from '../../../instance/outbox/outbox.ts';
import type { OutboxParts } from '../../../instance/outbox/outbox-parts.ts';
import { OutboxStatus } from '../../../instance/outbox/outbox-status.ts';
import { SendSlots } from '../../../instance/outbox/send-slots.ts';
import { newCounters } from '../../../instance/session/counters.ts';
import { Session } from '../../../instance/session/session.ts';
import { hostClock } from '../../../instance/supervisor/host-clock.ts';
import { eventually } from '../../helpers/eventually.ts';
import { type PrivateRedis, startRedis } from '../../helpers/redis.ts';
import { aRecord } from '../../helpers/session-record.ts';
import { testMessage, testMessaging } from '../../helpers/test-queues.ts';
import { type ClientScript, FakeClients } from '../helpers/fake-clients.ts';
import { aTenure, memoryParts } from '../helpers/session-parts.ts';

/** The session of a test, unless it has several. */
const SESSION = { workspace: '7', session: 'main' };
export const TO = '491701234567@c.us';

/** What a test changes of the outbox. */
export type OutboxChanges = Partial<Omit<OutboxParts, 'config' | 'patience'>> & {
  config?: Partial<OutboxParts['config']>;
  patience?: Partial<OutboxParts['patience']>;
  /** In place of the queues: wraps them, to inject faults. */
  queues?: (queues: SessionQueues) => SessionQueues;
};

/** Queues and events in a Redis of the test's own. */
export async function queueHost(options: Parameters<typeof startRedis>[0] = {}) {
  const redis = await startRedis(options);
  onTestFinished(() => redis.close());
  return new QueueHost(redis);
}

class QueueHost {
  readonly redis: PrivateRedis;
  readonly #config;

  constructor(redis: PrivateRedis) {
    this.redis = redis;
    this.#config = testMessaging(redis.url);
  }

  /** The router's side. */
  async router() {
    const log = createLogger('silent', {});
    const connections = openQueueConnections(this.#config, log);
    const { queues, close } = await openMessageQueues(connections, this.#config, log);
    onTestFinished(async () => {
      await close();
      connections.close();
    });
    const events = new RedisEventLog(
      connections.redis,
      connections.channels,
      this.#config.eventRetention,
      log,
    );
    const accept = async (message: Partial<AcceptedMessage> & { message: OutgoingMessage }) => {
      const accepted = testMessage({
        workspace_id: SESSION.workspace,
        session_id: SESSION.session,
        ...message,
      });
      const [acceptance] = await queues.accept([accepted]);
      if (acceptance?.kind !== 'queued') throw new Error(`not queued: ${JSON.stringify(acceptance)}`);
      return accepted.message_id;
    };
    return {
      queues,
      events,
      accept,
      /** Accepts a text. */
      text: (text: string, changes: Partial<AcceptedMessage> = {}) =>
        accept({ ...changes, message: { to: TO, text } }),
      status: async (id: string) => (await queues.find(id))?.status,
      ended: (id: string) =>
        eventually(async () => {
          const view = await queues.find(id);
          return view && !['queued', 'sending'].includes(view.status) ? view : undefined;
        }),
      /** The statuses that events told of a message, in order. */
      told: async (id: string) => {
        const { events: all } = await events.after('0', {}, 250);
        return all.flatMap(({ event }) => {
          const data = event.data as { message_id?: string; status?: string };
          return event.type === 'message.status' && data.message_id === id ? [data.status] : [];
        });
      },
    };
  }

  /** An outbox for sessions that the test has. */
  async outbox(find: FindSession, changes: OutboxChanges = {}) {
    const lines: Record<string, unknown>[] = [];
    const log = createLogger('debug', {}, { write: (line) => lines.push(JSON.parse(line)) });
    const connections = openQueueConnections(this.#config, log);
    const opened = await openSessionQueues(connections, this.#config, NO_LIMITS, async () => {}, log);
    const status = new OutboxStatus();
    const counters = newCounters();
    const { config, patience, queues = (same) => same, ...others } = changes;
    const outbox = new Outbox(queues(opened), find, {
      events: new RedisEventLog(connections.redis, connections.channels, this.#config.eventRetention, log),
      media: { prepare: () => Promise.reject(new Error('no media here')) },
      slots: new SendSlots(5, hostClock),
      status,
      counters,
      config: { concurrency: 5, attempts: 3, maxWait: 86_400_000, typing: false, jitter: 0, ...config },
      patience: { patience: 120_000, between: 1_800_000, end: 86_400_000, ...patience },
      clock: hostClock,
      log,
      tracer: NO_TRACER,
      random: () => 0,
      ...others,
    });
    const close = async () => {
      outbox.close();
      await opened.close();
      connections.close();
    };
    return { close, connections, counters, lines, log, outbox, status };
  }

  /** An instance: sessions with scripted clients, and an outbox. */
  async instance(script: Partial<ClientScript> = {}, changes: OutboxChanges = {}) {
    const clients = new FakeClients(script);
    const sessions = new Map<string, Session>();
    const made = await this.outbox((workspace, id) => sessions.get(`${workspace}/${id}`), changes);
    const { outbox } = made;
    const close = async () => {
      await Promise.all([...sessions.values()].map((session) => session.close()));
      await made.close();
    };
    onTestFinished(close);
    /** A session that runs; ready unless told otherwise. */
    const run = async (
      key: { workspace: string; session: string; epoch?: number } = SESSION,
      ready = true,
    ) => {
      const record = aRecord({ workspace_id: key.workspace, session_id: key.session, linked: true });
      const { parts } = memoryParts(clients, {
        listeners: [outbox],
        clock: hostClock,
        backoff: { base: 10, maxAttempts: 1000, slow: 10 },
      });
      const session = new Session(record, aTenure({ epoch: key.epoch ?? 1, generation: 1 }), parts);
      sessions.set(`${key.workspace}/${key.session}`, session);
      const before = clients.made.length;
      session.resume();
      await eventually(() => clients.made.length > before);
      const client = clients.last;
      await eventually(() => client.calls.includes('start'));
      if (ready) client.becomeReady();
      return session;
    };
    return { ...made, clients, close, run, sessions };
  }
}

/** A client's script whose messages are acknowledged at once. */
export function acknowledging(ack = 1): Partial<ClientScript> {
  return {
    send: async (message, client, key) => {
      const whatsappId = `true_${message.to}_${key}`;
      setImmediate(() => client.events.happened({ kind: 'ack', whatsappId, ack }));
      return whatsappId;
    },
  };
}

/** WhatsApp's id of a message to {@link TO}. */
export function whatsappIdOf(id: string, to = TO): string {
  return `true_${to}_${whatsappKeyOf(id)}`;
}
