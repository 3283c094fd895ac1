import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { CreateMultipartUploadCommand, PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { openObjects } from '../../../backup/objects/open-objects.ts';
import { systemClock } from '../../../common/clock.ts';
import type { SeenRequest } from '../../helpers/s3-fault-proxy.ts';
import { describeFaultyS3 } from './faulty-scene.ts';

const MB = 1024 * 1024;

describeFaultyS3('S3 with faults', (scene) => {
  const { open, faultOf } = scene;
  const is = (method: string) => (request: SeenRequest) => request.method === method;
  const streamOf = (bytes: Buffer) =>
    Readable.from([bytes.subarray(0, 100), bytes.subarray(100)], { objectMode: false });

  describe('that fails for a while', () => {
    it('is asked again, with pauses, when it asks for less', async () => {
      scene.proxy.next(is('PUT'), ...Array.from({ length: 3 }, () => ({ answer: 503, code: 'SlowDown' })));
      const store = open();
      await store.put('key', Buffer.from('content'));
      expect(scene.s3.asked('PUT').length).toBe(4);
      expect((await buffer((await store.get('key')) ?? Readable.from([]))).toString()).toBe('content');
    });

    it('is given up after some attempts', async () => {
      scene.proxy.fault = ({ method }) =>
        method === 'PUT' ? { answer: 500, code: 'InternalError', message: 'We failed' } : undefined;
      const store = open({}, { patience: { attempts: 3 } });
      expect(await faultOf(store.put('key', Buffer.from('x')))).toMatch(
        /InternalError: We failed.*asked again/,
      );
      expect(scene.s3.asked('PUT').length).toBe(3);
      scene.proxy.fault = ({ method }) => (method === 'PUT' ? { answer: 503, code: 'SlowDown' } : undefined);
      expect(await faultOf(store.put('key', Buffer.from('x')))).toMatch(/SlowDown.*too busy/);
    });

    it('is sent a part again whose connection was cut', async () => {
      const bytes = randomBytes(20 * MB);
      scene.proxy.next(({ path }) => path.includes('partNumber=2'), { cutUploadAfter: MB });
      const store = open();
      await store.put('key', streamOf(bytes));
      expect((await buffer((await store.get('key')) ?? Readable.from([]))).equals(bytes)).toBe(true);
      scene.proxy.next(is('PUT'), { cutUploadAfter: 1000 });
      await store.put('whole', bytes.subarray(0, MB));
      expect(await store.head('whole')).toMatchObject({ size: MB });
    });

    it('is left without half an object where the connection is always cut', async () => {
      scene.proxy.fault = ({ path }) => (path.includes('partNumber=2') ? { cutUploadAfter: MB } : undefined);
      const store = open({}, { patience: { attempts: 2 } });
      await faultOf(store.put('key', streamOf(randomBytes(20 * MB))));
      expect(await store.head('key')).toBeNull();
      expect(await scene.s3.uploads()).toEqual([]);
    });

    it('goes on with a download where it was cut', async () => {
      const bytes = randomBytes(3 * MB);
      const store = open();
      await store.put('key', bytes);
      scene.proxy.next(is('GET'), { cutDownloadAfter: 2 * MB }, { cutDownloadAfter: MB / 2 });
      expect((await buffer((await store.get('key')) ?? Readable.from([]))).equals(bytes)).toBe(true);
      const ranges = scene.s3.asked('GET').map(({ headers }) => headers['range']);
      expect(ranges).toEqual([
        undefined,
        expect.stringMatching(/^bytes=\d{7}-$/),
        expect.stringMatching(/^bytes=\d{7}-$/),
      ]);
    });

    it('goes on also where it was cut before anybody read', async () => {
      const bytes = randomBytes(3 * MB);
      const store = open();
      await store.put('key', bytes);
      scene.proxy.next(is('GET'), { cutDownloadAfter: 1000 });
      const stream = (await store.get('key')) ?? Readable.from([]);
      // Time for the end of the connection to be noticed.
      await store.head('key');
      await systemClock.sleep(50);
      expect((await buffer(stream)).equals(bytes)).toBe(true);
    });

    it('does not go on with another object of the same name', async () => {
      const store = open();
      await store.put('key', randomBytes(3 * MB));
      const stream = (await store.get('key')) ?? Readable.from([]);
      scene.proxy.reset();
      stream.destroy();
      await store.put('key', randomBytes(3 * MB));
      let first = true;
      scene.proxy.fault = ({ method }) => {
        if (method !== 'GET' || !first) return undefined;
        first = false;
        return { cutDownloadAfter: MB };
      };
      const cut = (await store.get('key')) ?? Readable.from([]);
      const client = scene.s3.server.client();
      await client.send(
        new PutObjectCommand({
          Bucket: scene.s3.bucket,
          Key: `${scene.s3.prefix}key`,
          Body: randomBytes(3 * MB),
        }),
      );
      client.destroy();
      expect(await faultOf(buffer(cut))).toMatch(/PreconditionFailed|412/);
    });

    it('is given up where a download is always cut, or dribbles', async () => {
      const store = open({}, { pace: { bytes: 1000, time: 200 } });
      await store.put('key', randomBytes(MB));
      scene.proxy.fault = ({ method }) => (method === 'GET' ? { cutDownloadAfter: 1000 } : undefined);
      expect(await faultOf(store.get('key').then((stream) => buffer(stream ?? Readable.from([]))))).toMatch(
        /cannot be reached|Look at|aborted/,
      );
      scene.proxy.fault = ({ method }) => (method === 'GET' ? { dribble: 20 } : undefined);
      expect(await faultOf(store.get('key').then((stream) => buffer(stream ?? Readable.from([]))))).toMatch(
        /only \d+ bytes came in/,
      );
    });

    it('is given up where it says nothing', async () => {
      scene.proxy.fault = () => ({ hang: true });
      const store = open({}, { patience: { silence: 300, attempts: 2 } });
      expect(await faultOf(store.put('key', Buffer.from('x')))).toMatch(
        /TimeoutError|timed out|does not answer/,
      );
      expect(await faultOf(store.get('key'))).toMatch(/does not answer/);
    });

    it('is waited for while it is paused', async () => {
      const store = open();
      const bytes = randomBytes(9 * MB);
      scene.s3.server.pause();
      const put = store.put('key', streamOf(bytes));
      put.catch(() => {});
      // Two of six attempts find it silent.
      while (scene.proxy.requests.length < 2) await systemClock.sleep(50);
      scene.s3.server.resume();
      await put;
      expect((await buffer((await store.get('key')) ?? Readable.from([]))).equals(bytes)).toBe(true);
    });
  });

  describe('and conditional writes', () => {
    it('knows itself as the one who created what its lost answer spoke of', async () => {
      scene.proxy.next(is('PUT'), { loseAnswer: true });
      const store = open();
      expect(await store.create('manifest', Buffer.from('mine'))).toBe(true);
      expect(scene.s3.asked('PUT').length).toBe(2);
      scene.proxy.next(is('PUT'), { loseAnswer: true });
      expect(await store.create('manifest', Buffer.from('other'))).toBe(false);
    });

    it('tries again where another of the same key was under way', async () => {
      scene.proxy.next(is('PUT'), { answer: 409, code: 'ConditionalRequestConflict' });
      expect(await open().create('manifest', Buffer.from('x'))).toBe(true);
      expect(scene.s3.asked('PUT').length).toBe(2);
    });
  });

  it('removes what uploads left half-done, when they are old, and only its own', async () => {
    const store = open();
    const client = scene.s3.server.client();
    const half = async (Key: string) => {
      const { UploadId } = await client.send(
        new CreateMultipartUploadCommand({ Bucket: scene.s3.bucket, Key }),
      );
      await client.send(
        new UploadPartCommand({
          Bucket: scene.s3.bucket,
          Key,
          UploadId,
          PartNumber: 1,
          Body: randomBytes(1000),
        }),
      );
    };
    await half(`${scene.s3.prefix}objects/ab/cd`);
    await half(`${scene.s3.prefix}objects/ab/ef`);
    await half('elsewhere/key');
    expect(await store.abortUploads(3_600_000)).toBe(0);
    expect(await scene.s3.uploads()).toHaveLength(2);
    expect(await store.abortUploads(-3_600_000)).toBe(2);
    expect(await scene.s3.uploads()).toEqual([]);
    expect(await scene.s3.uploads('elsewhere/')).toHaveLength(1);
    client.destroy();
  });

  it('is asked to encrypt with the key of KMS, also objects in parts', async () => {
    scene.proxy.fault = ({ method, path }) => {
      if (method === 'POST' && path.includes('uploads')) return { answer: 403, code: 'AccessDenied' };
      return method === 'PUT' ? { answer: 200 } : undefined;
    };
    const store = open({ kmsKey: 'alias/wharf' });
    await store.put('key', Buffer.from('x'));
    await store.create('manifest', Buffer.from('x'));
    expect(await faultOf(store.put('key', streamOf(randomBytes(9 * MB))))).toMatch(/kms:GenerateDataKey/);
    expect(scene.proxy.requests.length).toBeGreaterThanOrEqual(3);
    for (const { headers } of scene.proxy.requests) {
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
