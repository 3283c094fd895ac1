import { z } from 'zod';
import type { Redis } from '../../common/redis.ts';
import { redisKeys } from '../keys.ts';
import { readJson, redisAnswer } from '../redis-answers.ts';
import { RedisCommand } from '../redis-command.ts';
import { type BackupLease, backupServiceSchema } from './backup-lease.ts';

/**
 * The lease of the backup service in Redis; see {@link BackupLease}.
 *
 * @param timeout milliseconds after which a question is taken as not answered; Redis may still do what was asked
 */
export function redisBackupLease(redis: Redis, timeout: number): BackupLease {
  const hold = new RedisCommand('hold-backup-1');
  const release = new RedisCommand('release-backup-1');
  const key = redisKeys.backupService;

  return {
    async hold(me, ttl) {
      const asked = hold.run(redis, key, me.service, JSON.stringify(me), ttl);
      const holder = readJson(backupServiceSchema, z.string().parse(await redisAnswer(asked, timeout)));
      // What another version wrote there names a service that is not this one: who it is, is all that can't be told.
      return holder ?? { ...me, service: 'unknown' };
    },

    async release(service) {
      await redisAnswer(release.run(redis, key, service), timeout);
    },

    async holder() {
      return readJson(backupServiceSchema, await redisAnswer(redis.get(key), timeout)) ?? null;
    },
  };
}
