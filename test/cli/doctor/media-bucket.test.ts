import { Readable } from 'node:stream';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { checkMediaBucket } from '../../../cli/doctor/media-bucket.ts';
import type { MediaFolder } from '../../../fleet/media/media-folder.ts';
import { type S3Server, startRadosgw, whyNoRadosgw } from '../../helpers/radosgw.ts';

it('says nothing of a bucket where there is to be none', async () => {
  expect(await checkMediaBucket({})).toEqual([]);
  expect(await checkMediaBucket({ MEDIA_S3_BUCKET: '' })).toEqual([]);
});

it('says what is wrong with the settings of one', async () => {
  expect(await checkMediaBucket({ MEDIA_S3_BUCKET: 'media', MEDIA_S3_ENDPOINT: 'nowhere' })).toMatchObject([
    { status: 'failed', detail: expect.stringContaining('MEDIA_S3_ENDPOINT must be an http') },
  ]);
});

it('says of a store that knows no conditional writes that media are not safe there', async () => {
  const files = new Map<string, string>();
  const careless: MediaFolder = {
    write: async (_workspace, name, content) => {
      for await (const chunk of content) files.set(name, chunk.toString());
    },
    create: async (_workspace, name, text) => {
      files.set(name, text);
      return true;
    },
    read: async (_workspace, name) => files.get(name) ?? null,
    open: async (_workspace, name) => Readable.from([Buffer.from(files.get(name) ?? '')]),
    list: async () => [...files.keys()].map((name) => ({ name, time: 0 })),
    remove: async (_workspace, name) => void files.delete(name),
    close: () => {},
  };
  expect(await checkMediaBucket({ MEDIA_S3_BUCKET: 'media' }, () => careless)).toMatchObject([
    { status: 'failed', hint: expect.stringContaining('If-None-Match') },
  ]);
  expect(files.size).toBe(0);
});

const missing = whyNoRadosgw();
if (missing !== undefined) process.stderr.write(`the bucket for media is NOT tested here: ${missing}\n`);

describe.skipIf(missing !== undefined)('the bucket for media', () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startRadosgw();
    await server.createBucket('media');
  });
  afterAll(() => server?.close());
  afterEach(() => vi.unstubAllEnvs());

  const check = (bucket: string, secret = server.credentials.secretAccessKey) => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', server.credentials.accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', secret);
    return checkMediaBucket({ MEDIA_S3_BUCKET: bucket, MEDIA_S3_ENDPOINT: server.endpoint });
  };

  it('is found to do all that media need, and left as it was', async () => {
    expect(await check('media')).toEqual([
      { subject: 'media bucket', status: 'ok', detail: 'media, writable' },
    ]);
    const client = server.client();
    expect((await client.send(new ListObjectsV2Command({ Bucket: 'media' }))).KeyCount).toBe(0);
    client.destroy();
  });

  it('is found wanting where it is not there, or the secret is wrong', async () => {
    expect(await check('another')).toMatchObject([
      { status: 'failed', detail: expect.stringContaining('NoSuchBucket') },
    ]);
    expect(await check('media', 'wrong')).toMatchObject([
      { status: 'failed', detail: expect.stringContaining('SignatureDoesNotMatch') },
    ]);
  });
});
