import { Pool } from 'undici';

/** Milliseconds to connect: on one network that takes one, and the request is held and tried again. */
const CONNECT_TIMEOUT = 2000;

/** Idle connections are ended before a process of the fleet ends them (75 s), so that none is used that is just being closed. Milliseconds. */
const KEEP_ALIVE = 30_000;

/** Connections to other processes of the fleet, kept open between requests: one pool for each base URL. */
export class Pools {
  readonly #pools = new Map<string, Pool>();
  readonly #connections: number;

  /** @param connections at most so many to one base URL */
  constructor(connections: number) {
    this.#connections = connections;
  }

  /** The pool of a base URL. */
  get(url: string): Pool {
    let pool = this.#pools.get(url);
    if (!pool) {
      pool = new Pool(url, {
        connections: this.#connections,
        pipelining: 1,
        keepAliveTimeout: KEEP_ALIVE,
        keepAliveMaxTimeout: KEEP_ALIVE,
        connect: { timeout: CONNECT_TIMEOUT },
      });
      this.#pools.set(url, pool);
    }
    return pool;
  }

  /** Forgets the pools of who is elsewhere now; requests under way end as they would. */
  keepOnly(urls: ReadonlySet<string>): void {
    for (const [url, pool] of this.#pools) {
      if (urls.has(url)) continue;
      this.#pools.delete(url);
      void pool.close().catch(() => undefined);
    }
  }

  /** Ends all connections, also those that are being used. */
  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }
}
