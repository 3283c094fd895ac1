import { z } from 'zod';
import type { Redis } from '../../common/redis.ts';
import { queueAnswer } from '../queue/queue-answers.ts';
import { RedisCommand } from '../redis-command.ts';
import type { ShardLeases } from './deliveries.ts';
import { deliveryKeys } from './delivery-keys.ts';

const FOLDER = new URL('./delivery-commands/', import.meta.url);

const meetSchema = z.tuple([z.array(z.string()), z.array(z.string())]);
const heldSchema = z.array(z.string());

/** The leases of shards in Redis; see {@link ShardLeases}. Times are compared by Redis's clock, so that routers' clocks need not agree. */
export class RedisShardLeases implements ShardLeases {
  readonly #redis: Redis;
  readonly #meet = new RedisCommand('meet-2', FOLDER);
  readonly #hold = new RedisCommand('hold-1', FOLDER);
  readonly #giveUp = new RedisCommand('give-up-1', FOLDER);

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async meet(router: string, ttl: number) {
    const { routers: names, shards } = deliveryKeys;
    const reply = await queueAnswer(this.#meet.run(this.#redis, names, shards, router, ttl));
    const [routers, held] = meetSchema.parse(reply);
    const holders = new Map<number, string>();
    for (let index = 0; index + 1 < held.length; index += 2)
      holders.set(Number(held[index]), held[index + 1] ?? '');
    return { routers, holders };
  }

  async hold(router: string, ttl: number, shards: readonly number[]): Promise<number[]> {
    if (shards.length === 0) return [];
    const reply = await queueAnswer(this.#hold.run(this.#redis, deliveryKeys.shards, router, ttl, ...shards));
    return heldSchema.parse(reply).map(Number);
  }

  async giveUp(router: string, shards: readonly number[]): Promise<void> {
    if (shards.length === 0) return;
    await queueAnswer(this.#giveUp.run(this.#redis, deliveryKeys.shards, router, ...shards));
  }

  async leave(router: string): Promise<void> {
    await queueAnswer(this.#redis.zrem(deliveryKeys.routers, router));
  }
}
