import { expect, it } from 'vitest';
import { createLogger } from '../../common/logger.ts';
import { connectRedis, parseRedisUrl } from '../../common/redis.ts';
import { redisTime } from '../../fleet/redis-clock.ts';
import { startRedis } from '../helpers/redis.ts';

it('says what time it is where Redis runs, to the millisecond, and that it cannot say where Redis is away', async () => {
  const server = await startRedis();
  const redis = await connectRedis(parseRedisUrl(server.url), createLogger('silent', {}));
  try {
    const before = Date.now();
    const time = await redisTime(redis);
    // Both read one clock here; Redis's own is cached for some milliseconds.
    expect(time).toBeGreaterThan(before - 1000);
    expect(time).toBeLessThan(Date.now() + 1000);
  } finally {
    redis.disconnect();
    await server.close();
  }
  await expect(redisTime(redis)).rejects.toMatchObject({ code: 'redis_unavailable' });
});
