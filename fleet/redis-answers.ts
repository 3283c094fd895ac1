import type { z } from 'zod';
import { withDeadline } from '../common/clock.ts';
import { isWharfError, messageOf, WharfError } from '../common/errors.ts';

/**
 * What Redis answers, or `redis_unavailable` for every way in which it may not: ioredis has many errors.
 *
 * @param deadline milliseconds after which no answer is waited for
 */
export async function redisAnswer<T>(asked: Promise<T>, deadline?: number): Promise<T> {
  try {
    if (deadline === undefined) return await asked;
    return await withDeadline(asked, deadline, () => new Error(`no answer within ${deadline} ms`));
  } catch (error) {
    if (isWharfError(error, 'redis_unavailable')) throw error;
    throw new WharfError(
      'redis_unavailable',
      `Redis did not take a command (${messageOf(error)}). It is tried again.`,
      { cause: error },
    );
  }
}

/** JSON from Redis, or undefined where it cannot be read: another version wrote it. */
export function readJson<T>(schema: z.ZodType<T>, text: string | null): T | undefined {
  if (text === null) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
