import { afterAll, beforeAll } from 'vitest';
import { createLogger } from '../../common/logger.ts';
import { connectRedis, parseRedisUrl, type Redis } from '../../common/redis.ts';
import { type PrivateRedis, startRedis } from './redis.ts';

/** Call where a test file begins: one Redis for its tests, and a connection to it. */
export function useRedis(): { readonly server: PrivateRedis; readonly redis: Redis } {
  let server: PrivateRedis;
  let redis: Redis;
  beforeAll(async () => {
    server = await startRedis();
    redis = await connectRedis(parseRedisUrl(server.url), createLogger('silent', {}, process.stderr));
  });
  afterAll(async () => {
    redis.disconnect();
    await server.close();
  });
  return {
    get server() {
      return server;
    },
    get redis() {
      return redis;
    },
  };
}
