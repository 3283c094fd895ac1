import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Env } from '../../common/env.ts';
import { makePrivateDirectory, replaceFile } from '../../common/files.ts';
import { createLogger } from '../../common/logger.ts';
import { connectRedis, parseRedisUrl } from '../../common/redis.ts';
import type { ProcessPlan } from './kept-process.ts';
import { freePort } from './ports.ts';

/**
 * Redis does not watch its standard input. So a subshell does, on a copy of it, and ends Redis when it is closed; the shell itself
 * becomes Redis, so that its process id is Redis's own.
 */
const END_WITH_PARENT = 'exec 3<&0 </dev/null; (read -r _ <&3; kill -TERM $$) & exec 3<&-; exec "$@"';

const START_TIME = 30_000;
const STOP_TIME = 10_000;

/** The fleet's own Redis: on loopback, with a password, everything appended to a file. */
export interface PrivateRedis {
  /** With the password: not for logs. */
  url: string;
  plan: ProcessPlan<true>;
}

/** Writes Redis's configuration into the data directory, and plans its process. */
export async function planRedis(data: string, logs: string, env: Env): Promise<PrivateRedis> {
  const directory = join(data, 'redis');
  await makePrivateDirectory(directory);
  const port = await freePort();
  const password = randomBytes(24).toString('hex');
  const file = join(directory, 'redis.conf');
  await replaceFile(file, configuration(directory, port, password));
  const url = `redis://:${password}@127.0.0.1:${port}`;
  return {
    url,
    plan: {
      name: 'redis',
      program: '/bin/sh',
      args: ['-c', END_WITH_PARENT, 'sh', 'redis-server', file],
      env: () => env,
      ready: () => null,
      probe: () => answers(url),
      logFile: join(logs, 'redis.log'),
      startTime: START_TIME,
      stopTime: STOP_TIME,
    },
  };
}

function configuration(directory: string, port: number, password: string): string {
  return [
    'bind 127.0.0.1',
    `port ${port}`,
    `dir ${JSON.stringify(directory)}`,
    `requirepass ${password}`,
    // Messages are on disk before they are accepted, here as in production.
    'appendonly yes',
    'appendfsync always',
    'save ""',
    'maxmemory-policy noeviction',
    'daemonize no',
    '',
  ].join('\n');
}

async function answers(url: string): Promise<true> {
  const redis = await connectRedis(parseRedisUrl(url), createLogger('silent', {}), START_TIME);
  redis.disconnect();
  return true;
}
