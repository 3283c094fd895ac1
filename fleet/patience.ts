import { type Clock, withinTime } from '../common/clock.ts';
import { WharfError } from '../common/errors.ts';
import type { OwnershipTimes } from './ownership-times.ts';

/** Sets the deadlines of questions: an answer that comes later is none. */
export class Patience {
  readonly #clock: Clock;
  readonly #times: Pick<OwnershipTimes, 'redis' | 'look'>;

  constructor(clock: Clock, times: Pick<OwnershipTimes, 'redis' | 'look'>) {
    this.#clock = clock;
    this.#times = times;
  }

  /** A question to Redis. Throws `redis_unavailable`. */
  redis<T>(question: Promise<T>): Promise<T> {
    const late = () => new WharfError('redis_unavailable', 'Redis did not answer in time.');
    return withinTime(this.#clock, this.#times.redis, question, late);
  }

  /** A look at the shared storage, or a claim there. Throws `storage_unavailable`. */
  storage<T>(look: Promise<T>): Promise<T> {
    const late = () => new WharfError('storage_unavailable', 'The shared storage did not answer in time.');
    return withinTime(this.#clock, this.#times.look, look, late);
  }
}
