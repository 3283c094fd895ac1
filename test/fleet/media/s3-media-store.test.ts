import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { FolderMediaStore } from '../../../fleet/media/folder-media-store.ts';
import { newMediaId } from '../../../fleet/media/media-ids.ts';
import { S3MediaFolder } from '../../../fleet/media/s3-media-folder.ts';
import { testsMediaStore } from '../../conformance/media-store.ts';
import { type S3Server, startRadosgw, whyNoRadosgw } from '../../helpers/radosgw.ts';

const BUCKET = 'media';
const PNG = { mimetype: 'image/png', filename: null };

const missing = whyNoRadosgw();
if (missing !== undefined) process.stderr.write(`media in S3 is NOT tested here: ${missing}\n`);

describe.skipIf(missing !== undefined)('media in S3', () => {
  let server: S3Server;
  let number = 0;
  beforeAll(async () => {
    server = await startRadosgw();
    await server.createBucket(BUCKET);
  });
  afterAll(() => server?.close());

  const folder = (changes: { bucket?: string; prefix?: string; secretAccessKey?: string } = {}) =>
    new S3MediaFolder(
      {
        bucket: changes.bucket ?? BUCKET,
        prefix: changes.prefix ?? 'media/',
        endpoint: server.endpoint,
        region: server.region,
      },
      {
        credentials: {
          ...server.credentials,
          ...(changes.secretAccessKey === undefined ? {} : { secretAccessKey: changes.secretAccessKey }),
        },
        connect: 1000,
        silence: 1000,
      },
    );

  testsMediaStore('in S3', async () => {
    number += 1;
    const prefix = `test-${number}/`;
    const client = server.client();
    const names = async (workspace: string) => {
      const list = new ListObjectsV2Command({ Bucket: BUCKET, Prefix: `${prefix}workspace_${workspace}/` });
      const { Contents } = await client.send(list);
      return (Contents ?? []).map(({ Key }) => String(Key).split('/').pop() ?? '');
    };
    return {
      media: new FolderMediaStore(folder({ prefix }), systemClock),
      names,
      spoil: async (workspace, name, text) => {
        const Key = `${prefix}workspace_${workspace}/${name}`;
        await client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: text }));
      },
      // S3 keeps its own times, to the millisecond here.
      later: async () => {
        await systemClock.sleep(20);
        const now = Date.now();
        await systemClock.sleep(20);
        return now;
      },
    };
  });

  describe('that cannot be used', () => {
    const put = (store: FolderMediaStore) => store.put('7', Readable.from([randomBytes(10)]), PNG, 100);

    it.each([
      ['a wrong secret', { secretAccessKey: 'wrong' }, /SignatureDoesNotMatch/],
      ['a bucket that is not there', { bucket: 'no-such-bucket' }, /NoSuchBucket/],
    ])('says so: %s', async (_what, changes, said) => {
      const store = new FolderMediaStore(folder(changes), systemClock);
      for (const attempt of [
        () => put(store),
        () => store.find('7', newMediaId()),
        () => store.purge('7', 0),
      ]) {
        const error = await attempt().catch((caught: unknown) => caught);
        expect(error).toMatchObject({
          code: 'storage_unavailable',
          message: expect.stringMatching(said),
        });
        // What goes to the log holds no request, and so no signature.
        expect(inspect(error, { depth: 10 })).not.toMatch(/authorization/i);
      }
    });

    it('is not waited for, and used again when it is back', async () => {
      const store = new FolderMediaStore(folder(), systemClock);
      const { media_id } = await put(store);
      server.pause();
      try {
        await expect(store.find('7', media_id)).rejects.toMatchObject({ code: 'storage_unavailable' });
        await expect(put(store)).rejects.toMatchObject({ code: 'storage_unavailable' });
      } finally {
        server.resume();
      }
      expect(await store.find('7', media_id)).toMatchObject({ media_id });
      store.close();
    });
  });
});
