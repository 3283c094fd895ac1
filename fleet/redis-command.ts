import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { messageOf } from '../common/errors.ts';
import type { Redis } from '../common/redis.ts';

const read = (name: string) => readFileSync(new URL(`./commands/${name}.lua`, import.meta.url), 'utf8');

/** A command of `fleet/commands/`: one step in Redis. Its name ends with the number of its keys. */
export class RedisCommand {
  readonly #script: string;
  readonly #hash: string;
  readonly #keys: number;

  /** @param name of the file, without `.lua` */
  constructor(name: string) {
    this.#keys = Number(name.slice(name.lastIndexOf('-') + 1));
    this.#script = `#!lua\n${read('shared')}\n${read(name)}`;
    this.#hash = createHash('sha1').update(this.#script).digest('hex');
  }

  /**
   * Runs the command.
   *
   * @param values its keys, then its arguments
   * @throws Error as ioredis gives it
   */
  async run(redis: Redis, ...values: (string | number)[]): Promise<unknown> {
    try {
      return await redis.evalsha(this.#hash, this.#keys, ...values);
    } catch (error) {
      // It is sent whole only where this Redis has not seen it: one that was restarted has not.
      if (!messageOf(error).startsWith('NOSCRIPT')) throw error;
      return await redis.eval(this.#script, this.#keys, ...values);
    }
  }
}
