import type { Redis } from '../common/redis.ts';
import { redisAnswer } from './redis-answers.ts';

/** What time it is where Redis runs, milliseconds since 1970. Throws `redis_unavailable`. */
export async function redisTime(redis: Redis): Promise<number> {
  const [seconds, microseconds] = await redisAnswer(redis.time());
  return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
}
