import type { Logger } from '../../common/logger.ts';
import { openRedis, type Redis } from '../../common/redis.ts';
import type { MessagingConfig } from '../messaging-config.ts';
import { RedisChannels } from '../redis-channels.ts';
import { Durability } from './durability.ts';
import type { SendLimits } from './limits.ts';
import { QueueCleaner } from './queue-cleaner.ts';
import { RedisMessageQueues } from './redis-message-queues.ts';
import type { TellGivenUp } from './redis-session-queue.ts';
import { RedisSessionQueues } from './redis-session-queues.ts';

/** A process's connections to the Redis of queues and events: one for commands, one for channels; both find back by themselves. */
export interface QueueConnections {
  redis: Redis;
  channels: RedisChannels;
  /** False while Redis can't be used. */
  isUp(): boolean;
  close(): void;
}

/** Opens the connections without waiting for them: a process starts also while that Redis is away. */
export function openQueueConnections(config: MessagingConfig, log: Logger): QueueConnections {
  const redis = openRedis(config.queueRedis, log);
  const channels = new RedisChannels(redis);
  return {
    redis,
    channels,
    isUp: () => redis.status === 'ready',
    close: () => {
      channels.close();
      redis.disconnect();
    },
  };
}

/**
 * The routers' side of the queues; it also removes what is past its time.
 *
 * @throws WharfError `config_invalid` in production, where that Redis may lose what it confirmed (see {@link Durability})
 */
export async function openMessageQueues(
  { redis, channels }: QueueConnections,
  config: MessagingConfig,
  log: Logger,
): Promise<{ queues: RedisMessageQueues; close(): Promise<void> }> {
  const durability = await Durability.check(redis, config, log);
  const queues = new RedisMessageQueues(
    redis,
    channels,
    {
      maxDepth: config.maxDepth,
      keepsBodies: config.messageRetention > 0,
      durability,
      promise: config.durability,
    },
    log,
  );
  const cleaner = new QueueCleaner(redis, { retention: config.messageRetention }, log);
  cleaner.start();
  return {
    queues,
    close: async () => {
      cleaner.close();
      await queues.close();
    },
  };
}

/**
 * The owners' side of the queues of an instance.
 *
 * @throws WharfError `config_invalid` as {@link openMessageQueues}
 */
export async function openSessionQueues(
  { redis, channels }: QueueConnections,
  config: MessagingConfig,
  limits: SendLimits,
  tellGivenUp: TellGivenUp,
  log: Logger,
): Promise<RedisSessionQueues> {
  await Durability.check(redis, config, log);
  const keepsBodies = config.messageRetention > 0;
  const promise = config.durability;
  return new RedisSessionQueues(redis, channels, { limits, keepsBodies, tellGivenUp, promise }, log);
}
