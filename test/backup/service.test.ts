import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { createLogger } from '../../common/logger.ts';
import { connectRedis, parseRedisUrl, type Redis } from '../../common/redis.ts';
import type { backupDetailSchema, backupListSchema } from '../../fleet/backup/api.ts';
import { redisCoordination } from '../../fleet/redis-coordination.ts';
import { redisRegistry } from '../../fleet/redis-registry.ts';
import { SessionPaths } from '../../fleet/session-paths.ts';
import { startBackupProcess } from '../helpers/backup-process.ts';
import { someFiles } from '../helpers/copyable-sessions.ts';
import { CopyingInstance } from '../helpers/copying-instance.ts';
import { type PrivateRedis, startRedis } from '../helpers/redis.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';

const token = 't'.repeat(40);
const log = createLogger('silent', {}, process.stderr);

let server: PrivateRedis;
let redis: Redis;
beforeAll(async () => {
  server = await startRedis();
  redis = await connectRedis(parseRedisUrl(server.url), log);
});
afterAll(async () => {
  redis.disconnect();
  await server.close();
});

async function aFleet() {
  await redis.flushall();
  const directory = await temporaryDirectory();
  const sessionPath = join(directory, 'sessions');
  const backups = join(directory, 'backups');
  await mkdir(sessionPath);
  await mkdir(backups);
  const options = {
    registry: redisRegistry(redis),
    coordination: redisCoordination(redis, 1500),
    token,
    paths: new SessionPaths(sessionPath),
  };
  const fleet = { redisUrl: server.url, sessionPath, directory: backups, token };
  return { fleet, options };
}

describe('the backup service', () => {
  it('makes a backup of what the instances own, and shows it', async () => {
    const { fleet, options } = await aFleet();
    const instance = await new CopyingInstance({ ...options, id: 'instance-1' }).start();
    try {
      await instance.own('7');
      await instance.set('7', 'main', someFiles('main'));
      await instance.set('7', 'new', null);
      const service = await startBackupProcess(fleet);
      const ended = await service.run();
      expect(ended, service.log()).toMatchObject({
        state: 'done',
        done: 2,
        total: 2,
        failed: 0,
        findings: [],
      });

      const { body } = await service.ask('GET', '/api/backups');
      const list = body as z.infer<typeof backupListSchema>;
      expect(list.backups).toMatchObject([{ id: ended.backup, state: 'complete', sessions: 2, carried: 0 }]);
      expect(list.last_success).toBe(list.backups[0]?.finished_at);
      const detail = (await service.ask('GET', '/api/backups/latest')).body as z.infer<
        typeof backupDetailSchema
      >;
      expect(detail.contents.map(({ session_id, linked }) => [session_id, linked])).toEqual([
        ['main', true],
        ['new', false],
      ]);
      expect(await service.kill('SIGTERM')).toBe(0);
      expect(await redis.get('wharf:backup-service')).toBeNull();
    } finally {
      await instance.stop();
    }
  });
});
