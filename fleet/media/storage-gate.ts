import { type Clock, withinTime } from '../../common/clock.ts';
import { WharfError } from '../../common/errors.ts';

/** Calls to the file system at one time: half of Node's threads, of which a hung mount keeps those it has. */
const AT_ONE_TIME = 2;

/** Milliseconds for a call, its wait for a turn counted in. */
const PATIENCE = 15_000;

/**
 * Lets few calls to a file system through at one time and waits for none longer than its patience. A call that hangs keeps its place until
 * it returns (nothing can end it), so that a file server which answers nobody costs two of Node's four threads, and not the DNS
 * look-ups of the whole process.
 */
export class StorageGate {
  readonly #clock: Clock;
  readonly #patience: number;
  readonly #waiting: (() => void)[] = [];
  #free = AT_ONE_TIME;
  #hanging = 0;

  /** @param patience milliseconds for a call */
  constructor(clock: Clock, patience = PATIENCE) {
    this.#clock = clock;
    this.#patience = patience;
  }

  /** True while a call is under way that nobody waits for any more. */
  get hangs(): boolean {
    return this.#hanging > 0;
  }

  /**
   * @param operation for the error, such as `write a file`
   * @param tooLate gets what came after nobody waited for it any more, such as an open file
   * @throws WharfError `storage_unavailable` when it takes too long; else what the call throws
   */
  async run<T>(operation: string, call: () => Promise<T>, tooLate?: (value: T) => void): Promise<T> {
    let late = false;
    const running = this.#inTurn(() => late, call);
    running
      .then((outcome) => {
        if (late && outcome !== NOT_BEGUN) tooLate?.(outcome);
      })
      .catch(() => {})
      .finally(() => {
        if (late) this.#hanging -= 1;
      });
    const outcome = await withinTime(this.#clock, this.#patience, running, () => {
      late = true;
      this.#hanging += 1;
      return new WharfError(
        'storage_unavailable',
        `The storage of media did not ${operation} in ${this.#patience} ms. Look at the mount of the session path.`,
      );
    });
    if (outcome === NOT_BEGUN) throw new Error('a call that nobody waits for was waited for');
    return outcome;
  }

  async #inTurn<T>(abandoned: () => boolean, call: () => Promise<T>): Promise<T | typeof NOT_BEGUN> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free -= 1;
    try {
      return abandoned() ? NOT_BEGUN : await call();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}

const NOT_BEGUN = Symbol('not begun');
