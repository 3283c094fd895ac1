/** A request takes at most one of so many shares of a batch where others wait. */
const SHARES = 5;

/** A caller who waits for what comes of its items. */
interface Request<Item, Result> {
  items: readonly Item[];
  results: Result[];
  /** How many of its items are on their way or done. */
  taken: number;
  resolve: (results: Result[]) => void;
  reject: (error: unknown) => void;
}

/** What goes in one step: a stretch of each of some requests. */
interface Batch<Item, Result> {
  parts: { request: Request<Item, Result>; count: number }[];
  items: Item[];
}

/**
 * Does things in batches: while one is on its way, what callers bring is gathered for the next, so that many callers share a round trip and a sync of Redis's file. There
 * is one batch at a time, which keeps the order within a request, and between requests of one item.
 */
export class Batches<Item, Result> {
  readonly #step: (items: Item[]) => Promise<Result[]>;
  readonly #size: number;
  readonly #failed: (error: unknown) => Result | undefined;
  #waiting: Request<Item, Result>[] = [];
  #isRunning = false;

  /**
   * @param step does what is asked for some items; gives a result for each
   * @param size most items of one step
   * @param failed what an item gets whose step failed, or that was not begun since one before it failed, where others of its caller are done; undefined: all of them get the error
   */
  constructor(
    step: (items: Item[]) => Promise<Result[]>,
    size: number,
    failed: (error: unknown) => Result | undefined = () => undefined,
  ) {
    this.#step = step;
    this.#size = size;
    this.#failed = failed;
  }

  /**
   * The results for these items. Where a step fails, all whose items were in it get its error, and the rest of theirs is not done. Those of whose items some are done get `failed` for the
   * others, where there is such a thing, since what is done would be done again by who hears nothing but an error.
   */
  do(items: readonly Item[]): Promise<Result[]> {
    if (items.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ items, results: [], taken: 0, resolve, reject });
      if (this.#isRunning) return;
      this.#isRunning = true;
      // What else comes in this turn of the event loop goes along.
      setImmediate(() => void this.#run());
    });
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) await this.#do(this.#gather());
    this.#isRunning = false;
  }

  /** A share of each request first, then what there is room for: so nobody waits for the whole of what another brought at once. */
  #gather(): Batch<Item, Result> {
    const batch: Batch<Item, Result> = { parts: [], items: [] };
    for (const share of [Math.ceil(this.#size / SHARES), this.#size]) {
      for (const request of this.#waiting) {
        const room = Math.min(share, this.#size - batch.items.length);
        const some = request.items.slice(request.taken, request.taken + room);
        if (some.length === 0) continue;
        request.taken += some.length;
        batch.items.push(...some);
        batch.parts.push({ request, count: some.length });
      }
    }
    this.#waiting = this.#waiting.filter(({ items, taken }) => taken < items.length);
    return batch;
  }

  async #do({ parts, items }: Batch<Item, Result>): Promise<void> {
    try {
      const results = await this.#step(items);
      let index = 0;
      for (const { request, count } of parts) {
        request.results.push(...results.slice(index, index + count));
        index += count;
        if (request.results.length === request.items.length) request.resolve(request.results);
      }
    } catch (error) {
      const failed = new Set(parts.map(({ request }) => request));
      for (const request of failed) this.#fail(request, error);
      this.#waiting = this.#waiting.filter((request) => !failed.has(request));
    }
  }

  #fail({ items, results, resolve, reject }: Request<Item, Result>, error: unknown): void {
    const failed = results.length === 0 ? undefined : this.#failed(error);
    if (failed === undefined) reject(error);
    else resolve([...results, ...items.slice(results.length).map(() => failed)]);
  }
}
