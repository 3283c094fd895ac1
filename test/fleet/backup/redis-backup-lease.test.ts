import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { redisBackupLease } from '../../../fleet/backup/redis-backup-lease.ts';
import { redisKeys } from '../../../fleet/keys.ts';
import { backupLeaseConformance } from '../../conformance/backup-lease.ts';
import { DrivenClock } from '../../helpers/driven-clock.ts';
import { aServiceNote, MemoryBackupLease } from '../../helpers/memory-backup-lease.ts';
import { useRedis } from '../../helpers/redis-client.ts';

const used = useRedis();

backupLeaseConformance('Redis', async () => {
  await used.redis.flushall();
  return { lease: redisBackupLease(used.redis, 3000), pass: (time) => systemClock.sleep(time) };
});
backupLeaseConformance('memory', async () => {
  const clock = new DrivenClock();
  return { lease: new MemoryBackupLease(clock), pass: (time) => clock.pass(time) };
});

describe('redisBackupLease', () => {
  it.each(['no JSON', '{"service":7}', '[]'])('takes a lease that nobody can hold: %s', async (text) => {
    await used.redis.set(redisKeys.backupService, text);
    const lease = redisBackupLease(used.redis, 3000);
    expect(await lease.holder()).toBeNull();
    expect((await lease.hold(aServiceNote('one'), 1000)).service).toBe('one');
    await lease.release('one');
  });

  it('leaves one that another version of Wharf wrote to its holder', async () => {
    await used.redis.set(redisKeys.backupService, '{"service":"newer","address":"elsewhere"}', 'PX', 10_000);
    const lease = redisBackupLease(used.redis, 3000);
    expect((await lease.hold(aServiceNote('one'), 1000)).service).not.toBe('one');
    expect(await used.redis.get(redisKeys.backupService)).toContain('newer');
  });

  it('says redis_unavailable where Redis does not answer', async () => {
    used.server.pause();
    try {
      const lease = redisBackupLease(used.redis, 50);
      await expect(lease.hold(aServiceNote('one'), 1000)).rejects.toMatchObject({
        code: 'redis_unavailable',
      });
      await expect(lease.holder()).rejects.toMatchObject({ code: 'redis_unavailable' });
    } finally {
      used.server.resume();
    }
  });
});
