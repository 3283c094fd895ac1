import { messageOf, WharfError } from '../../common/errors.ts';
import type { Pools } from '../../common/http/pools.ts';
import type { Order } from '../../fleet/coordination.ts';
import { INTERNAL_TOKEN_HEADER } from '../../fleet/instance-api.ts';
import type { OrderSender } from './order-sender.ts';

/** Milliseconds an instance may take to pass something on to its supervisor. */
const PATIENCE = 5000;

/** Orders by HTTP: POST `/orders` and `/restart` of an instance, which passes them on to its supervisor. */
export class HttpOrders implements OrderSender {
  readonly #pools: Pools;
  readonly #token: string;

  /** @param token the fleet's internal token */
  constructor(pools: Pools, token: string) {
    this.#pools = pools;
    this.#token = token;
  }

  async send(url: string, orders: readonly Order[]): Promise<void> {
    await this.#post(url, '/orders', { orders });
  }

  async restart(url: string): Promise<void> {
    await this.#post(url, '/restart', {});
  }

  async #post(url: string, path: string, body: object): Promise<void> {
    let status: number;
    try {
      const answer = await this.#pools.get(url).request({
        method: 'POST',
        path,
        headers: { [INTERNAL_TOKEN_HEADER]: this.#token, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        headersTimeout: PATIENCE,
        bodyTimeout: PATIENCE,
      });
      await answer.body.dump();
      status = answer.statusCode;
    } catch (cause) {
      throw new WharfError(
        'instance_unavailable',
        `The instance at ${url} cannot be reached (${messageOf(cause)}).`,
        {
          cause,
        },
      );
    }
    if (status >= 300)
      throw new WharfError(
        'instance_unavailable',
        `The instance at ${url} answered ${status} to POST ${path}. Its log says why.`,
      );
  }
}
