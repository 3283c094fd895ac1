import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '../../common/logger.ts';
import { connectRedis, openRedis, parseRedisUrl, type Redis } from '../../common/redis.ts';
import { RedisChannels } from '../../fleet/redis-channels.ts';
import { eventually } from '../helpers/eventually.ts';
import { type PrivateRedis, startRedis } from '../helpers/redis.ts';

const log = createLogger('silent', {});

describe('channels', () => {
  let server: PrivateRedis;
  let redis: Redis;
  let channels: RedisChannels;

  beforeEach(async () => {
    server = await startRedis();
    redis = await connectRedis(parseRedisUrl(server.url), log);
    channels = new RedisChannels(redis);
  });
  afterEach(async () => {
    channels.close();
    redis.disconnect();
    await server.close();
  });

  /** Listens, and waits until it does. */
  const listen = async (channel: string) => {
    const heard: string[] = [];
    let gaps = 0;
    const stop = channels.listen(
      channel,
      (text) => heard.push(text),
      () => {
        gaps += 1;
      },
    );
    await eventually(() => gaps > 0);
    return { heard, stop, gaps: () => gaps };
  };

  it('are heard by all who listen, over one connection', async () => {
    const [one, two, other] = [await listen('a'), await listen('a'), await listen('b')];
    await redis.publish('a', 'to a');
    await redis.publish('b', 'to b');
    await eventually(() => one.heard.length > 0 && two.heard.length > 0 && other.heard.length > 0);
    expect([one.heard, two.heard, other.heard]).toEqual([['to a'], ['to a'], ['to b']]);
    expect(
      String(await redis.call('CLIENT', 'LIST', 'TYPE', 'pubsub'))
        .trim()
        .split('\n'),
    ).toHaveLength(1);
  });

  it('are left with their last listener', async () => {
    const [one, two] = [await listen('a'), await listen('a')];
    one.stop();
    await redis.publish('a', 'x');
    await eventually(() => two.heard.length > 0);
    expect(one.heard).toEqual([]);
    two.stop();
    await eventually(async () => (await redis.publish('a', 'y')) === 0);
  });

  it('are heard again after a loss, and each listener is told that it may have missed something', async () => {
    const [one, other] = [await listen('a'), await listen('b')];
    await server.kill();
    await server.start();
    await eventually(() => one.gaps() > 1 && other.gaps() > 1);
    await eventually(async () => (await redis.publish('a', 'again').catch(() => 0)) > 0);
    await eventually(() => one.heard.includes('again'));
  });

  it('may be listened to while Redis is away: it is told when that begins', async () => {
    await server.kill();
    const connection = openRedis(parseRedisUrl(server.url), log);
    const away = new RedisChannels(connection);
    try {
      const heard: string[] = [];
      let listening = false;
      away.listen(
        'a',
        (text) => heard.push(text),
        () => {
          listening = true;
        },
      );
      await server.start();
      await eventually(() => listening);
      await eventually(async () => (await redis.publish('a', 'x').catch(() => 0)) > 0);
      await eventually(() => heard.includes('x'));
    } finally {
      away.close();
      connection.disconnect();
    }
  });
});
