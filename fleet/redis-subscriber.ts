import type { Redis } from '../common/redis.ts';
import { redisAnswer } from './redis-answers.ts';

/** A connection takes this long at most to be made and subscribed, milliseconds. */
const SUBSCRIBE_DEADLINE = 5000;

/**
 * Listens to a channel on a connection of its own, which is made again after every loss.
 *
 * @param onGap messages may have been lost; told when the new connection is subscribed, so that what is read then misses nothing
 * @returns ends it
 * @throws WharfError `redis_unavailable`
 */
export async function subscribeTo(
  redis: Redis,
  channel: string,
  onMessage: (text: string) => void,
  onGap: () => void,
): Promise<() => Promise<void>> {
  const subscriber = redis.duplicate({
    enableOfflineQueue: true,
    maxRetriesPerRequest: null,
    commandTimeout: undefined,
  });
  // What had arrived before the connection ends is told to nobody.
  let closed = false;
  subscriber.on('error', () => {});
  subscriber.on('message', (_channel: string, text: string) => {
    if (!closed) onMessage(text);
  });
  const connect = async () => {
    if (subscriber.status === 'wait') await subscriber.connect();
    await subscriber.subscribe(channel);
  };
  try {
    await redisAnswer(connect(), SUBSCRIBE_DEADLINE);
  } catch (error) {
    subscriber.disconnect();
    throw error;
  }
  subscriber.on('ready', () => {
    subscriber.subscribe(channel).then(
      () => {
        if (!closed) onGap();
      },
      () => {},
    );
  });
  return async () => {
    closed = true;
    subscriber.disconnect();
  };
}
