import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../../common/clock.ts';
import { createLogger } from '../../../common/logger.ts';
import { connectRedis, parseRedisUrl } from '../../../common/redis.ts';
import { dnsResolver } from '../../../common/resolver.ts';
import { eventId, type WharfEvent } from '../../../fleet/events/event.ts';
import { RedisDeliveries } from '../../../fleet/events/redis-deliveries.ts';
import { RedisEventLog } from '../../../fleet/events/redis-event-log.ts';
import { RedisShardLeases } from '../../../fleet/events/redis-shard-leases.ts';
import { RedisChannels } from '../../../fleet/redis-channels.ts';
import { Courier } from '../../../router/webhooks/courier.ts';
import type { DeliveryRecorder } from '../../../router/webhooks/delivery.ts';
import { Sender } from '../../../router/webhooks/sender.ts';
import { SHARD_COUNT } from '../../../router/webhooks/shards.ts';
import { WebhookFiles } from '../../../router/webhooks/webhook-files.ts';
import { Webhooks } from '../../../router/webhooks/webhooks.ts';
import { type PrivateRedis, startRedis } from '../../helpers/redis.ts';

const HOUR = 3_600_000;

/** Counts what is recorded. */
class Counts implements DeliveryRecorder {
  readonly kinds = { taken: 0, refused: 0, failed: 0 };
  aside = 0;
  dead = 0;
  lost = 0;

  sent(kind: 'taken' | 'refused' | 'failed'): void {
    this.kinds[kind] += 1;
  }
  setAside(): void {
    this.aside += 1;
  }
  gaveUp(events: number): void {
    this.dead += events;
  }
  forgotten(events: number): void {
    this.lost += events;
  }
}

export interface DeskOptions {
  /** Of deliveries; requests have the machine's. */
  clock?: Clock;
  /** Milliseconds. */
  timeout?: number;
  retryTime?: number;
  retention?: number;
  redis?: PrivateRedis;
  path?: string;
}

/** One router's webhooks, which has all shards, over a Redis and a directory of a test's own. */
export async function startDesk(options: DeskOptions = {}) {
  const server = options.redis ?? (await startRedis());
  const path = options.path ?? (await mkdtemp(join(tmpdir(), 'wharf-webhooks-')));
  const log = createLogger('silent', {});
  const redis = await connectRedis(parseRedisUrl(server.url), log);
  const channels = new RedisChannels(redis);
  const events = new RedisEventLog(redis, channels, options.retention ?? HOUR, log);
  const deliveries = new RedisDeliveries(redis, events);
  const clock = options.clock ?? systemClock;
  const files = new WebhookFiles(path, deliveries, clock, log);
  await files.start();
  const counts = new Counts();
  const router = `router-${randomBytes(4).toString('hex')}`;
  const leases = new RedisShardLeases(redis);
  const shards = Array.from({ length: SHARD_COUNT }, (_, index) => index);
  const holdAll = () => leases.hold(router, 100 * HOUR, shards);
  const newSender = () =>
    new Sender({
      policy: 'any',
      timeout: options.timeout ?? 20_000,
      connections: 10,
      resolve: dnsResolver(),
      clock: systemClock,
    });
  const courier = new Courier({
    router,
    files,
    deliveries,
    events,
    times: { retryTime: options.retryTime ?? 72 * HOUR, letterTime: 168 * HOUR },
    recorder: counts,
    mayWork: () => true,
    newSender,
    patience: 5000,
    clock,
    random: () => 0.5,
    log,
  });
  const webhooks = new Webhooks({
    files,
    deliveries,
    ownStates: () => courier.states(),
    newSender,
    policy: 'any',
    clock,
  });
  await holdAll();
  for (const shard of shards) courier.taken(shard);
  let closed = false;
  /** Ends it as a stop of the router does, or without giving anything up. */
  const close = async () => {
    if (closed) return;
    closed = true;
    await courier.stop();
    await files.stop();
    await leases.giveUp(router, shards).catch(() => undefined);
    channels.close();
    redis.disconnect();
    if (!options.redis) await server.close();
    if (!options.path) await rm(path, { recursive: true, force: true });
  };
  onTestFinished(close);
  let made = 0;
  return {
    redis,
    server,
    path,
    events,
    deliveries,
    files,
    counts,
    courier,
    webhooks,
    router,
    leases,
    holdAll,
    close,
    /** Appends so many events of a session. Returns their ids. */
    append: async (
      workspace: string,
      session: string | null,
      many = 1,
      at = clock.now(),
    ): Promise<string[]> => {
      const list = Array.from({ length: many }, () => {
        made += 1;
        return testEvent(workspace, session, `${router}-${made}`, at);
      });
      await events.append(list);
      return list.map(({ id }) => id);
    },
  };
}
export type Desk = Awaited<ReturnType<typeof startDesk>>;

/** An event of a message that was received. */
export function testEvent(workspace: string, session: string | null, nature: string, at: number): WharfEvent {
  return {
    id: eventId('message.reaction', workspace, session, nature),
    type: 'message.reaction',
    timestamp: new Date(at).toISOString(),
    workspace_id: workspace,
    session_id: session,
    data: { whatsapp_id: nature, chat_id: '1@c.us', from: '1@c.us', emoji: '+' },
  };
}
