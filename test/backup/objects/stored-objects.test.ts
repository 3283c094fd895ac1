import { createHash, randomBytes } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { brotli } from '../../../backup/objects/brotli.ts';
import { gzip } from '../../../backup/objects/gzip.ts';
import { StoredObjects } from '../../../backup/objects/stored-objects.ts';
import { WharfError } from '../../../common/errors.ts';
import type { ObjectRef } from '../../../fleet/backup/session-copy.ts';
import { collected } from '../../helpers/collected.ts';
import { HandClock } from '../../helpers/hand-clock.ts';
import { MemoryObjectStore } from '../../helpers/memory-object-store.ts';

const HOUR = 3_600_000;
const MB = 1024 * 1024;
const going = new AbortController().signal;

const refOf = (content: Buffer): ObjectRef => ({
  sha256: createHash('sha256').update(content).digest('hex'),
  size: content.length,
});

/** Flips a bit in the middle. */
function flip(bytes: Buffer): Buffer {
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
}

describe.each([gzip, brotli])('objects by content, as .$suffix', (codec) => {
  let clock: HandClock;
  let store: MemoryObjectStore;
  let objects: StoredObjects;
  beforeEach(() => {
    clock = new HandClock();
    store = new MemoryObjectStore(clock);
    objects = new StoredObjects(store, codec, [], clock);
  });

  const keep = (content: Buffer, trusted: number | null = null) =>
    objects.keep(refOf(content), async () => Readable.from([content], { objectMode: false }), {
      trusted,
      signal: going,
    });
  const puts = () => store.requests.filter((request) => request.startsWith('put '));

  it.each([0, 1, 300_000, 9 * MB])('gives back the %i bytes it was given', async (size) => {
    // Half of it random, so that it is compressed, and not to nothing.
    const content = Buffer.concat([randomBytes(size / 2), Buffer.alloc(size - Math.floor(size / 2), 'a')]);
    const ref = refOf(content);
    const kept = await keep(content);
    expect(kept).toMatchObject({ ...ref, sent: true });
    const [[key, { content: stored }] = ['', { content: Buffer.alloc(0) }]] = store.objects;
    expect(key).toBe(`objects/${ref.sha256.slice(0, 2)}/${ref.sha256.slice(2)}.${codec.suffix}`);
    expect(kept.stored).toBe(stored.length);
    expect((await buffer(await objects.read(ref, going))).equals(content)).toBe(true);
    expect(await objects.check(ref, going)).toBeNull();
    expect(await collected(objects.list())).toEqual([
      { sha256: ref.sha256, key, stored: stored.length, modified: clock.now() },
    ]);
  });

  it('lists once, and not for each object', async () => {
    for (let number = 0; number < 10; number++) await keep(Buffer.from(`content ${number}`));
    expect(store.requests.filter((request) => !/^(put|get) /.test(request))).toEqual([
      'now',
      'list objects/',
    ]);
  });

  it('knows what another process put before it listed', async () => {
    const content = Buffer.from('content');
    await keep(content);
    const other = new StoredObjects(store, codec, [], clock);
    const kept = await other.keep(refOf(content), () => Promise.reject(new Error('not needed')), {
      trusted: null,
      signal: going,
    });
    expect(kept).toMatchObject({ sent: false });
  });

  it('lists again after a failure, and after an hour', async () => {
    const fault = new WharfError('backup_store_failed', 'The store is away.');
    store.before = (request) => (request === 'list' ? Promise.reject(fault) : undefined);
    await expect(keep(Buffer.from('1'))).rejects.toBe(fault);
    store.before = () => {};
    await keep(Buffer.from('1'));
    clock.pass(HOUR);
    await keep(Buffer.from('2'));
    expect(store.requests.filter((request) => request.startsWith('list'))).toHaveLength(3);
  });

  it('asks nothing of the store about what a manifest names', async () => {
    expect(await keep(Buffer.from('content'), 77)).toMatchObject({ stored: 77, sent: false });
    expect(store.requests).toEqual([]);
  });

  it('does not send what is there and young, but reads it: whoever put it may not have', async () => {
    const content = Buffer.from('content');
    const { stored } = await keep(content);
    clock.pass(23 * HOUR);
    expect(await keep(content)).toMatchObject({ stored, sent: false });
    expect(puts()).toHaveLength(1);
    for (const object of store.objects.values()) flip(object.content);
    expect(await keep(content)).toMatchObject({ stored, sent: true });
    expect(await objects.check(refOf(content), going)).toBeNull();
  });

  it('puts again what is older than a day: a clean-up may be about to remove it', async () => {
    const content = Buffer.from('content');
    await keep(content);
    clock.pass(25 * HOUR);
    expect(await keep(content)).toMatchObject({ sent: true });
    expect(puts()).toHaveLength(2);
    expect([...store.objects.values()].map(({ modified }) => modified)).toEqual([clock.now()]);
  });

  it('puts again once what is not read back as it was put, and then gives up', async () => {
    const content = Buffer.from('content');
    let spoil = 1;
    store.before = (request, key) => {
      const object = store.objects.get(key);
      if (request === 'get' && object && spoil-- > 0) flip(object.content);
    };
    expect(await keep(content)).toMatchObject({ sent: true });
    expect(puts()).toHaveLength(2);
    clock.pass(25 * HOUR);
    spoil = 2;
    await expect(keep(content)).rejects.toMatchObject({
      code: 'backup_damaged',
      message: expect.stringMatching(/into memory as objects.* twice/),
    });
    expect(puts()).toHaveLength(4);
  });

  it.each([
    ['shorter', 'conten', /6 bytes of 7/],
    ['longer', 'content!', /more than 7 bytes/],
    ['different', 'c0ntent', /other bytes/],
  ])('puts nothing that is %s than was said', async (_what, given, said) => {
    const ref = refOf(Buffer.from('content'));
    const kept = objects.keep(ref, async () => Buffer.from(given), { trusted: null, signal: going });
    await expect(kept).rejects.toMatchObject({
      code: 'backup_damaged',
      message: expect.stringMatching(said),
    });
    expect(store.objects.size).toBe(0);
  });

  it('puts nothing of large content that is not what was said', async () => {
    const content = randomBytes(9 * MB);
    const ref = refOf(content);
    const spoiled = Buffer.from(content);
    spoiled[9 * MB - 1] = (spoiled[9 * MB - 1] ?? 0) ^ 1;
    const kept = objects.keep(ref, async () => Readable.from([spoiled]), { trusted: null, signal: going });
    await expect(kept).rejects.toMatchObject({ code: 'backup_damaged' });
    expect(store.objects.size).toBe(0);
  });

  it('throws what the content fails with, also before anybody reads it', async () => {
    const broken = new PassThrough();
    const fault = new WharfError('instance_unavailable', 'The instance went away.');
    const kept = objects.keep(
      refOf(Buffer.from('content')),
      async () => {
        broken.destroy(fault);
        return broken;
      },
      { trusted: null, signal: going },
    );
    await expect(kept).rejects.toBe(fault);
  });

  it.each([
    ['a flipped bit', flip],
    ['a cut end', (bytes: Buffer) => bytes.subarray(0, bytes.length - 5)],
    ['another object', () => gzipSync('other')],
    ['nothing', () => Buffer.alloc(0)],
    ['what is not compressed', () => Buffer.from('content')],
  ])('finds %s, and names the object', async (_what, spoil) => {
    const content = randomBytes(100_000);
    await keep(content);
    const [[key, object] = ['', undefined]] = store.objects;
    if (object) object.content = spoil(object.content);
    expect(await objects.check(refOf(content), going)).toContain(key);
    await expect(objects.read(refOf(content), going).then(buffer)).rejects.toMatchObject({
      code: 'backup_damaged',
      message: expect.stringContaining(key),
    });
  });

  it('names an object that is not there', async () => {
    const ref = refOf(Buffer.from('content'));
    expect(await objects.check(ref, going)).toContain(ref.sha256.slice(2));
    await expect(objects.read(ref, going)).rejects.toMatchObject({ code: 'backup_damaged' });
  });

  it('does not call an object damaged that the store cannot give', async () => {
    const content = Buffer.from('content');
    await keep(content);
    const fault = new WharfError('backup_store_failed', 'The store is away.');
    store.before = () => Promise.reject(fault);
    await expect(objects.check(refOf(content), going)).rejects.toBe(fault);
    await expect(objects.read(refOf(content), going)).rejects.toBe(fault);
  });

  it('ends with the reason of the signal', async () => {
    const content = randomBytes(MB);
    await keep(content);
    const stop = new AbortController();
    const reason = new Error('the lease was lost');
    const stream = await objects.read(refOf(content), stop.signal);
    stop.abort(reason);
    await expect(buffer(stream)).rejects.toBe(reason);
    await expect(
      objects.keep(refOf(content), async () => content, { trusted: null, signal: stop.signal }),
    ).rejects.toBe(reason);
  });

  it('lists nothing that is no object, and removes what it listed', async () => {
    await keep(Buffer.from('content'));
    await store.put('objects/zz/strange', Buffer.from('?'));
    await store.put('manifests/20261122T090003Z.json.gz', Buffer.from('?'));
    const entries = await collected(objects.list());
    expect(entries).toHaveLength(1);
    await objects.remove(entries);
    expect([...store.objects.keys()]).toEqual(['objects/zz/strange', 'manifests/20261122T090003Z.json.gz']);
  });
});

