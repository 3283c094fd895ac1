import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import { Trash } from '../../../instance/profile/trash.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

const NOW = Date.UTC(2026, 10, 22, 10, 30);
const DAY = 24 * 60 * 60 * 1000;
const NAME = { workspace: '7', session: 'main', generation: 3 };

async function makeTrash(): Promise<{ trash: Trash; paths: SessionPaths; clock: { time: number } }> {
  const paths = new SessionPaths(await temporaryDirectory());
  const clock = { time: NOW };
  return { trash: new Trash(paths, { now: () => clock.time }), paths, clock };
}

async function makeGeneration(paths: SessionPaths, content = 'login'): Promise<void> {
  await mkdir(paths.userData(NAME), { recursive: true });
  await writeFile(join(paths.userData(NAME), 'file'), content);
}

describe('Trash', () => {
  it('moves a generation, with the time in its name, and leaves the rest of the session', async () => {
    const { trash, paths } = await makeTrash();
    await makeGeneration(paths);
    await writeFile(paths.sessionRecord('7', 'main'), '{}');
    const to = await trash.moveGeneration(NAME);
    expect(to).toBe(join(paths.root, 'workspace_7', 'trash', '20261122T103000000Z.session_main.gen-3'));
    expect(await readFile(join(to ?? '', 'session-main', 'file'), 'utf8')).toBe('login');
    expect(await readdir(paths.session('7', 'main'))).toEqual(['session.json']);
    expect((await stat(paths.trash('7'))).mode & 0o777).toBe(0o700);
  });

  it('moves a whole session', async () => {
    const { trash, paths } = await makeTrash();
    await makeGeneration(paths);
    const to = await trash.moveSession('7', 'main');
    expect(to).toBe(join(paths.trash('7'), '20261122T103000000Z.session_main'));
    expect(await readdir(paths.workspace('7'))).toEqual(['trash']);
    expect(await readFile(join(to ?? '', 'gen-3', 'session-main', 'file'), 'utf8')).toBe('login');
  });

  it('says in the name of a whole session that nobody deleted it, and purges it in its time too', async () => {
    const { trash, paths, clock } = await makeTrash();
    await makeGeneration(paths);
    const to = await trash.moveSession('7', 'main', 'replaced');
    expect(to).toBe(join(paths.trash('7'), '20261122T103000000Z.session_main.replaced'));
    clock.time = NOW + 7 * DAY + 1;
    expect(await trash.purge('7')).toEqual({ removed: [to], unknown: [] });
  });

  it('keeps both of two that come within one millisecond', async () => {
    const { trash, paths } = await makeTrash();
    await makeGeneration(paths, 'first');
    await trash.moveGeneration(NAME);
    await makeGeneration(paths, 'second');
    await trash.moveGeneration(NAME);
    const entries = (await readdir(paths.trash('7'))).sort();
    expect(entries).toEqual([
      '20261122T103000000Z.session_main.gen-3',
      '20261122T103000001Z.session_main.gen-3',
    ]);
    expect(await readFile(join(paths.trash('7'), entries[1] ?? '', 'session-main', 'file'), 'utf8')).toBe(
      'second',
    );
  });

  it('does nothing where there is nothing, and makes no trash for it', async () => {
    const { trash, paths } = await makeTrash();
    expect(await trash.moveGeneration(NAME)).toBeNull();
    expect(await trash.moveSession('7', 'main')).toBeNull();
    expect(await trash.purge('7')).toEqual({ removed: [], unknown: [] });
    expect(await readdir(paths.root)).toEqual([]);
  });

  it('purges after seven days, by the time in the name, and leaves what it did not put there', async () => {
    const { trash, paths, clock } = await makeTrash();
    await makeGeneration(paths);
    const old = await trash.moveGeneration(NAME);
    clock.time += DAY;
    await makeGeneration(paths);
    const young = await trash.moveGeneration(NAME);
    await writeFile(join(paths.trash('7'), 'notes.txt'), 'mine');

    clock.time = NOW + 7 * DAY;
    expect(await trash.purge('7')).toEqual({ removed: [], unknown: ['notes.txt'] });
    clock.time += 1;
    expect(await trash.purge('7')).toEqual({ removed: [old], unknown: ['notes.txt'] });
    expect((await readdir(paths.trash('7'))).sort()).toEqual([young?.split('/').at(-1), 'notes.txt'].sort());
  });

  it('keeps what a clock that was ahead put there', async () => {
    const { trash, paths, clock } = await makeTrash();
    clock.time = NOW + 30 * DAY;
    await makeGeneration(paths);
    await trash.moveGeneration(NAME);
    clock.time = NOW;
    expect(await trash.purge('7')).toEqual({ removed: [], unknown: [] });
  });

  it('says what to do where a file stands in the place of the trash', async () => {
    const { trash, paths } = await makeTrash();
    await makeGeneration(paths);
    await writeFile(paths.trash('7'), 'x');
    await expect(trash.moveGeneration(NAME)).rejects.toMatchObject({ code: 'storage_unavailable' });
    expect(await readdir(paths.generation(NAME))).toEqual(['session-main']);
    await expect(trash.purge('7')).rejects.toMatchObject({ code: 'storage_unavailable' });
  });
});
