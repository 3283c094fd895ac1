import type { Logger } from '../../common/logger.ts';
import type { Redis } from '../../common/redis.ts';
import type { QueueDurability } from '../messaging-config.ts';
import { queueAnswer } from './queue-answers.ts';
import { ReplicaWaits } from './replica-waits.ts';

/** How often it is looked whether there are replicas, milliseconds. */
const LOOK_EVERY = 5000;

/**
 * Waits until a replica has what was written, where there are replicas (WAIT). Redis can't take a write back: what no replica confirmed in time stays written, is
 * counted, and logged once per outage. `min-replicas-to-write` makes Redis refuse writes instead.
 */
export class Replication {
  readonly #redis: Redis;
  readonly #log: Logger;
  readonly #waits: ReplicaWaits;
  readonly #promise: QueueDurability;
  #replicas: number | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #unreplicated = 0;
  #isLagging = false;

  /**
   * @param redis the connection that writes: WAIT speaks of its own writes
   * @param promise `replicas`: what is written while there is none is not confirmed either
   */
  constructor(redis: Redis, log: Logger, promise: QueueDurability = 'file') {
    this.#redis = redis;
    this.#promise = promise;
    this.#log = log;
    this.#waits = ReplicaWaits.of(redis);
  }

  /** Writes that no replica confirmed in time, though there was one, or should have been. */
  get unreplicated(): number {
    return this.#unreplicated;
  }

  /**
   * Runs a write, and resolves when a replica has it, or did not confirm it in time.
   *
   * @param writes how many it counts for
   * @throws WharfError `queue_unavailable` also where the connection was lost before that was known: then nobody knows which Redis goes on, with what
   */
  async confirmed<T>(write: () => Promise<T>, writes = 1): Promise<T> {
    const replicas = await this.#known();
    if (replicas === 0) {
      const answer = await write();
      if (this.#promise === 'replicas') this.#note(false, writes);
      return answer;
    }
    const before = this.#waits.losses;
    const answer = await write();
    // Not before the answer: a command that Redis has not seen yet is sent twice, and only the second one writes.
    const confirmed = (await queueAnswer(this.#waits.wait(before))) > 0;
    // It may be another Redis by now, without replicas: it is looked again, or each write would wait.
    if (!confirmed) this.#lookedAt = Number.NEGATIVE_INFINITY;
    this.#note(confirmed, writes);
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
        'no replica of the queues confirmed a write in time: what is accepted now is lost if this Redis is lost',
      );
  }

  /** How many replicas are connected, as of some seconds ago. The first look is waited for, and throws; later ones go on beside. */
  async #known(): Promise<number> {
    const now = performance.now();
    if (this.#replicas === undefined) {
      this.#replicas = await this.#look();
      this.#lookedAt = now;
    } else if (now > this.#lookedAt + LOOK_EVERY) {
      this.#lookedAt = now;
      this.#look().then(
        (replicas) => {
          this.#replicas = replicas;
        },
        // The write that goes beside meets the same trouble, and says so.
        () => {},
      );
    }
    return this.#replicas;
  }

  async #look(): Promise<number> {
    const info = await queueAnswer(this.#redis.info('replication'));
    return Number(/^connected_slaves:(\d+)/m.exec(info)?.[1] ?? 0);
  }
}
