import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { messageOf } from '../common/errors.ts';
import type { Redis } from '../common/redis.ts';

const COORDINATION = new URL('./commands/', import.meta.url);

/** What a command's first line is where its file has none: it is refused before it begins where Redis is full (see `commands/base.lua`). */
const HEADER = '#!lua';

/**
 * A command: one step in Redis. Its file's name ends with the number of its keys; what all commands share (`commands/base.lua`) and what those of its
 * folder do (`shared.lua` beside it) are put before it.
 */
export class RedisCommand {
  readonly #script: string;
  readonly #hash: string;
  readonly #keys: number;

  /**
   * @param name of the file, without `.lua`
   * @param folder where it is; an address that ends with a slash
   * @param before more Lua that goes before all of this
   */
  constructor(name: string, folder: URL = COORDINATION, before = '') {
    const read = (file: string, from = folder) => readFileSync(new URL(`${file}.lua`, from), 'utf8');
    const [, header = HEADER, own = ''] = /^(?:(#!lua[^\n]*)\n)?(.*)$/s.exec(read(name)) ?? [];
    this.#keys = Number(name.slice(name.lastIndexOf('-') + 1));
    this.#script = `${header}\n${before}${read('base', COORDINATION)}\n${read('shared')}\n${own}`;
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
