import { createHash } from 'node:crypto';
import type { Redis } from '../../common/redis.ts';
import { Batches } from './batches.ts';
import type { Reservation, Reserved } from './message-queues.ts';
import { queueAnswer } from './queue-answers.ts';
import { queueKeys } from './queue-keys.ts';
import type { Replication } from './replication.ts';

/** How long an Idempotency-Key is remembered, seconds. */
const REMEMBERED = 24 * 3600;
/** Keys that go to Redis in one pipeline. */
const BATCH = 500;

/** Binds Idempotency-Keys in batches: the first to set a key wins, and the others read what it wrote, each in one step of Redis. */
export function reserving(redis: Redis, replication: Replication): Batches<Reservation, Reserved> {
  const write = async (reservations: Reservation[]) => {
    // A key that is lost with this Redis is made again by the message that follows: only those count as unreplicated.
    const replies = await replication.confirmed(() => queueAnswer(setAll(redis, reservations)), 0);
    return reservations.map(({ messageId, fingerprint }, index): Reserved => {
      const before = replies[index];
      if (typeof before !== 'string') return { kind: 'new', messageId };
      const space = before.indexOf(' ');
      const known = before.slice(0, space);
      return before.slice(space + 1) === fingerprint
        ? { kind: 'known', messageId: known }
        : { kind: 'conflict' };
    });
  };
  return new Batches(write, BATCH);
}

async function setAll(redis: Redis, reservations: readonly Reservation[]): Promise<unknown[]> {
  const pipeline = redis.pipeline();
  for (const { owner, key, fingerprint, messageId } of reservations) {
    // Callers choose their keys: a hash has one length, and cannot be chosen to be another's.
    const hash = createHash('sha256')
      .update(JSON.stringify([owner, key]))
      .digest('base64url');
    pipeline.set(queueKeys.idempotency(hash), `${messageId} ${fingerprint}`, 'EX', REMEMBERED, 'NX', 'GET');
  }
  const answers = (await pipeline.exec()) ?? [];
  return answers.map(([error, reply]) => {
    if (error) throw error;
    return reply;
  });
}
