import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { StoredCatalog } from '../../backup/manifest/stored-catalog.ts';
import { openObjects } from '../../backup/objects/open-objects.ts';
import { DirectoryStore } from '../../backup/store/directory-store.ts';
import { systemClock } from '../../common/clock.ts';
import { createLogger } from '../../common/logger.ts';
import type { Redis } from '../../common/redis.ts';
import type { WharfEvent } from '../../fleet/events/event.ts';
import { RedisEventLog } from '../../fleet/events/redis-event-log.ts';
import { RedisChannels } from '../../fleet/redis-channels.ts';
import { redisCoordination } from '../../fleet/redis-coordination.ts';
import { redisRegistry } from '../../fleet/redis-registry.ts';
import { SessionPaths } from '../../fleet/session-paths.ts';
import { type BackupProcess, startBackupProcess } from './backup-process.ts';
import { CopyingInstance } from './copying-instance.ts';
import { useRedis } from './redis-client.ts';
import { temporaryDirectory } from './temp-dir.ts';

const TOKEN = 't'.repeat(40);
const log = createLogger('silent', {}, process.stderr);

/** A fleet of fake instances on a real Redis and a session path, with a directory for backups. */
export interface BackupFleet {
  redis: Redis;
  paths: SessionPaths;
  /** Where the backups are kept. */
  directory: string;
  store: DirectoryStore;
  catalog: StoredCatalog;
  objects: ReturnType<typeof openObjects>;
  /** What the event log holds. */
  events(): Promise<WharfEvent[]>;
  /** Adds an instance, which ends with the test. */
  addInstance(id: string): Promise<CopyingInstance>;
  /** Starts a backup service as a process. */
  startService(env?: Record<string, string>): Promise<BackupProcess>;
}

/** Call where a test file begins: one Redis for its tests, emptied for each. */
export function useBackupFleets(): () => Promise<BackupFleet> {
  const used = useRedis();
  return async () => {
    const { server, redis } = used;
    await redis.flushall();
    const root = await temporaryDirectory();
    const [sessionPath, directory] = [join(root, 'sessions'), join(root, 'backups')];
    await mkdir(sessionPath);
    await mkdir(directory);
    const paths = new SessionPaths(sessionPath);
    const store = new DirectoryStore(directory);
    const options = {
      registry: redisRegistry(redis),
      coordination: redisCoordination(redis, 1500),
      token: TOKEN,
      paths,
    };
    return {
      redis,
      paths,
      directory,
      store,
      catalog: new StoredCatalog(store),
      objects: openObjects(store, systemClock),
      events: async () => {
        const channels = new RedisChannels(redis);
        const page = await new RedisEventLog(redis, channels, 3_600_000, log).after('0', {}, 250);
        channels.close();
        return page.events.map(({ event }) => event);
      },
      addInstance: async (id) => {
        const instance = await new CopyingInstance({ ...options, id }).start();
        onTestFinished(() => instance.stop());
        return instance;
      },
      startService: (env = {}) =>
        startBackupProcess({
          redisUrl: server.url,
          sessionPath,
          directory,
          token: TOKEN,
          env: { WHARF_SCRATCH: join(root, 'scratch'), ...env },
        }),
    };
  };
}
