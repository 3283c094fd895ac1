import type { Redis } from '../../common/redis.ts';

/** How long a replica is waited for, milliseconds. */
const PATIENCE = 500;

const OF = new WeakMap<Redis, ReplicaWaits>();

/**
 * Waits for a replica (WAIT) on behalf of all who write over a connection. Redis does nothing else for a connection meanwhile: a WAIT for each write would, where a replica hangs, hold up the
 * commands behind it until they are given up. So one WAIT is on its way at a time, and those who come meanwhile share the next.
 */
export class ReplicaWaits {
  readonly #redis: Redis;
  #current: Promise<unknown> = Promise.resolve();
  #next: Promise<number> | undefined;
  #losses = 0;

  private constructor(redis: Redis) {
    this.#redis = redis;
    redis.on('close', () => {
      this.#losses += 1;
    });
  }

  /** Those of a connection. */
  static of(redis: Redis): ReplicaWaits {
    const known = OF.get(redis);
    if (known) return known;
    const waits = new ReplicaWaits(redis);
    OF.set(redis, waits);
    return waits;
  }

  /** How often the connection was lost so far. */
  get losses(): number {
    return this.#losses;
  }

  /**
   * How many replicas have what was written before; 0: none confirmed it in time.
   *
   * @param before {@link losses} before the write: WAIT speaks of the writes of its connection, and of none of the one before
   * @throws Error where the connection was lost since
   */
  async wait(before: number): Promise<number> {
    this.#next ??= this.#current.then(
      () => this.#ask(),
      () => this.#ask(),
    );
    const confirmed = await this.#next;
    if (this.#losses !== before)
      throw new Error('the connection was lost before a replica confirmed the write');
    return confirmed;
  }

  #ask(): Promise<number> {
    const asked = this.#redis.wait(1, PATIENCE);
    this.#current = asked;
    this.#next = undefined;
    return asked;
  }
}
