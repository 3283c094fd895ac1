import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '../../../common/logger.ts';
import { connectRedis, parseRedisUrl, type Redis } from '../../../common/redis.ts';
import { redisCoordination } from '../../../fleet/redis-coordination.ts';
import { redisRegistry } from '../../../fleet/redis-registry.ts';
import { mustAsk } from '../../chaos/real/asking.ts';
import { FakeInstance } from '../../helpers/fake-instance.ts';
import { type PrivateRedis, startRedis } from '../../helpers/redis.ts';
import { type BenchProcess, startProgram } from '../support/processes.ts';

const ADMIN_KEY = 'key-of-the-messages-benchmark-0123456789';
const TOKEN = 'token-of-the-messages-benchmark-0123456789';
const LEASE = 10_000;

/** Headers of every request. */
export const HEADERS = { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' };

/** Where a message is sent from. */
export interface BenchSession {
  workspace: string;
  session: string;
}

/**
 * One router process and Redis that writes down all it confirms. The sessions exist, and nobody serves their queues: an instance without browsers, which
 * does nothing but say that it has them, stands in the benchmark's own process. So accepting alone is measured.
 */
export class AcceptingFleet {
  readonly sessions: BenchSession[] = [];
  readonly redis: PrivateRedis;
  readonly #directory: string;
  readonly #connection: Redis;
  #instance: FakeInstance | undefined;
  #router: BenchProcess | undefined;

  private constructor(directory: string, redis: PrivateRedis, connection: Redis) {
    this.#directory = directory;
    this.redis = redis;
    this.#connection = connection;
  }

  /**
   * @param sessions how many, four in each workspace
   * @param env more of the router's environment
   */
  static async start(sessions: number, env: Record<string, string> = {}): Promise<AcceptingFleet> {
    const directory = await mkdtemp(join(tmpdir(), 'wharf-bench-messages-'));
    await mkdir(join(directory, 'sessions'), { mode: 0o700 });
    // Its file is never written anew: that would fall on some rounds and not on others.
    const redis = await startRedis({
      appendonly: true,
      settings: ['--appendfsync', 'always', '--auto-aof-rewrite-percentage', '0'],
    });
    const connection = await connectRedis(parseRedisUrl(redis.url), createLogger('silent', {}));
    const fleet = new AcceptingFleet(directory, redis, connection);
    try {
      await fleet.#start(sessions, env);
      return fleet;
    } catch (error) {
      await fleet.close();
      throw error;
    }
  }

  async #start(sessions: number, env: Record<string, string>): Promise<void> {
    this.#instance = new FakeInstance({
      id: 'instance-1',
      registry: redisRegistry(this.#connection),
      coordination: redisCoordination(this.#connection, LEASE),
      token: TOKEN,
      capacity: sessions,
    });
    await this.#instance.start();
    this.#router = await startProgram('router/main.ts', {
      REDIS_URL: this.redis.url,
      PORT: '0',
      BIND_ADDRESS: '127.0.0.1',
      WHATSAPP_INSTANCE_COUNT: '1',
      WHATSAPP_SESSION_PATH: join(this.#directory, 'sessions'),
      WHARF_INTERNAL_TOKEN: TOKEN,
      WHARF_ADMIN_KEY: ADMIN_KEY,
      QUEUE_MAX_DEPTH: '10000000',
      ...env,
    });
    for (let index = 0; index < sessions; index += 1) {
      const session = { workspace: `${Math.floor(index / 4) + 1}`, session: `s${index + 1}` };
      await mustAsk('POST', `${this.url}/api/whatsapp/sessions`, HEADERS, {
        workspace_id: session.workspace,
        session_id: session.session,
      });
      this.sessions.push(session);
    }
  }

  get router(): BenchProcess {
    if (this.#router === undefined) throw new Error('the router was not started');
    return this.#router;
  }

  get url(): string {
    return String(this.router.ready['url']);
  }

  /** Messages in all queues. */
  async depth(): Promise<number> {
    const { totals } = (await mustAsk('GET', `${this.url}/api/fleet/queues?limit=1`, HEADERS)) as {
      totals: { depth: number };
    };
    return totals.depth;
  }

  /** A database of the same Redis that has nothing of Wharf's. */
  get otherDatabase(): string {
    return `${this.redis.url}/1`;
  }

  async emptyOtherDatabase(): Promise<void> {
    const redis = await connectRedis(parseRedisUrl(this.otherDatabase), createLogger('silent', {}));
    await redis.flushdb();
    redis.disconnect();
  }

  /** What Redis says of itself. */
  async redisInfo(): Promise<{ version: string; usedMegabytes: number }> {
    const info = await this.#connection.info();
    return {
      version: /redis_version:(\S+)/.exec(info)?.[1] ?? 'unknown',
      usedMegabytes: Number(/used_memory:(\d+)/.exec(info)?.[1] ?? 0) / 2 ** 20,
    };
  }

  async close(): Promise<void> {
    await this.#router?.stop();
    await this.#instance?.stop();
    this.#connection.disconnect();
    await this.redis.close();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
