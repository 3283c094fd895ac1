import { existsSync } from 'node:fs';
import { appendFile, chown, lstat, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { prepareProfile, removePrepared } from '../../../cli/import/prepare.ts';
import { preparedRestoreSchema } from '../../../fleet/backup/prepared-restore.ts';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import { inDatabase } from '../../helpers/database-files.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { foundProfile, plainProfile } from './plain-profile.ts';

const ID = 'r-20261122T093000Z-1a2b3c';
const NOW = Date.parse('2026-11-22T09:30:00.000Z');
const target = { workspace: '7', session: 'sales', account: 'crm', proxy: null };
const never = new AbortController().signal;

async function scene(more: Record<string, string | Buffer> = {}) {
  const directory = await plainProfile(await temporaryDirectory(), 'shop', more);
  const paths = new SessionPaths(await temporaryDirectory());
  await mkdir(paths.fleet());
  const profile = foundProfile({ directory, chromium: '156.0.8078.79' });
  const prepare = (replace = false) =>
    prepareProfile({ profile, target, id: ID, replace, now: NOW }, paths, never);
  return { directory, paths, prepare, prepared: paths.preparedRestore('7', 'sales', ID) };
}

describe('a profile that is prepared for its owner', () => {
  it('is a copy of what a session needs, with a record that says it is linked and imported', async () => {
    const { prepare, prepared } = await scene();
    expect(await prepare()).toEqual({ tornLogs: 0, notes: [] });
    const told = preparedRestoreSchema.parse(
      JSON.parse(await readFile(join(prepared, 'prepared.json'), 'utf8')),
    );
    expect(told).toMatchObject({
      restore: ID,
      origin: 'import',
      forced: false,
      chromium: '156.0.8078.79',
      record: { workspace_id: '7', session_id: 'sales', account_id: 'crm', linked: true, should_run: true },
    });
    const paths = told.files?.map(({ path }) => path) ?? [];
    expect(paths).toContain(inDatabase('000005.ldb'));
    expect(paths).toContain('Default/Local Storage/leveldb/CURRENT');
    expect(paths.some((path) => path.includes('Cache') || path.endsWith('LOCK'))).toBe(false);
    expect((await stat(join(prepared, 'profile', inDatabase('CURRENT')))).mode & 0o777).toBe(0o600);
  });

  it('has its torn log mended, and the original as it was', async () => {
    const { directory, prepare, prepared } = await scene();
    const log = join(directory, inDatabase('000006.log'));
    const whole = (await stat(log)).size;
    // A header that says 100 bytes follow, of a record that a kill cut off.
    await appendFile(log, Buffer.from([1, 2, 3, 4, 100, 0, 1]));
    expect(await prepare()).toMatchObject({ tornLogs: 1 });
    expect((await stat(join(prepared, 'profile', inDatabase('000006.log')))).size).toBe(whole);
    expect((await stat(log)).size).toBe(whole + 7);
  });

  it('is refused where Chromium would throw it away, and nothing is left of it', async () => {
    const { paths, prepare } = await scene({ [inDatabase('000005.ldb')]: 'no table' });
    await expect(prepare()).rejects.toMatchObject({ code: 'profile_damaged' });
    expect(await readdir(paths.restores('7'))).toEqual([]);
  });

  it('is refused where it changes while it is copied', async () => {
    const { directory, paths, prepare } = await scene(
      Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`Default/IndexedDB/blob/${index}`, 'x'])),
    );
    const log = join(directory, inDatabase('000006.log'));
    let goesOn = true;
    const writing = (async () => {
      while (goesOn) await appendFile(log, 'more');
    })();
    await expect(prepare()).rejects.toMatchObject({ code: 'invalid_state' });
    goesOn = false;
    await writing;
    expect(await readdir(paths.restores('7'))).toEqual([]);
  });

  it('is removed again, but not once its owner has begun with it', async () => {
    const { paths, prepare, prepared } = await scene();
    await prepare();
    expect(await removePrepared(paths, target, ID)).toBe(true);
    expect(existsSync(prepared)).toBe(false);
    await mkdir(prepared);
    expect(await removePrepared(paths, target, ID)).toBe(false);
    expect(existsSync(prepared)).toBe(true);
  });

  it.skipIf(process.getuid?.() !== 0)(
    'leaves the directories above to the user of the session path, though the first import into a workspace fails as root',
    async () => {
      const { paths, prepare } = await scene({ [inDatabase('000005.ldb')]: 'no table' });
      await chown(paths.root, 4711, 4712);
      const ownersOf = async () => {
        const found = await Promise.all(
          [paths.workspace('7'), paths.restores('7')].map((path) => stat(path)),
        );
        return found.map(({ uid, gid }) => [uid, gid]);
      };
      await expect(prepare()).rejects.toMatchObject({ code: 'profile_damaged' });
      expect(await ownersOf()).toEqual([
        [4711, 4712],
        [4711, 4712],
      ]);
      // As a run left them that was killed before it could give them away.
      await chown(paths.workspace('7'), 0, 0);
      await expect(prepare()).rejects.toMatchObject({ code: 'profile_damaged' });
      expect((await ownersOf())[0]).toEqual([4711, 4712]);
    },
  );

  it.skipIf(process.getuid?.() !== 0)('belongs to the user of the session path with all in it', async () => {
    const { paths, prepare, prepared } = await scene();
    await chown(paths.root, 4711, 4712);
    await prepare();
    for (const name of ['.', ...(await readdir(prepared, { recursive: true }))])
      expect([name, (await lstat(join(prepared, name))).uid]).toEqual([name, 4711]);
  });
});
