import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '../../../common/logger.ts';
import { connectRedis, parseRedisUrl } from '../../../common/redis.ts';
import { eventually } from '../../helpers/eventually.ts';
import { freePort, type PrivateRedis, startRedis } from '../../helpers/redis.ts';

const NAME = 'queues';
const SENTINELS = 3;
/** How long a failover may take, milliseconds: to notice, to agree, to promote. */
const PATIENCE = 60_000;

/** A master and a replica on this machine, both writing down all they confirm, and three sentinels that watch them. */
export class WatchedRedis {
  /** As `REDIS_URL` has it. */
  readonly url: string;
  readonly #master: PrivateRedis;
  readonly #replica: PrivateRedis;
  readonly #sentinels: ChildProcess[];
  readonly #directory: string;

  private constructor(
    master: PrivateRedis,
    replica: PrivateRedis,
    sentinels: { child: ChildProcess; port: number }[],
    directory: string,
  ) {
    this.#master = master;
    this.#replica = replica;
    this.#sentinels = sentinels.map(({ child }) => child);
    this.#directory = directory;
    this.url = `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/${NAME}`;
  }

  static async start(): Promise<WatchedRedis> {
    const settings = ['--appendfsync', 'always'];
    const master = await startRedis({ appendonly: true, settings });
    const replica = await startRedis({
      appendonly: true,
      settings: [...settings, '--replicaof', `127.0.0.1 ${master.port}`],
    });
    const directory = await mkdtemp(join(tmpdir(), 'wharf-sentinels-'));
    const sentinels: { child: ChildProcess; port: number }[] = [];
    for (let index = 0; index < SENTINELS; index += 1)
      sentinels.push(await startSentinel(directory, index, master.port));
    const watched = new WatchedRedis(master, replica, sentinels, directory);
    await watched.#asks(replica, /master_link_status:up/);
    return watched;
  }

  /** Kills the master, and waits until the replica is the master. */
  async failOver(): Promise<void> {
    await this.#master.kill();
    await this.#asks(this.#replica, /role:master/);
  }

  async close(): Promise<void> {
    for (const child of this.#sentinels) {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    await this.#replica.close();
    await this.#master.close();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #asks(server: PrivateRedis, wanted: RegExp): Promise<void> {
    const redis = await connectRedis(parseRedisUrl(server.url), createLogger('silent', {}));
    try {
      // Who is promoted cuts its connections off.
      const seen = () => redis.info('replication').catch(() => '');
      await eventually(async () => wanted.test(await seen()), PATIENCE);
    } finally {
      redis.disconnect();
    }
  }
}

async function startSentinel(
  directory: string,
  index: number,
  master: number,
): Promise<{ child: ChildProcess; port: number }> {
  const port = await freePort();
  const file = join(directory, `${index}.conf`);
  await writeFile(
    file,
    [
      `port ${port}`,
      'bind 127.0.0.1',
      `sentinel monitor ${NAME} 127.0.0.1 ${master} 2`,
      `sentinel down-after-milliseconds ${NAME} 1000`,
      `sentinel failover-timeout ${NAME} 5000`,
      '',
    ].join('\n'),
  );
  const child = spawn('redis-sentinel', [file], { stdio: 'ignore' });
  const redis = await connectRedis(parseRedisUrl(`redis://127.0.0.1:${port}`), createLogger('silent', {}));
  redis.disconnect();
  return { child, port };
}
