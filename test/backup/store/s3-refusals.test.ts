import { afterEach, expect, it, vi } from 'vitest';
import type { S3StoreOptions } from '../../../backup/store/s3-store.ts';
import { tryOut } from '../../../backup/store/try-out.ts';
import { freePort } from '../../helpers/redis.ts';
import { describeFaultyS3 } from './faulty-scene.ts';

describeFaultyS3('S3 that refuses', (scene) => {
  const { open, faultOf } = scene;
  afterEach(() => vi.unstubAllEnvs());

  it('names the right that is missing', async () => {
    const denied = { answer: 403, code: 'AccessDenied', message: 'Access Denied' };
    scene.proxy.fault = () => denied;
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
    expect(['PUT', 'GET', 'HEAD', 'DELETE'].map((method) => scene.s3.asked(method).length)).toEqual([
      2, 2, 1, 1,
    ]);
  });

  it('names all rights that are missing, when it is tried out', async () => {
    scene.proxy.fault = ({ method }) =>
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
    scene.proxy.fault = ({ headers }) =>
      headers['if-none-match'] === undefined ? undefined : { answer: 200 };
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
    scene.proxy.fault = () => redirect;
    expect(await faultOf(open().put('key', Buffer.from('x')))).toMatch(
      /is in the region eu-west-1: set AWS_REGION=eu-west-1/,
    );
  });

  it('names the right region also where an answer has no body', async () => {
    scene.proxy.fault = () => ({ answer: 400, headers: { 'x-amz-bucket-region': 'eu-west-1' } });
    expect(await faultOf(open().head('key'))).toMatch(/set AWS_REGION=eu-west-1/);
    scene.proxy.fault = () => ({ answer: 400, headers: { 'x-amz-bucket-region': 'us-east-1' } });
    expect(await faultOf(open().head('key'))).not.toMatch(/AWS_REGION/);
  });

  it('says that clocks disagree', async () => {
    scene.proxy.fault = () => ({
      answer: 403,
      code: 'RequestTimeTooSkewed',
      message: 'The difference is too large.',
    });
    expect(await faultOf(open().put('key', Buffer.from('x')))).toMatch(/clocks disagree.*NTP/);
  });

  it('says what is wrong with the credentials', async () => {
    const put = (options: S3StoreOptions) => faultOf(open({}, options).put('key', Buffer.from('x')));
    const { accessKeyId, secretAccessKey } = scene.s3.server.credentials;
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
    const store = open({}, null);
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
