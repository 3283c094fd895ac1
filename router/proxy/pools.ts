import { Pool } from 'undici';

/** Milliseconds to connect to an instance: on one network that takes one, and the request is held and tried again. */
const CONNECT_TIMEOUT = 2000;

/** Idle connections are ended before an instance ends them (75 s), so that none is used that is just being closed. Milliseconds. */
const KEEP_ALIVE = 30_000;

/** Connections to one instance; a request that waits (for a QR) takes one all the while. */
const CONNECTIONS = 2048;

/** Connections to instances, kept open between requests: one pool for each base URL. */
export class Pools {
  readonly #pools = new Map<string, Pool>();

  /** The pool of an instance. */
  get(url: string): Pool {
    let pool = this.#pools.get(url);
    if (!pool) {
      pool = new Pool(url, {
        connections: CONNECTIONS,
        pipelining: 1,
        keepAliveTimeout: KEEP_ALIVE,
        keepAliveMaxTimeout: KEEP_ALIVE,
        connect: { timeout: CONNECT_TIMEOUT },
      });
      this.#pools.set(url, pool);
    }
    return pool;
  }

  /** Forgets the pools of instances that are elsewhere now; requests under way end as they would. */
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
