import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { checkBackupStore } from '../../../cli/doctor/backup-store.ts';
import { type S3Server, startRadosgw, whyNoRadosgw } from '../../helpers/radosgw.ts';
import { S3FaultProxy, type SeenRequest } from '../../helpers/s3-fault-proxy.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

const SUBJECT = 'store of backups';

describe('the store of backups', () => {
  it.each([{}, { BACKUP_S3_BUCKET: '', BACKUP_DIRECTORY: '' }])(
    'is not looked at where none is set, and that is said: %j',
    async (env) => {
      expect(await checkBackupStore(env, '/sessions')).toMatchObject([
        { subject: SUBJECT, status: 'skipped', hint: expect.stringContaining('wharf-doctor') },
      ]);
    },
  );

  it('is refused by its settings', async () => {
    const env = { BACKUP_S3_BUCKET: 'backups', BACKUP_S3_ENDPOINT: 'nowhere', PORT: 'not asked here' };
    expect(await checkBackupStore(env, undefined)).toEqual([
      {
        subject: SUBJECT,
        status: 'failed',
        detail: expect.stringMatching(/^BACKUP_S3_ENDPOINT must be an http[^;]*$/),
      },
    ]);
    expect(
      await checkBackupStore({ BACKUP_S3_BUCKET: 'backups', BACKUP_DIRECTORY: '/b' }, undefined),
    ).toMatchObject([{ status: 'failed', detail: expect.stringContaining('one place') }]);
  });

  it('is a directory that does all that backups need, and is left as it was', async () => {
    const directory = await temporaryDirectory();
    expect(await checkBackupStore({ BACKUP_DIRECTORY: directory }, '/sessions')).toEqual([
      { subject: SUBJECT, status: 'ok', detail: `${directory}, all rights` },
    ]);
    expect(await readdir(join(directory, '.uploads'))).toEqual([]);
    expect(await readdir(join(directory, 'trials'))).toEqual([]);
  });

  it('is a directory that is not there', async () => {
    const missing = join(await temporaryDirectory(), 'missing');
    expect(await checkBackupStore({ BACKUP_DIRECTORY: missing }, '/sessions')).toMatchObject([
      { status: 'failed', hint: expect.stringMatching(/make it, or mount/) },
    ]);
    const file = join(await temporaryDirectory(), 'file');
    await writeFile(file, '');
    expect(await checkBackupStore({ BACKUP_DIRECTORY: file }, '/sessions')).toMatchObject([
      { status: 'failed' },
    ]);
  });

  it('must not be on the session path', async () => {
    const root = await temporaryDirectory();
    for (const name of ['sessions', 'sessions-backup']) await mkdir(join(root, name));
    const found = (directory: string) =>
      checkBackupStore({ BACKUP_DIRECTORY: directory }, join(root, 'sessions'));
    for (const inside of [join(root, 'sessions'), join(root, 'sessions', 'backups'), root]) {
      expect(await found(inside)).toMatchObject([
        { status: 'failed', detail: expect.stringContaining('on the session path') },
      ]);
    }
    expect(await found(join(root, 'sessions-backup'))).toMatchObject([{ status: 'ok' }]);
  });
});

const missing = whyNoRadosgw();
if (missing !== undefined) process.stderr.write(`the bucket for backups is NOT tested here: ${missing}\n`);

describe.skipIf(missing !== undefined)('the bucket of backups', () => {
  let server: S3Server;
  let proxy: S3FaultProxy;
  beforeAll(async () => {
    server = await startRadosgw();
    await server.createBucket('backups');
    proxy = await S3FaultProxy.start(server.endpoint);
  });
  afterAll(async () => {
    await proxy?.close();
    await server?.close();
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    proxy.reset();
  });

  const check = (bucket = 'backups') => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', server.credentials.accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', server.credentials.secretAccessKey);
    return checkBackupStore({ BACKUP_S3_BUCKET: bucket, BACKUP_S3_ENDPOINT: proxy.endpoint }, '/sessions');
  };

  it('is found to do all that backups need, and left as it was', async () => {
    expect(await check()).toEqual([
      { subject: SUBJECT, status: 'ok', detail: `s3://backups/backups/ at ${proxy.endpoint}, all rights` },
    ]);
    const client = server.client();
    expect((await client.send(new ListObjectsV2Command({ Bucket: 'backups' }))).KeyCount).toBe(0);
    expect((await client.send(new ListMultipartUploadsCommand({ Bucket: 'backups' }))).Uploads ?? []).toEqual(
      [],
    );
    client.destroy();
  });

  it.each<[string, string, (request: SeenRequest) => boolean]>([
    ['list', 's3:ListBucket', ({ path }) => path.includes('list-type')],
    ['put', 's3:PutObject', ({ method }) => method === 'PUT'],
    ['get', 's3:GetObject', ({ method, path }) => method === 'GET' && path.includes('/trials/')],
    ['remove', 's3:DeleteObject', ({ method, path }) => method === 'DELETE' && !path.includes('uploadId')],
    [
      'list uploads',
      's3:ListBucketMultipartUploads',
      ({ method, path }) => method === 'GET' && /[?&]uploads/.test(path),
    ],
    [
      'abort an upload',
      's3:AbortMultipartUpload',
      ({ method, path }) => method === 'DELETE' && path.includes('uploadId'),
    ],
  ])('that may not %s is told %s', async (trial, action, matches) => {
    proxy.fault = (request) => (matches(request) ? { answer: 403, code: 'AccessDenied' } : undefined);
    expect(await check()).toEqual([
      {
        subject: SUBJECT,
        status: 'failed',
        detail: expect.stringMatching(new RegExp(`cannot .*${trial}`)),
        hint: expect.stringContaining(action),
      },
    ]);
  });

  it('that is not there is named', async () => {
    expect(await check('another')).toMatchObject([
      { status: 'failed', hint: expect.stringContaining('There is no bucket another there') },
    ]);
  });
});
