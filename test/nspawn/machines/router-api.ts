import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, ask, type Json, mustAsk } from '../../chaos/real/asking.ts';

/** How long anything may take, milliseconds. */
const PATIENCE = 300_000;

/** A router's API, with the admin key. */
export class RouterApi {
  readonly url: string;
  readonly #headers: Record<string, string>;

  constructor(url: string, key: string) {
    this.url = url;
    this.#headers = { 'x-api-key': key };
  }

  /** Throws where it was no success. */
  async must(method: string, path: string, body?: Json): Promise<Json> {
    return await mustAsk(method, `${this.url}${path}`, this.#headers, body);
  }

  async ask(
    method: string,
    path: string,
    body?: Json,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return await ask(method, `${this.url}${path}`, { ...this.#headers, ...headers }, body);
  }

  /** Asks again and again until the answer is a success and as wanted. */
  async until(path: string, wanted: (answer: Json) => boolean): Promise<Json> {
    const end = performance.now() + PATIENCE;
    for (;;) {
      const answer = await this.ask('GET', path);
      if (answer.kind === 'answered' && answer.status === 200 && wanted(answer.body)) return answer.body;
      if (performance.now() > end)
        throw new Error(`GET ${path} does not come to what was waited for: ${JSON.stringify(answer)}`);
      await sleep(100);
    }
  }
}
