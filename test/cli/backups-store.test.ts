import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useBackupScene } from '../helpers/backup-scene.ts';
import { anOperation } from '../helpers/backup-values.ts';
import { serviceProblem } from '../helpers/fake-backup-service.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';

const scene = useBackupScene();
const { wharf } = scene;

const BACKUP = '20261122T090003Z';

describe('wharf backup verify', () => {
  const begun = { status: 202, body: anOperation({ kind: 'verify' }) };

  it.each([
    [[], 'latest'],
    [[BACKUP], BACKUP],
    [['--all'], 'all'],
  ])('%j checks %s', async (words, backup) => {
    scene.service.answer('verify', begun);
    scene.service.answer('operation', {
      body: anOperation({ kind: 'verify', state: 'done', done: 310, total: 310, bytes: 900_000_000 }),
    });
    const ran = await wharf(['backup', 'verify', ...words]);
    expect(ran).toMatchObject({ code: 0, out: 'All is well: 310 objects read and checked, 900 MB.\n' });
    expect(scene.service.asked[0]?.body).toEqual({ backup });
  });

  it('ends with 1 where something is damaged, and says what', async () => {
    scene.service.answer('verify', begun);
    const findings = ['objects/ab/abcd: not what its hash says; 7/sales of 20261122T090003Z needs it'];
    scene.service.answer('operation', {
      body: anOperation({ kind: 'verify', state: 'done', done: 310, total: 310, failed: 1, findings }),
    });
    const ran = await wharf(['backup', 'verify']);
    expect(ran.code).toBe(1);
    expect(ran.err).toMatch(/1 thing of 310 in the store is damaged or missing:\n {2}objects\/ab\/abcd: not/);
    expect(ran.err).toContain('(backup_damaged)');
  });

  it('takes one backup or all, not both', async () => {
    expect((await wharf(['backup', 'verify', BACKUP, '--all'])).code).toBe(2);
  });
});

describe('wharf backup prune', () => {
  const plan = {
    keep: [{ id: BACKUP, reasons: ['the newest', 'hourly'] }],
    remove: [{ id: '20261101T090003Z', reason: 'older than all that is kept' }],
    objects: { count: 3, bytes: 12_000_000 },
  };
  const ended = anOperation({ kind: 'prune', state: 'done', done: 3, total: 3, bytes: 12_000_000 });

  it('shows under --dry-run what goes, what stays and why, and asks for no more', async () => {
    scene.service.answer('prune', { body: plan });
    const ran = await wharf(['backup', 'prune', '--dry-run']);
    expect(ran.code).toBe(0);
    expect(ran.out).toMatch(/^20261122T090003Z +keep +the newest, hourly\n20261101T090003Z +remove +older/m);
    expect(ran.out).toContain('1 backup to remove, 1 to keep; 3 objects that none needs, 12 MB.');
    expect(scene.service.askedOf('prune').map((each) => each.body)).toEqual([{ dry_run: true }]);
  });

  it('refuses with 2 where nobody can be asked, and does nothing after a no', async () => {
    scene.service.answer('prune', { body: plan });
    expect((await wharf(['backup', 'prune'])).code).toBe(2);
    expect((await wharf(['backup', 'prune'], { answers: ['n'] })).code).toBe(1);
    expect(scene.service.askedOf('prune').map((each) => each.body)).toEqual([{ dry_run: true }]);
  });

  it('asks nothing where there is nothing to remove', async () => {
    scene.service.answer('prune', { body: { ...plan, remove: [], objects: { count: 0, bytes: 0 } } });
    const ran = await wharf(['backup', 'prune'], { answers: [] });
    expect([ran.code, ran.err]).toEqual([0, expect.stringContaining('0 backups to remove, 1 to keep.')]);
    expect(scene.service.askedOf('prune')).toHaveLength(1);
  });

  it('shows it, asks, and removes it after a yes', async () => {
    scene.service.answer('prune', { body: plan }, { status: 202, body: anOperation({ kind: 'prune' }) });
    scene.service.answer('operation', { body: ended });
    const ran = await wharf(['backup', 'prune'], { answers: ['y'] });
    expect(ran).toMatchObject({ code: 0, out: 'Pruned: 3 objects removed, 12 MB.\n' });
    expect(ran.err).toContain('older than all that is kept');
    expect(scene.service.askedOf('prune').map((each) => each.body)).toEqual([
      { dry_run: true },
      { dry_run: false },
    ]);
  });
});

describe('wharf backup export', () => {
  const tar = Buffer.alloc(300_000, 'tar');
  const send = (whole: boolean) => {
    scene.service.answer('export', (response) => {
      response.writeHead(200, { 'Content-Type': 'application/x-tar' });
      response.write(tar, () => (whole ? response.end() : response.destroy()));
    });
  };

  it('writes a file for its owner alone, whole', async () => {
    const directory = await temporaryDirectory();
    const output = join(directory, 'sales.tar');
    send(true);
    const ran = await wharf(['backup', 'export', 'latest', 'sales', '-w', '7', '--output', output]);
    expect(ran).toMatchObject({ code: 0, out: `${output} written, 300 kB.\n` });
    expect(scene.service.asked[0]?.url).toBe('/api/backups/latest/export?workspace_id=7&session_id=sales');
    expect((await readFile(output)).equals(tar)).toBe(true);
    expect((await stat(output)).mode & 0o777).toBe(0o600);
  });

  it('leaves nothing where it broke off', async () => {
    const directory = await temporaryDirectory();
    send(false);
    const ran = await wharf(['backup', 'export', 'latest', 'sales', '-o', join(directory, 'sales.tar')]);
    expect([ran.code, ran.err]).toEqual([1, expect.stringContaining('(broken_off)')]);
    expect(await readdir(directory)).toEqual([]);
  });

  it('goes to standard output where nobody looks at it, and there alone', async () => {
    send(true);
    const ran = await wharf(['backup', 'export', 'latest', 'sales']);
    expect([ran.code, ran.out, ran.bytes.equals(tar)]).toEqual([0, '', true]);
    expect((await wharf(['backup', 'export', 'latest', 'sales'], { answers: [] })).code).toBe(2);
  });

  it('says what the service says of a session that is not in it, and why a file cannot be written', async () => {
    scene.service.answer(
      'export',
      serviceProblem(404, 'backup_not_found', 'It has no session sale; it has: sales.'),
    );
    const ran = await wharf(['backup', 'export', 'latest', 'sale']);
    expect([ran.code, ran.err]).toEqual([1, expect.stringContaining('It has no session sale')]);
    send(true);
    const nowhere = await wharf(['backup', 'export', 'latest', 'sales', '-o', '/nowhere/sales.tar']);
    expect([nowhere.code, nowhere.err]).toEqual([1, expect.stringContaining('cannot be written (ENOENT)')]);
  });
});
