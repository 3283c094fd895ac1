import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { backupIdAt } from '../../backup/manifest/backup-ids.ts';
import type { Operation } from '../../fleet/backup/api.ts';
import { INTERNAL_TOKEN_HEADER } from '../../fleet/instance-api.ts';
import { useBackupFleets } from '../helpers/backup-fleet.ts';
import type { BackupProcess } from '../helpers/backup-process.ts';
import { aDatabase, inDatabase } from '../helpers/database-files.ts';
import { eventually } from '../helpers/eventually.ts';

const aFleet = useBackupFleets();
const DAY = 24 * 3_600_000;

/** Two sessions of workspace 7, backed up once. */
async function backedUp() {
  const fleet = await aFleet();
  const instance = await fleet.addInstance('instance-1');
  await instance.own('7');
  await instance.set('7', 'main', aDatabase('main'));
  await instance.set('7', 'sales', aDatabase('sales'));
  const service = await fleet.startService({ BACKUP_SAMPLE: '5' });
  const run = await service.run();
  expect(run, service.log()).toMatchObject({ state: 'done', findings: [] });
  return { fleet, instance, service, backup: run.backup ?? '' };
}

/** Begins an operation and waits for its end. */
async function ended(service: BackupProcess, path: string, body: object): Promise<Operation> {
  const begun = await service.ask('POST', path, body);
  expect(begun, service.log()).toMatchObject({ status: 202 });
  const { id } = begun.body as Operation;
  return await eventually(async () => {
    const { body: operation } = await service.ask('GET', `/api/backups/operations/${id}`);
    return (operation as Operation).state !== 'running' && (operation as Operation);
  });
}

/** Where an object lies. */
async function fileOf(directory: string, sha256: string): Promise<string> {
  const folder = join(directory, 'objects', sha256.slice(0, 2));
  const name = (await readdir(folder)).find((each) => each.startsWith(sha256.slice(2)));
  return join(folder, name ?? 'none');
}

/** Asks for an export, as the router does; the bytes that came. */
async function exported(service: BackupProcess, query: string): Promise<Response> {
  return await fetch(`${service.url}/api/backups/latest/export?${query}`, {
    headers: { [INTERNAL_TOKEN_HEADER]: 't'.repeat(40) },
  });
}

it('finds one flipped bit on the disk of the store, says so everywhere, and the next run mends it', async () => {
  const { fleet, service, backup } = await backedUp();
  const manifest = await fleet.catalog.read(backup);
  const sales = manifest.sessions.find(({ record }) => record.session_id === 'sales');
  const piece = sales?.pieces[0]?.sha256 ?? '';
  const path = await fileOf(fleet.directory, piece);
  const stored = await readFile(path);
  stored.writeUInt8(stored.readUInt8(stored.length >> 1) ^ 1, stored.length >> 1);
  await writeFile(path, stored);

  const found = await ended(service, '/api/backups/verify', { backup: 'latest' });
  expect(found).toMatchObject({ kind: 'verify', state: 'done', failed: 1, backup, error: null });
  expect(found.findings).toHaveLength(1);
  expect(found.findings[0]).toContain(piece);
  expect(found.findings[0]).toContain('session sales of workspace 7');
  expect(await fleet.events()).toContainEqual(
    expect.objectContaining({
      type: 'backup.damaged',
      data: { backup, what: expect.stringContaining(piece) },
    }),
  );
  expect(await (await fetch(`${service.url}/metrics`)).text()).toMatch(/wharf_backup_damaged_total 1/);

  const broken = await exported(service, 'session_id=sales');
  expect(broken.status).toBe(500);
  expect(await broken.json()).toMatchObject({
    code: 'backup_damaged',
    detail: expect.stringContaining(piece.slice(2)),
  });

  expect(await service.run()).toMatchObject({ state: 'done', findings: [] });
  const mended = await ended(service, '/api/backups/verify', { backup: 'all' });
  expect(mended).toMatchObject({ state: 'done', failed: 0, findings: [], backup: null });
  expect(mended.done).toBe(mended.total);
});

