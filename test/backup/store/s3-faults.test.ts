import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { inspect } from 'node:util';
import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openObjects } from '../../../backup/objects/open-objects.ts';
import { S3Store, type S3StoreOptions } from '../../../backup/store/s3-store.ts';
import { tryOut } from '../../../backup/store/try-out.ts';
import { systemClock } from '../../../common/clock.ts';
import { type S3Server, startRadosgw, whyNoRadosgw } from '../../helpers/radosgw.ts';
import { freePort } from '../../helpers/redis.ts';
import { S3FaultProxy, type SeenRequest } from '../../helpers/s3-fault-proxy.ts';

const MB = 1024 * 1024;
const BUCKET = 'backups';

const missing = whyNoRadosgw();
if (missing !== undefined) process.stderr.write(`faults of S3 are NOT tested here: ${missing}\n`);

describe.skipIf(missing !== undefined)('S3 with faults', () => {
  let server: S3Server;
  let proxy: S3FaultProxy;
  const stores: S3Store[] = [];
  beforeAll(async () => {
    server = await startRadosgw();
    await server.createBucket(BUCKET);
    proxy = await S3FaultProxy.start(server.endpoint);
  });
  afterAll(async () => {
    await proxy?.close();
    await server?.close();
  });
  beforeEach(() => proxy.reset());
  afterEach(() => {
    vi.unstubAllEnvs();
    for (const store of stores.splice(0)) store.close();
  });

  let number = 0;
  beforeEach(() => {
    number += 1;
  });
  const prefix = () => `test-${number}/`;
  const open = (
    place: { bucket?: string; endpoint?: string; region?: string; kmsKey?: string } = {},
    options: S3StoreOptions = {},
  ) => {
    const store = new S3Store(
      {
        bucket: BUCKET,
        prefix: prefix(),
        endpoint: proxy.endpoint,
        region: server.region,
        kmsKey: null,
        ...place,
      },
      {
        credentials: server.credentials,
        ...options,
        patience: { silence: 1000, connect: 1000, ...options.patience },
      },
    );
    stores.push(store);
    return store;
  };
  const is = (method: string) => (request: SeenRequest) => request.method === method;
  const count = (method: string) => proxy.requests.filter(is(method)).length;
  const faultOf = async (attempt: Promise<unknown>) => {
    const error: unknown = await attempt.then(
      () => undefined,
      (caught: unknown) => caught,
    );
    expect(error).toMatchObject({ code: 'backup_store_failed', message: expect.stringContaining(BUCKET) });
    // What goes to the log holds no request, and so no signature.
    expect(inspect(error, { depth: 10 })).not.toMatch(/AWS4-HMAC|Credential=|test-access-key|signature=/i);
    return error instanceof Error ? error.message : '';
  };
  const uploads = async () => {
    const client = server.client();
    const { Uploads } = await client.send(
      new ListMultipartUploadsCommand({ Bucket: BUCKET, Prefix: prefix() }),
    );
    client.destroy();
    return Uploads ?? [];
  };
  const streamOf = (bytes: Buffer) =>
    Readable.from([bytes.subarray(0, 100), bytes.subarray(100)], { objectMode: false });

  describe('that refuses', () => {
    it('names the right that is missing', async () => {
      const denied = { answer: 403, code: 'AccessDenied', message: 'Access Denied' };
      proxy.fault = () => denied;
      const store = open();
      expect(await faultOf(store.put('key', Buffer.from('x')))).toMatch(
        /AccessDenied.*s3:PutObject on arn:aws:s3:::backups/,
      );
      expect(await faultOf(store.get('key'))).toMatch(/s3:GetObject and s3:ListBucket/);
      expect(await faultOf(store.head('key'))).toMatch(/s3:GetObject/);
      expect(await faultOf(store.remove(['key']))).toMatch(/s3:DeleteObject/);
      expect(await faultOf(store.create('key', Buffer.from('x')))).toMatch(/s3:PutObject/);
      expect(await faultOf(store.abortUploads(0))).toMatch(/s3:ListBucket/);
      // Refusals are not repeated.
      expect(count('GET') + count('PUT') + count('DELETE') + count('HEAD')).toBe(proxy.requests.length);
      expect(count('DELETE')).toBe(1);
    });

    it('names all rights that are missing, when it is tried out', async () => {
      proxy.fault = ({ method }) =>
        method === 'DELETE' || method === 'GET' ? { answer: 403, code: 'AccessDenied' } : undefined;
      const store = open();
      expect((await tryOut(store, true)).map(({ trial }) => trial)).toEqual([
        'list',
        'get',
        'remove',
        'list uploads',
        'abort an upload',
      ]);
      expect(await faultOf(store.check())).toMatch(/cannot hold backups.*s3:ListBucket.*s3:DeleteObject/s);
    });

    it('says so of a server that knows no conditional writes', async () => {
      proxy.fault = ({ headers }) => (headers['if-none-match'] === undefined ? undefined : { answer: 200 });
      expect(await faultOf(open().check())).toMatch(/If-None-Match/);
    });

    it('says that the bucket is not there', async () => {
      const store = open({ bucket: 'backups-elsewhere' });
      const attempts = [
        () => store.put('key', Buffer.from('x')),
        () => store.get('key'),
        () => store.now(),
        () => store.check(),
      ];
      for (const attempt of attempts) {
        expect(await faultOf(attempt())).toMatch(
          /NoSuchBucket\. There is no bucket backups-elsewhere there: make it, or correct BACKUP_S3_BUCKET/,
        );
      }
    });

    it.each([
      [
        {
          answer: 301,
          code: 'PermanentRedirect',
          message: 'elsewhere',
          headers: { 'x-amz-bucket-region': 'eu-west-1' },
        },
      ],
      [
        {
          answer: 400,
          code: 'AuthorizationHeaderMalformed',
          message: "the region 'us-east-1' is wrong; expecting 'eu-west-1'",
          fields: { Region: 'eu-west-1' },
        },
      ],
    ])('names the right region (%#)', async (redirect) => {
      proxy.fault = () => redirect;
      expect(await faultOf(open().put('key', Buffer.from('x')))).toMatch(
        /is in the region eu-west-1: set AWS_REGION=eu-west-1/,
      );
      expect(await faultOf(open().head('key'))).toMatch(/./);
    });

    it('says that clocks disagree', async () => {
      proxy.fault = () => ({
        answer: 403,
        code: 'RequestTimeTooSkewed',
        message: 'The difference is too large.',
      });
      expect(await faultOf(open().put('key', Buffer.from('x')))).toMatch(/clocks disagree.*NTP/);
    });

    it('says what is wrong with the credentials', async () => {
      const put = (options: S3StoreOptions) => faultOf(open({}, options).put('key', Buffer.from('x')));
      const { accessKeyId, secretAccessKey } = server.credentials;
      expect(await put({ credentials: { accessKeyId, secretAccessKey: 'wrong' } })).toMatch(
        /SignatureDoesNotMatch.*AWS_SECRET_ACCESS_KEY/,
      );
      expect(await put({ credentials: { accessKeyId: 'wrong', secretAccessKey } })).toMatch(
        /InvalidAccessKeyId.*AWS_ACCESS_KEY_ID/,
      );
    });

    it('says that there are no credentials', async () => {
      for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE', 'HOME'])
        vi.stubEnv(name, '');
      vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
      vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere/credentials');
      vi.stubEnv('AWS_CONFIG_FILE', '/nowhere/config');
      const store = new S3Store({
        bucket: BUCKET,
        prefix: '',
        endpoint: proxy.endpoint,
        region: 'us-east-1',
        kmsKey: null,
      });
      stores.push(store);
      expect(await faultOf(store.put('key', Buffer.from('x')))).toMatch(
        /There are no credentials: .*AWS_ACCESS_KEY_ID/,
      );
    });

    it('says that nobody listens there', async () => {
      const store = open({ endpoint: `http://127.0.0.1:${await freePort()}` }, { patience: { attempts: 2 } });
      expect(await faultOf(store.put('key', Buffer.from('x')))).toMatch(
        /ECONNREFUSED.*cannot be reached.*BACKUP_S3_ENDPOINT/,
      );
    });
  });

  describe('that fails for a while', () => {
    it('is asked again, with pauses, when it asks for less', async () => {
      proxy.next(is('PUT'), ...Array.from({ length: 3 }, () => ({ answer: 503, code: 'SlowDown' })));
      const store = open();
      await store.put('key', Buffer.from('content'));
      expect(count('PUT')).toBe(4);
      expect((await buffer((await store.get('key')) ?? Readable.from([]))).toString()).toBe('content');
    });

    it('is given up after some attempts', async () => {
      proxy.fault = ({ method }) =>
        method === 'PUT' ? { answer: 500, code: 'InternalError', message: 'We failed' } : undefined;
      const store = open({}, { patience: { attempts: 3 } });
      expect(await faultOf(store.put('key', Buffer.from('x')))).toMatch(
        /InternalError: We failed.*asked again/,
      );
      expect(count('PUT')).toBe(3);
      proxy.fault = ({ method }) => (method === 'PUT' ? { answer: 503, code: 'SlowDown' } : undefined);
      expect(await faultOf(store.put('key', Buffer.from('x')))).toMatch(/SlowDown.*too busy/);
    });

    it('is sent a part again whose connection was cut', async () => {
      const bytes = randomBytes(20 * MB);
      proxy.next(({ path }) => path.includes('partNumber=2'), { cutUploadAfter: MB });
      const store = open();
      await store.put('key', streamOf(bytes));
      expect((await buffer((await store.get('key')) ?? Readable.from([]))).equals(bytes)).toBe(true);
      proxy.next(is('PUT'), { cutUploadAfter: 1000 });
      await store.put('whole', bytes.subarray(0, MB));
      expect(await store.head('whole')).toMatchObject({ size: MB });
    });

    it('is left without half an object where the connection is always cut', async () => {
      proxy.fault = ({ path }) => (path.includes('partNumber=2') ? { cutUploadAfter: MB } : undefined);
      const store = open({}, { patience: { attempts: 2 } });
      await faultOf(store.put('key', streamOf(randomBytes(20 * MB))));
      expect(await store.head('key')).toBeNull();
      expect(await uploads()).toEqual([]);
    });

    it('goes on with a download where it was cut', async () => {
      const bytes = randomBytes(3 * MB);
      const store = open();
      await store.put('key', bytes);
      proxy.next(is('GET'), { cutDownloadAfter: 2 * MB }, { cutDownloadAfter: MB / 2 });
      expect((await buffer((await store.get('key')) ?? Readable.from([]))).equals(bytes)).toBe(true);
      const ranges = proxy.requests.filter(is('GET')).map(({ headers }) => headers['range']);
      expect(ranges).toEqual([
        undefined,
        expect.stringMatching(/^bytes=\d{7}-$/),
        expect.stringMatching(/^bytes=\d{7}-$/),
      ]);
    });

    it('does not go on with another object of the same name', async () => {
      const store = open();
      await store.put('key', randomBytes(3 * MB));
      const stream = (await store.get('key')) ?? Readable.from([]);
      proxy.reset();
      stream.destroy();
      await store.put('key', randomBytes(3 * MB));
      let first = true;
      proxy.fault = ({ method }) => {
        if (method !== 'GET' || !first) return undefined;
        first = false;
        return { cutDownloadAfter: MB };
      };
      const cut = (await store.get('key')) ?? Readable.from([]);
      const client = server.client();
      await client.send(
        new PutObjectCommand({ Bucket: BUCKET, Key: `${prefix()}key`, Body: randomBytes(3 * MB) }),
      );
      client.destroy();
      expect(await faultOf(buffer(cut))).toMatch(/PreconditionFailed|412/);
    });

    it('is given up where a download is always cut, or dribbles', async () => {
      const store = open({}, { pace: { bytes: 1000, time: 200 } });
      await store.put('key', randomBytes(MB));
      proxy.fault = ({ method }) => (method === 'GET' ? { cutDownloadAfter: 1000 } : undefined);
      expect(await faultOf(store.get('key').then((stream) => buffer(stream ?? Readable.from([]))))).toMatch(
        /cannot be reached|Look at|aborted/,
      );
      proxy.fault = ({ method }) => (method === 'GET' ? { dribble: 20 } : undefined);
      expect(await faultOf(store.get('key').then((stream) => buffer(stream ?? Readable.from([]))))).toMatch(
        /only \d+ bytes came in/,
      );
    });

    it('is given up where it says nothing', async () => {
      proxy.fault = () => ({ hang: true });
      const store = open({}, { patience: { silence: 300, attempts: 2 } });
      expect(await faultOf(store.put('key', Buffer.from('x')))).toMatch(
        /TimeoutError|timed out|does not answer/,
      );
      expect(await faultOf(store.get('key'))).toMatch(/does not answer/);
    });

    it('is waited for while it is paused', async () => {
      const store = open();
      const bytes = randomBytes(9 * MB);
      server.pause();
      const put = store.put('key', streamOf(bytes));
      put.catch(() => {});
      // Two of six attempts find it silent.
      while (proxy.requests.length < 2) await systemClock.sleep(50);
      server.resume();
      await put;
      expect((await buffer((await store.get('key')) ?? Readable.from([]))).equals(bytes)).toBe(true);
    });
  });

  describe('and conditional writes', () => {
    it('knows itself as the one who created what its lost answer spoke of', async () => {
      proxy.next(is('PUT'), { loseAnswer: true });
      const store = open();
      expect(await store.create('manifest', Buffer.from('mine'))).toBe(true);
      expect(count('PUT')).toBe(2);
      proxy.next(is('PUT'), { loseAnswer: true });
      expect(await store.create('manifest', Buffer.from('other'))).toBe(false);
    });

    it('tries again where another of the same key was under way', async () => {
      proxy.next(is('PUT'), { answer: 409, code: 'ConditionalRequestConflict' });
      expect(await open().create('manifest', Buffer.from('x'))).toBe(true);
      expect(count('PUT')).toBe(2);
    });
  });

  it('removes what uploads left half-done, when they are old, and only its own', async () => {
    const store = open();
    const client = server.client();
    const half = async (Key: string) => {
      const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key }));
      await client.send(
        new UploadPartCommand({ Bucket: BUCKET, Key, UploadId, PartNumber: 1, Body: randomBytes(1000) }),
      );
    };
    await half(`${prefix()}objects/ab/cd`);
    await half(`${prefix()}objects/ab/ef`);
    await half(`elsewhere-${number}/key`);
    expect(await store.abortUploads(3_600_000)).toBe(0);
    expect(await uploads()).toHaveLength(2);
    expect(await store.abortUploads(-3_600_000)).toBe(2);
    expect(await uploads()).toEqual([]);
    const { Uploads } = await client.send(
      new ListMultipartUploadsCommand({ Bucket: BUCKET, Prefix: `elsewhere-${number}/` }),
    );
    expect(Uploads).toHaveLength(1);
    client.destroy();
  });

  it('is asked to encrypt with the key of KMS, also objects in parts', async () => {
    proxy.fault = ({ method, path }) => {
      if (method === 'POST' && path.includes('uploads')) return { answer: 403, code: 'AccessDenied' };
      return method === 'PUT' ? { answer: 200 } : undefined;
    };
    const store = open({ kmsKey: 'alias/wharf' });
    await store.put('key', Buffer.from('x'));
    await store.create('manifest', Buffer.from('x'));
    expect(await faultOf(store.put('key', streamOf(randomBytes(9 * MB))))).toMatch(/kms:GenerateDataKey/);
    expect(proxy.requests.length).toBeGreaterThanOrEqual(3);
    for (const { headers } of proxy.requests) {
      expect(headers).toMatchObject({
        'x-amz-server-side-encryption': 'aws:kms',
        'x-amz-server-side-encryption-aws-kms-key-id': 'alias/wharf',
        'x-amz-server-side-encryption-bucket-key-enabled': 'true',
      });
    }
  });

  it('shows a flipped bit in an object, by the name of the object', async () => {
    const store = open();
    const objects = openObjects(store, systemClock);
    const content = randomBytes(2 * MB);
    const ref = { sha256: createHash('sha256').update(content).digest('hex'), size: content.length };
    const { signal } = new AbortController();
    await objects.keep(ref, async () => streamOf(content), { trusted: null, signal });
    expect(await objects.check(ref, signal)).toBeNull();
    const key = `objects/${ref.sha256.slice(0, 2)}/${ref.sha256.slice(2)}.br`;
    const stored = await buffer((await store.get(key)) ?? Readable.from([]));
    stored[MB] = (stored[MB] ?? 0) ^ 8;
    await store.put(key, stored);
    expect(await objects.check(ref, signal)).toContain(key);
  });
});
