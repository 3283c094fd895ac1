import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { checkKey, checkPrefix } from '../../backup/store/keys.ts';
import type { ObjectStore, StoredObject } from '../../backup/store/object-store.ts';
import { endWith } from '../../backup/store/streams.ts';
import { type Clock, systemClock } from '../../common/clock.ts';

/** What is asked of a store. */
export type StoreRequest =
  | 'check'
  | 'put'
  | 'create'
  | 'get'
  | 'head'
  | 'list'
  | 'remove'
  | 'now'
  | 'abortUploads';

/** An {@link ObjectStore} in memory, with what tests do to one behind its back. */
export class MemoryObjectStore implements ObjectStore {
  readonly shown = 'memory';
  readonly clock: Pick<Clock, 'now'>;
  /** What is stored, by key. Tests may change it: `store.objects.get(key).content[0] ^= 1` is a flipped bit. */
  readonly objects = new Map<string, { content: Buffer; modified: number }>();
  /** Every request so far, such as `put objects/ab/cd`; tests may empty it. */
  readonly requests: string[] = [];
  /** Runs before each request; what it throws, the request throws, and what it waits for, the request waits for. */
  before: (request: StoreRequest, key: string) => void | Promise<void> = () => {};
  closed = false;

  constructor(clock: Pick<Clock, 'now'> = systemClock) {
    this.clock = clock;
  }

  check(): Promise<void> {
    return this.#begin('check', '');
  }

  async put(key: string, content: Buffer | Readable, signal?: AbortSignal): Promise<void> {
    await this.#begin('put', key);
    signal?.throwIfAborted();
    if (!Buffer.isBuffer(content)) endWith(content, signal);
    const bytes = Buffer.isBuffer(content) ? Buffer.from(content) : await buffer(content);
    signal?.throwIfAborted();
    this.objects.set(key, { content: bytes, modified: this.clock.now() });
  }

  async create(key: string, content: Buffer): Promise<boolean> {
    await this.#begin('create', key);
    if (this.objects.has(key)) return false;
    this.objects.set(key, { content: Buffer.from(content), modified: this.clock.now() });
    return true;
  }

  async get(key: string, signal?: AbortSignal): Promise<Readable | null> {
    await this.#begin('get', key);
    signal?.throwIfAborted();
    const found = this.objects.get(key);
    if (found === undefined) return null;
    const stream = Readable.from([Buffer.from(found.content)], { objectMode: false });
    endWith(stream, signal);
    return stream;
  }

  async head(key: string): Promise<StoredObject | null> {
    await this.#begin('head', key);
    const found = this.objects.get(key);
    return found === undefined ? null : { key, size: found.content.length, modified: found.modified };
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    checkPrefix(prefix);
    await this.#begin('list', prefix);
    for (const key of [...this.objects.keys()].filter((each) => each.startsWith(prefix)).sort()) {
      const found = this.objects.get(key);
      if (found !== undefined) yield { key, size: found.content.length, modified: found.modified };
    }
  }

  async remove(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      await this.#begin('remove', key);
      this.objects.delete(key);
    }
  }

  async now(): Promise<number> {
    await this.#begin('now', '');
    return this.clock.now();
  }

  async abortUploads(): Promise<number> {
    await this.#begin('abortUploads', '');
    return 0;
  }

  close(): void {
    this.closed = true;
  }

  async #begin(request: StoreRequest, key: string): Promise<void> {
    if (!['check', 'list', 'now', 'abortUploads'].includes(request)) checkKey(key);
    this.requests.push(`${request} ${key}`.trim());
    await this.before(request, key);
  }
}
