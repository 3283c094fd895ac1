import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StoredCatalog } from '../../backup/manifest/stored-catalog.ts';
import { S3Store } from '../../backup/store/s3-store.ts';
import type { Operation, Restore } from '../../fleet/backup/api.ts';
import { redisKeys } from '../../fleet/keys.ts';
import { useBackupFleets } from '../helpers/backup-fleet.ts';
import type { BackupProcess } from '../helpers/backup-process.ts';
import { type SessionFiles, someFiles } from '../helpers/copyable-sessions.ts';
import { eventually } from '../helpers/eventually.ts';
import { fakeSession } from '../helpers/fake-instance.ts';
import { type S3Server, startRadosgw, whyNoRadosgw } from '../helpers/radosgw.ts';

const SESSIONS = 12;
const missing = whyNoRadosgw();
if (missing !== undefined) process.stderr.write(`the backup service on S3 is NOT tested here: ${missing}\n`);

/** Has an operation ended. */
async function ended(service: BackupProcess, path: string, body?: object): Promise<Operation> {
  const { id } = (await service.ask('POST', path, body)).body as Operation;
  return await eventually(async () => {
    const operation = (await service.ask('GET', `/api/backups/operations/${id}`)).body as Operation;
    return operation.state !== 'running' && operation;
  }, 60_000);
}

describe.skipIf(missing !== undefined)('a backup service on S3', () => {
  let server: S3Server;
  const aFleet = useBackupFleets();
  beforeAll(async () => {
    server = await startRadosgw();
    await server.createBucket('company-wharf');
  });
  afterAll(() => server?.close());

  it('goes on after it was killed in a run, and verifies, prunes and restores from there', async () => {
    const fleet = await aFleet();
    const instance = await fleet.addInstance('instance-1');
    await instance.own('7');
    const files = new Map<string, NonNullable<SessionFiles>>();
    const set = async (session: string, content: NonNullable<SessionFiles>) => {
      files.set(session, content);
      await instance.set('7', session, content);
    };
    for (let n = 0; n < SESSIONS; n += 1) await set(`s${n}`, someFiles(`s${n}`));
    const { credentials, endpoint, region } = server;
    const start = async () => {
      // The lease of one that is dead would lapse in ten seconds.
      await fleet.redis.del(redisKeys.backupService);
      return await fleet.startService({
        BACKUP_DIRECTORY: '',
        BACKUP_S3_BUCKET: 'company-wharf',
        BACKUP_S3_PREFIX: 'of-this-test/',
        BACKUP_S3_ENDPOINT: endpoint,
        AWS_REGION: region,
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      });
    };
    const first = await start();
    expect(await first.run(), first.log()).toMatchObject({ state: 'done', done: SESSIONS, failed: 0 });

    // Killed when half of the sessions were fetched, of which each has changed.
    for (let n = 0; n < SESSIONS; n += 1) await set(`s${n}`, someFiles(`s${n}`, 'x'.repeat(20_000 + n)));
    let fetched = 0;
    instance.fault = async (asked) => {
      if (!asked.endsWith('/archive')) return false;
      fetched += 1;
      if (fetched === SESSIONS / 2) await first.kill('SIGKILL');
      return false;
    };
    await first.ask('POST', '/api/backups').catch(() => undefined);
    await eventually(() => fetched >= SESSIONS / 2);
    await first.kill('SIGKILL');
    instance.fault = () => false;
    const place = { bucket: 'company-wharf', prefix: 'of-this-test/', endpoint, region, kmsKey: null };
    const store = new S3Store(place, { credentials });
    const catalog = new StoredCatalog(store);
    expect(await catalog.list(), 'a run that was cut off leaves no backup').toHaveLength(1);

    const second = await start();
    const whole = await second.run();
    expect(whole, second.log()).toMatchObject({ state: 'done', done: SESSIONS, failed: 0 });
    expect((await catalog.list()).map(({ id }) => id)).toContain(whole.backup);
    for (const [path, body] of [
      ['/api/backups/verify', { backup: 'all' }],
      ['/api/backups/prune', {}],
      ['/api/backups/verify', { backup: 'all' }],
    ] as const)
      expect(await ended(second, path, body), second.log()).toMatchObject({ state: 'done', failed: 0 });
    store.close();

    // Its owner puts in place what the service laid ready.
    const others = instance.instance.intercept;
    let prepared: Record<string, Buffer> = {};
    instance.instance.intercept = async (request, response, body) => {
      if (!request.url?.endsWith('/sessions/s3/restore'))
        return (await others?.(request, response, body)) ?? false;
      const profile = join(fleet.paths.preparedRestore('7', 's3', JSON.parse(body).restore), 'profile');
      const names = await readdir(profile, { recursive: true, withFileTypes: true });
      prepared = {};
      for (const entry of names.filter((one) => one.isFile())) {
        const path = join(entry.parentPath, entry.name);
        prepared[path.slice(profile.length + 1)] = await readFile(path);
      }
      const answer = { session: fakeSession('7', 's3', 'instance-1'), trash: null };
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer));
      return true;
    };
    const begun = await second.ask('POST', '/api/restores', { session_id: 's3' });
    expect(begun.status, JSON.stringify(begun.body)).toBe(202);
    const restore = await eventually(async () => {
      const { body } = await second.ask('GET', `/api/restores/${(begun.body as Restore).id}`);
      return (body as Restore).ended_at !== null && (body as Restore);
    }, 30_000);
    expect(restore, second.log()).toMatchObject({ state: 'done', backup: whole.backup });
    const sorted = (of: Record<string, Buffer>) =>
      Object.entries(of)
        .map(([path, content]) => [path, content.toString()])
        .sort();
    expect(sorted(prepared)).toEqual(sorted(files.get('s3') ?? {}));
  });
});
