import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../backup/store/object-store.ts';
import { tryOut } from '../../backup/store/try-out.ts';
import { collected } from '../helpers/collected.ts';

const MB = 1024 * 1024;

/** Chunks as a socket gives them. */
function streamOf(bytes: Buffer, chunk = 60_000): Readable {
  const chunks = [];
  for (let at = 0; at < bytes.length; at += chunk) chunks.push(bytes.subarray(at, at + chunk));
  return Readable.from(chunks, { objectMode: false });
}

/** Gives so many bytes, then fails. */
function brokenAfter(bytes: number, fault: Error): Readable {
  return Readable.from(
    (async function* () {
      yield* streamOf(randomBytes(bytes));
      throw fault;
    })(),
    { objectMode: false },
  );
}

/** What every {@link ObjectStore} does. @param start gives an empty one */
export function testsObjectStore(name: string, start: () => Promise<ObjectStore>): void {
  describe(`an object store ${name}`, () => {
    let store: ObjectStore;
    beforeEach(async () => {
      store = await start();
    });

    const contentOf = async (key: string) => {
      const stream = await store.get(key);
      return stream === null ? null : await buffer(stream);
    };
    const keys = async (prefix = '') => (await collected(store.list(prefix))).map(({ key }) => key);

    it('can do all that backups do with it, and is left as it was', async () => {
      expect(await tryOut(store, true)).toEqual([]);
      await store.check();
      expect(await keys()).toEqual([]);
    });

    it.each([0, 1, 70_000, 9 * MB, 17 * MB + 1])('gives back %i bytes that were put', async (size) => {
      const bytes = randomBytes(size);
      await store.put('objects/ab/whole.gz', bytes);
      await store.put('objects/ab/stream.gz', streamOf(bytes));
      for (const key of ['objects/ab/whole.gz', 'objects/ab/stream.gz']) {
        expect((await contentOf(key))?.equals(bytes)).toBe(true);
        expect(await store.head(key)).toMatchObject({ key, size });
      }
    });

    it('has nothing under other keys', async () => {
      await store.put('a/b', Buffer.from('x'));
      for (const key of ['a', 'a/b/c', 'a/c', 'b']) {
        expect(await contentOf(key)).toBeNull();
        expect(await store.head(key)).toBeNull();
      }
    });

    it('puts over what was there', async () => {
      await store.put('key', Buffer.from('first, and longer'));
      await store.put('key', Buffer.from('second'));
      expect((await contentOf('key'))?.toString()).toBe('second');
    });

    it('leaves nothing of content that breaks off, and what was there', async () => {
      const fault = new Error('the caller went away');
      for (const size of [1000, 20 * MB]) {
        await expect(store.put('new', brokenAfter(size, fault))).rejects.toBe(fault);
        expect(await store.head('new')).toBeNull();
      }
      await store.put('old', Buffer.from('old'));
      await expect(store.put('old', brokenAfter(1000, fault))).rejects.toBe(fault);
      expect((await contentOf('old'))?.toString()).toBe('old');
      expect(await keys()).toEqual(['old']);
      expect(await store.abortUploads(-3_600_000)).toBe(0);
    });

    it('ends with the reason of the signal', async () => {
      const stop = new AbortController();
      const reason = new Error('the lease was lost');
      const endless = new Readable({ read() {} });
      endless.push(randomBytes(9 * MB));
      const put = store.put('key', endless, stop.signal);
      setImmediate(() => stop.abort(reason));
      await expect(put).rejects.toBe(reason);
      await expect(store.put('key', Buffer.from('late'), stop.signal)).rejects.toBe(reason);
      expect(await store.head('key')).toBeNull();
      await store.put('key', randomBytes(9 * MB));
      await expect(store.get('key', stop.signal)).rejects.toBe(reason);
      const later = new AbortController();
      const stream = await store.get('key', later.signal);
      later.abort(reason);
      await expect(buffer(stream ?? Readable.from([]))).rejects.toBe(reason);
    });

    it('is not troubled by a stream that nobody reads to its end', async () => {
      await store.put('key', randomBytes(9 * MB));
      (await store.get('key'))?.destroy();
      const stream = await store.get('key');
      for await (const _ of stream ?? []) break;
      expect((await contentOf('key'))?.length).toBe(9 * MB);
    });

    it('creates what is not there, once', async () => {
      expect(await store.create('manifests/1', Buffer.from('first'))).toBe(true);
      expect(await store.create('manifests/1', Buffer.from('second'))).toBe(false);
      expect((await contentOf('manifests/1'))?.toString()).toBe('first');
      await store.remove(['manifests/1']);
      expect(await store.create('manifests/1', Buffer.from('third'))).toBe(true);
    });

    it('lets one of ten that create at once win, whose content stays', async () => {
      for (let round = 0; round < 5; round++) {
        const won = await Promise.all(
          Array.from({ length: 10 }, (_, index) => store.create(`race-${round}`, Buffer.from(`${index}`))),
        );
        expect(won.filter(Boolean)).toHaveLength(1);
        expect((await contentOf(`race-${round}`))?.toString()).toBe(`${won.indexOf(true)}`);
      }
    });

    it('lists by prefix, in the order of keys', async () => {
      const all = ['a-b/c', 'a.b', 'a/b', 'a/b.gz', 'a/c/d', 'a0', 'b/x', 'B/x'];
      for (const key of all) await store.put(key, Buffer.from(key));
      expect(await keys()).toEqual([...all].sort());
      expect(await keys('a')).toEqual(['a-b/c', 'a.b', 'a/b', 'a/b.gz', 'a/c/d', 'a0']);
      expect(await keys('a/')).toEqual(['a/b', 'a/b.gz', 'a/c/d']);
      expect(await keys('a/b')).toEqual(['a/b', 'a/b.gz']);
      expect(await keys('a/c/')).toEqual(['a/c/d']);
      expect(await keys('none')).toEqual([]);
    });

    it('tells sizes and times by one clock', async () => {
      const before = await store.now();
      await store.put('key', Buffer.from('content'));
      const after = await store.now();
      const [listed] = await collected(store.list(''));
      expect(listed).toEqual({ key: 'key', size: 7, modified: expect.any(Number) });
      // To the millisecond, however the two are told: a pruning leaves what was put again meanwhile.
      expect(await store.head('key')).toEqual(listed);
      // S3 tells whole seconds.
      for (const time of [listed?.modified, (await store.head('key'))?.modified]) {
        expect(time).toBeGreaterThanOrEqual(before - 2000);
        expect(time).toBeLessThanOrEqual(after + 2000);
      }
    });

    it('removes what is there, and minds nothing that is not', async () => {
      for (const key of ['a/1', 'a/2', 'b/1']) await store.put(key, Buffer.from('x'));
      await store.remove(['a/1', 'a/none', 'b/1', 'none/1']);
      await store.remove([]);
      expect(await keys()).toEqual(['a/2']);
    });

    it.each(['../a', 'a/../b', '/a', 'a/', 'a//b', '', '.hidden', 'a/.hidden', 'a b', 'a\0', 'ä'])(
      'refuses a key of %j',
      async (key) => {
        await expect(store.put(key, Buffer.from('x'))).rejects.toThrow('not a key');
        await expect(store.create(key, Buffer.from('x'))).rejects.toThrow('not a key');
        await expect(store.get(key)).rejects.toThrow('not a key');
        await expect(store.head(key)).rejects.toThrow('not a key');
        await expect(store.remove([key])).rejects.toThrow('not a key');
      },
    );
  });
}
