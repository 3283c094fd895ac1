import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { StorageSessions } from '../../../backup/fleet/storage-sessions.ts';
import { SessionPaths, trashEntryName } from '../../../fleet/session-paths.ts';
import { aSessionRecord } from '../../helpers/backed-up-session.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

async function aStorage() {
  const root = await temporaryDirectory();
  const paths = new SessionPaths(root);
  const add = async (workspace: string, session: string, record = 'session.json') => {
    await mkdir(paths.session(workspace, session), { recursive: true });
    const text = JSON.stringify(aSessionRecord({ workspace_id: workspace, session_id: session }));
    if (record !== '') await writeFile(join(paths.session(workspace, session), record), text);
  };
  return { root, paths, add, storage: new StorageSessions(paths) };
}

const shown = (names: { workspace: string; session: string }[]) =>
  names.map(({ workspace, session }) => `${workspace}/${session}`);

describe('StorageSessions', () => {
  it('lists the sessions that have a record, whoever wrote it, by workspace and session', async () => {
    const { root, add, storage } = await aStorage();
    expect(await storage.list()).toEqual([]);
    await add('10', 'main');
    await add('9', 'b', 'session-3.json');
    await add('9', 'a');
    await add('acme', 'main');
    await add('9', 'made', '');
    await mkdir(join(root, 'fleet'));
    await mkdir(join(root, 'workspace_not a name', 'session_x'), { recursive: true });
    await writeFile(join(root, 'workspace_5'), 'a file');
    expect(shown(await storage.list())).toEqual(['9/a', '9/b', '10/main', 'acme/main']);
  });

  it('lists a session whose directory it cannot read: its copy fails, and no other', async () => {
    const { paths, add, storage } = await aStorage();
    await add('7', 'a');
    await symlink('session_loop', paths.session('7', 'loop'));
    expect(shown(await storage.list())).toEqual(['7/a', '7/loop']);
  });

  it('knows when a whole session was moved to the trash last', async () => {
    const { paths, add, storage } = await aStorage();
    const name = { workspace: '7', session: 'main' };
    expect(await storage.deletedAt(name)).toBeNull();
    await mkdir(paths.trash('7'), { recursive: true });
    for (const [time, session, generation] of [
      [1000, 'main', null],
      [3000, 'main', null],
      [5000, 'main', 4],
      [9000, 'other', null],
    ] as const) {
      await add('7', session);
      const entry = trashEntryName({ time, session, generation });
      await rename(paths.session('7', session), join(paths.trash('7'), entry));
    }
    await writeFile(join(paths.trash('7'), 'notes.txt'), 'not ours');
    expect(await storage.deletedAt(name)).toBe(3000);
  });

  it('lists though directories vanish beside it', async () => {
    const { paths, add, storage } = await aStorage();
    for (let n = 0; n < 60; n += 1) await add(String(n), 'main');
    const removing = (async () => {
      for (let n = 0; n < 60; n += 2) await rm(paths.workspace(String(n)), { recursive: true });
    })();
    const lists = [];
    for (let n = 0; n < 5; n += 1) lists.push(await storage.list());
    await removing;
    for (const list of lists) for (let n = 1; n < 60; n += 2) expect(shown(list)).toContain(`${n}/main`);
    expect(await storage.list()).toHaveLength(30);
  });

  it('throws where it cannot look: a storage that is away has no sessions that anybody knows of', async () => {
    const { root } = await aStorage();
    await symlink('loop', join(root, 'loop'));
    const storage = new StorageSessions(new SessionPaths(join(root, 'loop')));
    await expect(storage.list()).rejects.toMatchObject({ code: 'storage_unavailable' });
    await expect(storage.deletedAt({ workspace: '7', session: 'main' })).rejects.toMatchObject({
      code: 'storage_unavailable',
    });
  });

  it('gives the files of the fleet that are worth keeping', async () => {
    const { root, storage } = await aStorage();
    expect(await storage.fleetFiles()).toEqual([]);
    const files = {
      'fleet/keys/k1.json': '{"hash":"x"}',
      'fleet/keys/.k1.json.77.ab.tmp': 'a draft',
      'fleet/webhooks/7.json': '{"url":"https://example.com/ü"}',
      'fleet/webhooks/large.json': 'x'.repeat(1024 * 1024 + 1),
      'fleet/settings/quarantined/7': '',
      'fleet/settings/draining/instance-1': '',
      'fleet/settings/unfrozen': '',
      'fleet/beacons/instance-1.1.b': 'x',
      'fleet/internal-token': 'secret',
    };
    for (const [path, text] of Object.entries(files)) {
      await mkdir(join(root, path, '..'), { recursive: true });
      await writeFile(join(root, path), text);
    }
    await symlink('/etc/passwd', join(root, 'fleet/keys/passwd'));
    expect(await storage.fleetFiles()).toEqual([
      { path: 'keys/k1.json', text: '{"hash":"x"}' },
      { path: 'settings/quarantined/7', text: '' },
      { path: 'webhooks/7.json', text: '{"url":"https://example.com/ü"}' },
    ]);
  });
});
