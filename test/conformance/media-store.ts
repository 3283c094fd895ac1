import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { beforeEach, describe, expect, it } from 'vitest';
import { newMediaId } from '../../fleet/media/media-ids.ts';
import type { MediaStore } from '../../fleet/media/media-store.ts';

/** A store of media and what a test does to the place behind it. */
export interface MediaStoreHarness {
  media: MediaStore;
  /** Names of what lies there for a workspace. */
  names(workspace: string): Promise<string[]>;
  /** Replaces what lies there under a name. */
  spoil(workspace: string, name: string, text: string): Promise<void>;
  /** A time (Unix milliseconds) after all that was stored so far, and before all that will be. */
  later(): Promise<number>;
}

const MB = 1024 * 1024;
const PNG = { mimetype: 'image/png', filename: 'a "picture" \u{1f600}.png' };

/** Chunks as a socket gives them. */
function streamOf(bytes: Buffer, chunk = 60_000): Readable {
  const chunks = [];
  for (let at = 0; at < bytes.length; at += chunk) chunks.push(bytes.subarray(at, at + chunk));
  return Readable.from(chunks, { objectMode: false });
}

/** A stream that fails after these bytes. */
function brokenAfter(bytes: number): Readable {
  return Readable.from(
    (async function* () {
      yield randomBytes(bytes);
      throw new Error('the caller went away');
    })(),
    { objectMode: false },
  );
}

