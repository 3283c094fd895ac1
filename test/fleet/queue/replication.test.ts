import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '../../../common/logger.ts';
import { connectRedis, parseRedisUrl, type Redis } from '../../../common/redis.ts';
import { Replication } from '../../../fleet/queue/replication.ts';
import { type PrivateRedis, startRedis } from '../../helpers/redis.ts';

describe('writes to a Redis without a replica', () => {
  let server: PrivateRedis;
  let redis: Redis;
  const lines: string[] = [];
  const log = createLogger('warn', {}, { write: (line) => lines.push(line) });
  beforeEach(async () => {
    lines.length = 0;
    server = await startRedis();
    redis = await connectRedis(parseRedisUrl(server.url), log);
  });
  afterEach(async () => {
    redis.disconnect();
    await server.close();
  });
  const threeTimes = async (replication: Replication) => {
    for (const writes of [1, 2, 4]) await replication.confirmed(() => redis.set('wharf:test', '1'), writes);
    return replication.unreplicated;
  };

  it('all count as unreplicated where replicas are what keeps them, and are told of once', async () => {
    expect(await threeTimes(new Replication(redis, log, 'replicas'))).toBe(7);
    expect(lines.filter((line) => line.includes('no replica of the queues confirmed'))).toHaveLength(1);
  });

  it('count for nothing where its file keeps them', async () => {
    expect(await threeTimes(new Replication(redis, log))).toBe(0);
    expect(lines).toEqual([]);
  });
});
