import { setTimeout as sleep } from 'node:timers/promises';
import { ask, type Json } from '../../chaos/real/asking.ts';
import { RouterApi } from './router-api.ts';

/** Between two looks at a router, milliseconds, and how many that fail in a row leave it out; an ALB has 10 s and 3. */
const INTERVAL = 1000;
const FAILURES = 2;
/** How long a router may take to say whether it is ready, milliseconds. */
const PATIENCE = 5000;
/** `WHARF_STOP_DELAY` of routers behind it: longer than it takes to see one go, with time for a busy machine. */
export const STOP_DELAY = 15_000;

/** Shares requests out among routers as a load balancer does: by what each says at `/ready`, which it asks now and then. It repeats nothing. */
export class Balancer {
  readonly #routers: { api: RouterApi; failures: number }[];
  readonly #over = new AbortController();
  readonly #looking: Promise<void>;
  #turn = 0;
  /** How often a router was left out. */
  left = 0;

  constructor(urls: readonly string[], adminKey: string) {
    this.#routers = urls.map((url) => ({ api: new RouterApi(url, adminKey), failures: 0 }));
    this.#looking = this.#look();
  }

  /** Asks one of the routers that are ready, each in its turn; of all where none is. */
  async ask(...question: [method: string, path: string, body?: Json, headers?: Record<string, string>]) {
    const ready = this.#routers.filter(({ failures }) => failures < FAILURES);
    const among = ready.length > 0 ? ready : this.#routers;
    this.#turn += 1;
    const one = among[this.#turn % among.length];
    if (one === undefined) throw new Error('there are no routers to ask');
    return await one.api.ask(...question);
  }

  async end(): Promise<void> {
    this.#over.abort();
    await this.#looking;
  }

  async #look(): Promise<void> {
    while (!this.#over.signal.aborted) {
      await Promise.all(
        this.#routers.map(async (router) => {
          const answer = await ask('GET', `${router.api.url}/ready`, {}, undefined, PATIENCE);
          const isReady = answer.kind === 'answered' && answer.status === 200;
          router.failures = isReady ? 0 : router.failures + 1;
          if (router.failures === FAILURES) this.left += 1;
        }),
      );
      await sleep(INTERVAL, undefined, { signal: this.#over.signal }).catch(() => {});
    }
  }
}