/** What every {@link MediaStore} does. */
export function testsMediaStore(name: string, start: () => Promise<MediaStoreHarness>): void {
  describe(`a media store ${name}`, () => {
    let media: MediaStore;
    let harness: MediaStoreHarness;
    beforeEach(async () => {
      harness = await start();
      ({ media } = harness);
    });

    const contentOf = async (workspace: string, id: string) =>
      await buffer((await media.open(workspace, id)).stream);

    it.each([1, 70_000, 5 * MB, 11 * MB + 1])('gives back the %i bytes it was given', async (size) => {
      const bytes = randomBytes(size);
      const stored = await media.put('7', streamOf(bytes), PNG, 16 * MB);
      expect(stored).toEqual({
        media_id: expect.stringMatching(/^med_[0-9a-f]{32}$/),
        ...PNG,
        size,
        sha256: createHash('sha256').update(bytes).digest('hex'),
        stored_at: expect.stringMatching(/Z$/),
      });
      expect(await media.find('7', stored.media_id)).toEqual(stored);
      const opened = await media.open('7', stored.media_id);
      expect(opened.media).toEqual(stored);
      expect((await buffer(opened.stream)).equals(bytes)).toBe(true);
    });

    it('gives parts of a file', async () => {
      const bytes = randomBytes(300_000);
      const { media_id } = await media.put('7', streamOf(bytes), PNG, MB);
      for (const [first, last] of [
        [0, 0],
        [100, 299_999],
        [262_143, 262_145],
      ] as const) {
        const { stream } = await media.open('7', media_id, { first, last });
        expect((await buffer(stream)).equals(bytes.subarray(first, last + 1))).toBe(true);
      }
    });

    it('refuses what is over the limit, empty, or another file than announced, and keeps nothing of it', async () => {
      await expect(media.put('7', streamOf(randomBytes(MB + 1)), PNG, MB)).rejects.toMatchObject({
        code: 'media_too_large',
      });
      await expect(media.put('7', streamOf(Buffer.alloc(0)), PNG, MB)).rejects.toMatchObject({
        code: 'media_refused',
      });
      const other = { ...PNG, sha256: '0'.repeat(64) };
      await expect(media.put('7', streamOf(randomBytes(10)), other, MB)).rejects.toMatchObject({
        code: 'media_refused',
      });
      expect(await harness.names('7')).toEqual([]);
    });

    it('takes a file that is what its hash announces', async () => {
      const bytes = randomBytes(10);
      const sha256 = createHash('sha256').update(bytes).digest('hex').toUpperCase();
      expect(await media.put('7', streamOf(bytes), { ...PNG, sha256 }, MB)).toMatchObject({ size: 10 });
    });

    it.each([1000, 11 * MB])('keeps nothing of an upload that breaks off after %i bytes', async (size) => {
      await expect(media.put('7', brokenAfter(size), PNG, 16 * MB)).rejects.toThrow('the caller went away');
      expect(await harness.names('7')).toEqual([]);
    });

    it('keeps the first file of an id, also where two come at once', async () => {
      const id = newMediaId();
      const both = [randomBytes(100_000), randomBytes(100_000)];
      const stored = await Promise.all(both.map((bytes) => media.put('7', streamOf(bytes), PNG, MB, id)));
      expect(stored[0]).toEqual(stored[1]);
      expect(await media.put('7', streamOf(randomBytes(10)), PNG, MB, id)).toEqual(stored[0]);
      const kept = await contentOf('7', id);
      expect(both.some((bytes) => bytes.equals(kept))).toBe(true);
      expect(await harness.names('7')).toHaveLength(2);
    });

    it("knows no other workspace's files", async () => {
      const { media_id } = await media.put('7', streamOf(randomBytes(10)), PNG, MB);
      for (const workspace of ['8', '77']) {
        await expect(media.find(workspace, media_id)).rejects.toMatchObject({ code: 'media_not_found' });
        await expect(media.open(workspace, media_id)).rejects.toMatchObject({ code: 'media_not_found' });
        expect(await media.remove(workspace, media_id)).toBe(false);
      }
      expect(await media.find('7', media_id)).toMatchObject({ media_id });
    });

    it.each(['../workspace_8/media/x', `med_${'0'.repeat(32)}/..`, '', '.', 'med_', `MED_${'0'.repeat(32)}`])(
      'finds nothing under %j, and nothing outside',
      async (id) => {
        await expect(media.find('7', id)).rejects.toMatchObject({ code: 'media_not_found' });
        await expect(media.open('7', id)).rejects.toMatchObject({ code: 'media_not_found' });
        await expect(media.remove('7', id)).rejects.toMatchObject({ code: 'media_not_found' });
        await expect(media.put('7', streamOf(randomBytes(3)), PNG, MB, id)).rejects.toMatchObject({
          code: 'media_not_found',
        });
      },
    );

    it('knows no workspace of another form', async () => {
      for (const workspace of ['..', '7/../8', '007', ''])
        await expect(media.find(workspace, newMediaId())).rejects.toMatchObject({ code: 'invalid_request' });
    });

    it('lets nobody take a damaged file for a good one', async () => {
      const bytes = Buffer.from('the bytes that were kept');
      const { media_id } = await media.put('7', streamOf(bytes), PNG, MB);
      const file = (await harness.names('7')).find((name) => !name.endsWith('.json')) ?? '';
      for (const text of ['the bytes that were KEPT', 'the bytes that', '']) {
        await harness.spoil('7', file, text);
        await expect(contentOf('7', media_id)).rejects.toMatchObject({ code: 'storage_unavailable' });
      }
    });

    it('tells a record it does not understand from one that is not there', async () => {
      const { media_id } = await media.put('7', streamOf(randomBytes(3)), PNG, MB);
      const record = { ...(await media.find('7', media_id)), file: '../../fleet/internal-token' };
      for (const text of ['', '{', JSON.stringify(record)]) {
        await harness.spoil('7', `${media_id}.json`, text);
        await expect(media.find('7', media_id)).rejects.toMatchObject({ code: 'storage_unavailable' });
      }
    });

    it('removes a file', async () => {
      const { media_id } = await media.put('7', streamOf(randomBytes(3)), PNG, MB);
      expect(await media.remove('7', media_id)).toBe(true);
      expect(await media.remove('7', media_id)).toBe(false);
      expect(await harness.names('7')).toEqual([]);
    });

    it('purges what is old, with what died half-way, and nothing else', async () => {
      expect(await media.purge('7', Date.now())).toBe(0);
      const old = await media.put('7', streamOf(randomBytes(3)), PNG, MB);
      await harness.spoil('7', `${newMediaId()}.${'0'.repeat(16)}`, 'bytes whose record was never written');
      const before = await harness.later();
      const kept = await media.put('7', streamOf(randomBytes(3)), PNG, MB);
      const other = await media.put('8', streamOf(randomBytes(3)), PNG, MB);
      expect(await media.purge('7', before)).toBe(1);
      await expect(media.find('7', old.media_id)).rejects.toMatchObject({ code: 'media_not_found' });
      expect(await harness.names('7')).toHaveLength(2);
      expect(await contentOf('7', kept.media_id)).toHaveLength(3);
      expect(await contentOf('8', other.media_id)).toHaveLength(3);
    });

    it('leaves nothing open where a stream is not read to its end', async () => {
      const { media_id } = await media.put('7', streamOf(randomBytes(MB)), PNG, MB);
      for (const take of [0, 1]) {
        const { stream } = await media.open('7', media_id);
        if (take === 1) await stream[Symbol.asyncIterator]().next();
        stream.destroy();
        await new Promise((resolve) => stream.once('close', resolve));
      }
      expect(await contentOf('7', media_id)).toHaveLength(MB);
    });
  });
}