it('says after each run what is missing in the store, and the run after that mends it', async () => {
  const { fleet, service, backup } = await backedUp();
  const [session] = (await fleet.catalog.read(backup)).sessions;
  const piece = session?.pieces[0]?.sha256 ?? '';
  await rm(await fileOf(fleet.directory, piece));
  const second = await service.run();
  expect(second.state).toBe('done');
  expect(second.findings.join()).toContain(`the object ${piece} is not in the store`);
  expect((await service.run()).findings).toEqual([]);
  expect(await ended(service, '/api/backups/verify', { backup: 'all' })).toMatchObject({ findings: [] });
});

it('says of a session that it was copied damaged, as soon as it is in a backup', async () => {
  const { fleet, instance, service } = await backedUp();
  const { [inDatabase('000005.ldb')]: _, ...torn } = aDatabase('main');
  await instance.set('7', 'main', torn);
  const run = await service.run();
  expect(run.findings).toHaveLength(1);
  expect(run.findings[0]).toMatch(
    /session main of workspace 7 was restored to look at it, and is damaged: .*000005\.ldb/,
  );
  const events = await fleet.events();
  expect(events.filter(({ type }) => type === 'backup.damaged')).toHaveLength(1);
});

it('removes by its retention what a run made weeks ago, and shows before what it would remove', async () => {
  const { fleet, service, backup } = await backedUp();
  const manifest = await fleet.catalog.read(backup);
  const old = Array.from({ length: 12 }, (_, at) => backupIdAt(Date.now() - (20 + at) * DAY));
  for (const id of old) {
    await fleet.catalog.put({ ...manifest, id });
    const when = new Date(Date.now() - 19 * DAY);
    for (const name of await readdir(join(fleet.directory, 'manifests')))
      if (name.startsWith(id)) await utimes(join(fleet.directory, 'manifests', name), when, when);
  }
  const plan = await service.ask('POST', '/api/backups/prune', { dry_run: true });
  expect(plan).toMatchObject({ status: 200, body: { objects: { count: 0 } } });
  const { remove } = plan.body as { remove: { id: string }[] };
  // Of days that have backups seven stay; hours are more than there are.
  expect(remove).toEqual([]);
  await service.kill('SIGTERM');

  const strict = await fleet.startService({ BACKUP_KEEP_HOURLY: '3', BACKUP_KEEP_DAILY: '2' });
  await eventually(strict.leads);
  const pruned = await ended(strict, '/api/backups/prune', {});
  expect(pruned).toMatchObject({ kind: 'prune', state: 'done' });
  expect(pruned.findings).toHaveLength(10);
  expect((await fleet.catalog.list()).map(({ id }) => id)).toEqual([old[1], old[0], backup]);
});

it('exports a session as a tar that tar unpacks', async () => {
  const { fleet, service, backup } = await backedUp();
  const answer = await exported(service, 'session_id=main&workspace_id=7');
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('application/x-tar');
  expect(answer.headers.get('content-disposition')).toBe(`attachment; filename="wharf-7-main-${backup}.tar"`);
  const to = join(fleet.directory, '..', 'unpacked');
  await mkdir(to);
  await writeFile(join(to, 'export.tar'), Buffer.from(await answer.arrayBuffer()));
  await promisify(execFile)('tar', ['xf', 'export.tar'], { cwd: to });
  for (const [path, content] of Object.entries(aDatabase('main')))
    expect(await readFile(join(to, 'session-main', path))).toEqual(content);
  expect(await readdir(join(fleet.directory, '..', 'scratch', 'backup'))).toEqual([]);
});

it.each([
  ['POST', '/api/backups/verify', { backup: '20200101T000000Z' }, 404, 'backup_not_found'],
  ['POST', '/api/backups/verify', { backup: 'yesterday' }, 400, 'invalid_request'],
  ['POST', '/api/backups/prune', { dry: true }, 400, 'invalid_request'],
  ['GET', '/api/backups/latest/export?session_id=nobody', undefined, 404, 'backup_not_found'],
  ['GET', '/api/backups/latest/export', undefined, 400, 'invalid_request'],
  ['GET', '/api/backups/20200101T000000Z/export?session_id=main', undefined, 404, 'backup_not_found'],
])('answers %s %s %o with %i', async (method, path, body, status, code) => {
  const { service } = await backedUp();
  expect(await service.ask(method, path, body)).toMatchObject({ status, body: { code } });
});
