import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Redis } from '../../common/redis.ts';

/** How long a replica is waited for, milliseconds. */
const PATIENCE = 500;
/** How often it is looked whether there are replicas, milliseconds. */
const LOOK_EVERY = 5000;

/**
 * Waits until a replica has what was written, where there are replicas (WAIT). Redis can't take a write back: what no replica confirmed in time stays written, is
 * counted, and logged once per outage. `min-replicas-to-write` makes Redis refuse writes instead.
 */
export class Replication {
  readonly #redis: Redis;
  readonly #log: Logger;
  #replicas: Promise<number> | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #unreplicated = 0;
  #isLagging = false;

  /** @param redis the connection that writes: WAIT speaks of its own writes */
  constructor(redis: Redis, log: Logger) {
    this.#redis = redis;
    this.#log = log;
  }

  /** Writes that no replica confirmed in time, though there was one. */
  get unreplicated(): number {
    return this.#unreplicated;
  }

  /**
   * Runs a write, and resolves when a replica has it.
   *
   * @param writes how many it counts for
   */
  async confirmed<T>(write: () => Promise<T>, writes = 1): Promise<T> {
    const replicas = await this.#known();
    const written = write();
    if (replicas === 0) return await written;
    // Sent right behind the write, so that no round trip is added.
    const confirmed = this.#redis.wait(1, PATIENCE).catch(() => 0);
    const answer = await written;
    this.#note((await confirmed) > 0, writes);
    return answer;
  }

  #note(confirmed: boolean, writes: number): void {
    if (!confirmed) this.#unreplicated += writes;
    if (confirmed !== this.#isLagging) return;
    this.#isLagging = !confirmed;
    if (confirmed) this.#log.info('replicas of the queues confirm writes again');
    else
      this.#log.warn(
        { unreplicated: this.#unreplicated },
        `no replica of the queues confirmed a write within ${PATIENCE} ms: what is accepted now is lost if this Redis is lost`,
      );
  }

  /** How many replicas are connected, as of some seconds ago. */
  #known(): Promise<number> {
    const now = performance.now();
    if (this.#replicas !== undefined && now < this.#lookedAt + LOOK_EVERY) return this.#replicas;
    this.#lookedAt = now;
    const look = this.#look();
    // The first look is waited for, later ones are not.
    this.#replicas = this.#replicas === undefined ? look : this.#replicas;
    look.then((replicas) => {
      this.#replicas = Promise.resolve(replicas);
    });
    return this.#replicas;
  }

  async #look(): Promise<number> {
    try {
      const info = await this.#redis.info('replication');
      return Number(/^connected_slaves:(\d+)/m.exec(info)?.[1] ?? 0);
    } catch (error) {
      // The write that follows meets the same trouble, and says so.
      this.#log.debug({ reason: messageOf(error) }, 'could not ask the Redis of the queues for its replicas');
      return 0;
    }
  }
}
