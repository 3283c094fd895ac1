import { afterAll, afterEach, beforeAll } from 'vitest';
import { createLogger } from '../../../common/logger.ts';
import { connectRedis, parseRedisUrl, type Redis } from '../../../common/redis.ts';
import { NO_LIMITS, type SendLimits } from '../../../fleet/queue/limits.ts';
import { newMessageId, type SessionKey } from '../../../fleet/queue/message-ids.ts';
import type { AcceptedMessage, MessageState } from '../../../fleet/queue/outgoing.ts';
import { RedisMessageQueues } from '../../../fleet/queue/redis-message-queues.ts';
import type { TellGivenUp } from '../../../fleet/queue/redis-session-queue.ts';
import { RedisSessionQueues } from '../../../fleet/queue/redis-session-queues.ts';
import type { HeldMessage, SessionQueue } from '../../../fleet/queue/session-queues.ts';
import { RedisChannels } from '../../../fleet/redis-channels.ts';
import { type PrivateRedis, startRedis } from '../../helpers/redis.ts';

export const silent = createLogger('silent', {});

export const SESSION: SessionKey = { workspace: '7', session: 'sales' };

/** A text for a session, as a router hands it in. */
export function text(
  body: string,
  changes: Partial<AcceptedMessage> = {},
  key: SessionKey = SESSION,
): AcceptedMessage {
  return {
    message_id: newMessageId(key),
    workspace_id: key.workspace,
    session_id: key.session,
    priority: 'normal',
    on_unknown: 'report',
    accepted_at: new Date().toISOString(),
    send_at: null,
    waiter: null,
    message: { to: '491701234567@c.us', text: body },
    ...changes,
  };
}

/** What a text says. */
export function bodyOf(held: HeldMessage): string {
  const { message } = held.message;
  return 'text' in message ? message.text : '';
}

/** The state of a message that the server has. */
export function sentState(held: HeldMessage): MessageState {
  const at = new Date().toISOString();
  return {
    ...held.state,
    status: 'sent',
    whatsapp_id: `true_491701234567@c.us_${held.message.message_id}`,
    sent_at: at,
  };
}

/** The next message, which there must be. */
export async function take(queue: SessionQueue): Promise<HeldMessage> {
  const next = await queue.next();
  if (next.kind !== 'message') throw new Error(`there is no message to take: ${JSON.stringify(next)}`);
  return next.held;
}

/** Sends the next message: its text. */
export async function sendNext(queue: SessionQueue): Promise<string> {
  const held = await take(queue);
  await queue.begin(held);
  await queue.finish(held, sentState(held));
  return bodyOf(held);
}

/** Sends what can be sent now: the texts. */
export async function sendAll(queue: SessionQueue): Promise<string[]> {
  const sent: string[] = [];
  for (;;) {
    const next = await queue.next();
    if (next.kind !== 'message') return sent;
    await queue.begin(next.held);
    await queue.finish(next.held, sentState(next.held));
    sent.push(bodyOf(next.held));
  }
}

/** A router's side and an instance's, each over connections of its own. */
export interface Sides {
  redis: Redis;
  router: RedisMessageQueues;
  instance: RedisSessionQueues;
  open(key?: SessionKey, epoch?: number): SessionQueue;
  close(): Promise<void>;
}

export interface SidesOptions {
  limits?: SendLimits;
  keepsBodies?: boolean;
  maxDepth?: number;
  sweepEvery?: number;
  tellGivenUp?: TellGivenUp;
}

export async function connectSides(url: string, options: SidesOptions = {}): Promise<Sides> {
  const address = parseRedisUrl(url);
  const [redis, own] = [await connectRedis(address, silent), await connectRedis(address, silent)];
  const channels = [new RedisChannels(redis), new RedisChannels(own)] as const;
  const keepsBodies = options.keepsBodies ?? true;
  const router = new RedisMessageQueues(
    redis,
    channels[0],
    { maxDepth: options.maxDepth ?? 50_000, keepsBodies },
    silent,
  );
  const instance = new RedisSessionQueues(
    own,
    channels[1],
    {
      limits: options.limits ?? NO_LIMITS,
      keepsBodies,
      tellGivenUp: options.tellGivenUp ?? (async () => {}),
      sweepEvery: options.sweepEvery ?? 60_000,
    },
    silent,
  );
  return {
    redis,
    router,
    instance,
    open: (key = SESSION, epoch = 1) => instance.open(key, () => epoch),
    close: async () => {
      await instance.close();
      for (const each of channels) each.close();
      redis.disconnect();
      own.disconnect();
    },
  };
}

/** A Redis for the tests of a file, emptied after each; what they open is closed. */
export function queueServer(): {
  url(): string;
  server(): PrivateRedis;
  sides(options?: SidesOptions): Promise<Sides>;
} {
  let server: PrivateRedis | undefined;
  const opened: Sides[] = [];
  const running = () => {
    if (!server) throw new Error('the tests have not begun');
    return server;
  };
  beforeAll(async () => {
    server = await startRedis();
  });
  afterEach(async () => {
    await opened[0]?.redis.flushall();
    for (const sides of opened.splice(0)) await sides.close();
  });
  afterAll(() => server?.close());
  return {
    url: () => running().url,
    server: running,
    sides: async (options) => {
      const sides = await connectSides(running().url, options);
      opened.push(sides);
      return sides;
    },
  };
}