it('reads what was compressed otherwise, and sends it in its own way when it must be sent', async () => {
  const clock = new HandClock();
  const store = new MemoryObjectStore(clock);
  const content = randomBytes(1000);
  const options = { trusted: null, signal: going };
  await new StoredObjects(store, gzip, [], clock).keep(refOf(content), async () => content, options);
  const objects = new StoredObjects(store, brotli, [gzip], clock);
  expect((await buffer(await objects.read(refOf(content), going))).equals(content)).toBe(true);
  expect(await objects.check(refOf(content), going)).toBeNull();
  expect(await objects.keep(refOf(content), async () => content, options)).toMatchObject({ sent: true });
  expect((await collected(objects.list())).map(({ key }) => key.slice(-2))).toEqual(['br', 'gz']);
});

it('puts no more at one time than memory allows', async () => {
  const clock = new HandClock();
  const store = new MemoryObjectStore(clock);
  const objects = new StoredObjects(store, brotli, [], clock);
  let under = 0;
  let most = 0;
  const contents = Array.from({ length: 100 }, (_, index) => Buffer.from(`content ${index}`));
  await Promise.all(
    contents.map((content) =>
      objects.keep(
        refOf(content),
        async () => {
          under += 1;
          most = Math.max(most, under);
          await new Promise((resolve) => setImmediate(resolve));
          under -= 1;
          return content;
        },
        { trusted: null, signal: going },
      ),
    ),
  );
  expect(store.objects.size).toBe(100);
  expect(most).toBeLessThanOrEqual(16);
  expect(most).toBeGreaterThan(1);
});
