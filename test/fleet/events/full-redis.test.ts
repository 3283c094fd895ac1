import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '../../../common/logger.ts';
import { connectRedis, parseRedisUrl, type Redis } from '../../../common/redis.ts';
import { RedisDeliveries } from '../../../fleet/events/redis-deliveries.ts';
import { RedisEventLog } from '../../../fleet/events/redis-event-log.ts';
import { RedisShardLeases } from '../../../fleet/events/redis-shard-leases.ts';
import { RedisChannels } from '../../../fleet/redis-channels.ts';
import { type PrivateRedis, startRedis } from '../../helpers/redis.ts';
import { receivedEvent } from '../../helpers/wharf-events.ts';

const log = createLogger('silent', {});

describe('events in a Redis that is full', () => {
  let server: PrivateRedis;
  let redis: Redis;
  let channels: RedisChannels;

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    redis = await connectRedis(parseRedisUrl(server.url), log);
    channels = new RedisChannels(redis);
    await redis.flushall();
  });
  afterEach(async () => {
    await redis.config('SET', 'maxmemory', '0');
    channels.close();
    redis.disconnect();
  });

  const fill = () => redis.config('SET', 'maxmemory', '1');

  it('make room: what is too old goes, also where what is not comes first', async () => {
    const events = new RedisEventLog(redis, channels, 40, log, { pause: 0, undelivered: 0 });
    await events.append([receivedEvent('old')]);
    await redis.xadd('wharf:events:8', '9000000000000000-0', 'event', '{}');
    await redis.zadd('wharf:event-streams', 0, 'wharf:events:8');
    await new Promise((resolve) => setTimeout(resolve, 60));
    await fill();
    await expect(events.append([receivedEvent('new')])).rejects.toMatchObject({ code: 'queue_unavailable' });
    expect(await redis.exists('wharf:events:7')).toBe(0);
    expect(await redis.exists('wharf:events:8')).toBe(1);
  });

  it('are still read and delivered, and where none are kept beyond that they make room', async () => {
    const events = new RedisEventLog(redis, channels, 0, log);
    const deliveries = new RedisDeliveries(redis, events);
    const leases = new RedisShardLeases(redis);
    await deliveries.begin('7');
    await events.append([receivedEvent('a')]);
    await fill();
    for (const filter of [{ workspace: '7' }, {}]) {
      const { events: found } = await events.after('0', filter, 10);
      expect(found).toHaveLength(1);
    }
    expect((await leases.meet('router-1', 8000)).routers).toEqual(['router-1']);
    expect(await leases.hold('router-1', 8000, [3])).toEqual([3]);
    const read = await deliveries.read('7', { router: 'router-1', shard: 3 }, 10);
    expect(read).toHaveLength(1);
    await deliveries.ended('7', read?.map(({ position }) => position) ?? []);
    expect(await redis.xlen('wharf:events:7')).toBe(0);
    await leases.giveUp('router-1', [3]);
    expect(await leases.hold('router-2', 8000, [3])).toEqual([3]);
  });
});
