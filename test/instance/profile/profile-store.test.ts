import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import type { ChromiumVersion } from '../../../instance/profile/chromium-version.ts';
import { ProfileStore } from '../../../instance/profile/profile-store.ts';
import { appendRecords, physicalRecord, versionEdit } from '../../fleet/profile/log-writer.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

const EMPTY = new Uint8Array(0);
const CHROMIUM: ChromiumVersion = [156, 0, 8078, 79];
const NOW = Date.UTC(2026, 10, 22, 10, 30);
const NAME = { workspace: '7', session: 'main', generation: 3 };
const LOG = appendRecords(EMPTY, [new Uint8Array(100)]).bytes;
const TORN = Buffer.concat([LOG, physicalRecord(1, new Uint8Array(90)).subarray(0, 7)]);

async function makeStore(): Promise<{ store: ProfileStore; paths: SessionPaths; clock: { time: number } }> {
  const paths = new SessionPaths(await temporaryDirectory());
  const clock = { time: NOW };
  return { store: new ProfileStore(paths, { now: () => clock.time, sleep: async () => {} }), paths, clock };
}

/** What a browser leaves on a generation. */
async function writeDatabase(
  paths: SessionPaths,
  log: Uint8Array,
  current = 'MANIFEST-000001\n',
): Promise<string> {
  const database = join(
    paths.userData(NAME),
    'Default',
    'IndexedDB',
    'https_web.whatsapp.com_0.indexeddb.leveldb',
  );
  await mkdir(database, { recursive: true });
  await writeFile(join(database, 'CURRENT'), current);
  const born = versionEdit({ comparator: 'idb_cmp1', logNumber: 0, nextFile: 2, lastSequence: 0 });
  await writeFile(join(database, 'MANIFEST-000001'), appendRecords(EMPTY, [born]).bytes);
  await writeFile(join(database, '000003.log'), log);
  return database;
}

const record = async (paths: SessionPaths) => JSON.parse(await readFile(paths.profileRecord(NAME), 'utf8'));

describe('ProfileStore', () => {
  it('makes a generation whose directories only this user may enter', async () => {
    const { store, paths } = await makeStore();
    const opened = await store.open(NAME, CHROMIUM);
    expect(opened).toMatchObject({ state: 'ready', fresh: true, repair: null, recordFault: null });
    expect(opened.directory).toBe(join(paths.root, 'workspace_7', 'session_main', 'gen-3'));
    expect(opened.userData).toBe(join(opened.directory, 'session-main'));
    for (const directory of [
      opened.directory,
      dirname(opened.directory),
      dirname(dirname(opened.directory)),
    ]) {
      expect((await stat(directory)).mode & 0o777).toBe(0o700);
    }
    expect(await record(paths)).toEqual({
      chromium: '156.0.8078.79',
      opened_at: '2026-11-22T10:30:00.000Z',
      clean_stop: false,
      made_at: '2026-11-22T10:30:00.000Z',
      made_from: null,
      starts: 1,
      ready_starts: 0,
    });
  });

  it('narrows directories that others could enter', async () => {
    const { store, paths } = await makeStore();
    await mkdir(paths.generation(NAME), { recursive: true });
    await chmod(paths.generation(NAME), 0o755);
    await store.open(NAME, CHROMIUM);
    expect((await stat(paths.generation(NAME))).mode & 0o777).toBe(0o700);
  });

  it('repairs before every start that does not follow a confirmed clean stop', async () => {
    const { store, paths } = await makeStore();
    await store.open(NAME, CHROMIUM);
    const database = await writeDatabase(paths, TORN);
    const again = await store.open(NAME, CHROMIUM);
    expect(again).toMatchObject({
      state: 'ready',
      fresh: false,
      repair: { truncated: [{ reason: 'partial_payload' }] },
    });
    expect(again.repair?.truncated[0]?.kept?.startsWith(join(again.directory, 'torn-tails'))).toBe(true);
    expect(await readFile(join(database, '000003.log'))).toEqual(Buffer.from(LOG));
  });

  it('needs no repair after a clean stop, and clears the mark before the browser starts', async () => {
    const { store, paths } = await makeStore();
    await store.open(NAME, CHROMIUM);
    await writeDatabase(paths, LOG);
    expect(await store.markCleanStop(NAME)).toMatchObject({ marked: true });
    expect(await record(paths)).toMatchObject({ clean_stop: true });

    expect(await store.open(NAME, CHROMIUM)).toMatchObject({ state: 'ready', fresh: false, repair: null });
    expect(await record(paths)).toMatchObject({ clean_stop: false });
    // Killed this time: no mark, so the repair runs.
    expect((await store.open(NAME, CHROMIUM)).repair).not.toBeNull();
  });

  it('does not mark a stop as clean that left a torn log', async () => {
    const { store, paths } = await makeStore();
    await store.open(NAME, CHROMIUM);
    const database = await writeDatabase(paths, TORN);
    expect(await store.markCleanStop(NAME)).toMatchObject({
      marked: false,
      report: { truncated: [{ kept: null }] },
    });
    expect(await record(paths)).toMatchObject({ clean_stop: false });
    expect(await readFile(join(database, '000003.log'))).toEqual(TORN);
  });

  it('does not mark a generation that was never opened', async () => {
    const { store } = await makeStore();
    await expect(store.markCleanStop(NAME)).rejects.toMatchObject({ code: 'invalid_state' });
  });

  it('counts the starts and those that came to be ready, once each and as far as it matters', async () => {
    const { store, paths } = await makeStore();
    const counts = async () => {
      const { starts, ready_starts } = await record(paths);
      return [starts, ready_starts];
    };
    await store.markReady(NAME);
    await store.open(NAME, CHROMIUM);
    expect(await counts()).toEqual([1, 0]);
    await store.markReady(NAME);
    await store.markReady(NAME);
    expect(await counts()).toEqual([1, 1]);
    for (let start = 0; start < 3; start++) {
      await store.open(NAME, CHROMIUM);
      await store.markReady(NAME);
    }
    expect(await counts()).toEqual([4, 2]);
  });

  it('reads a record of before starts were counted, and goes on from there', async () => {
    const { store, paths } = await makeStore();
    await writeDatabase(paths, LOG);
    const old = { chromium: '156.0.8078.79', opened_at: '2026-11-21T10:30:00.000Z', clean_stop: true };
    await writeFile(paths.profileRecord(NAME), JSON.stringify(old));
    expect(await store.open(NAME, CHROMIUM)).toMatchObject({ repair: null, recordFault: null });
    expect(await record(paths)).toMatchObject({ starts: 2, ready_starts: 1, made_at: null });
  });

  it('refuses a profile that a newer Chromium opened, and leaves it as it is', async () => {
    const { store, paths } = await makeStore();
    await store.open(NAME, CHROMIUM);
    const database = await writeDatabase(paths, TORN);
    const before = await record(paths);
    await expect(store.open(NAME, [156, 0, 8078, 78])).rejects.toMatchObject({
      code: 'chromium_too_old',
      message: expect.stringMatching(/session main .*156\.0\.8078\.79.*156\.0\.8078\.78/),
    });
    expect(await record(paths)).toEqual(before);
    expect(await readFile(join(database, '000003.log'))).toEqual(TORN);
    await store.open(NAME, [157, 0, 1, 1]);
    await expect(store.open(NAME, CHROMIUM)).rejects.toMatchObject({ code: 'chromium_too_old' });
  });

  it('does not open a damaged profile unless told to, since Chromium would throw it away', async () => {
    const { store, paths, clock } = await makeStore();
    await store.open(NAME, CHROMIUM);
    await writeDatabase(paths, LOG, 'no manifest');
    clock.time += 1000;
    const opened = await store.open(NAME, CHROMIUM);
    expect(opened).toMatchObject({ state: 'damaged', repair: { faults: [{ code: 'current_invalid' }] } });
    expect(await record(paths)).toMatchObject({ opened_at: '2026-11-22T10:30:00.000Z' });
    expect(await store.open(NAME, CHROMIUM, { acceptDamage: true })).toMatchObject({ state: 'ready' });
    expect(await record(paths)).toMatchObject({ opened_at: '2026-11-22T10:30:01.000Z' });
  });

  it('takes what cannot be read now for a fault of the disk, not for damage', async () => {
    const { store, paths } = await makeStore();
    await store.open(NAME, CHROMIUM);
    const database = await writeDatabase(paths, LOG);
    await mkdir(join(database, '000005.log'));
    await expect(store.open(NAME, CHROMIUM)).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringMatching(/session main .*000005\.log: it is not a plain file/),
    });
    expect(await store.open(NAME, CHROMIUM, { acceptDamage: true })).toMatchObject({ state: 'ready' });
  });

  it.each([
    '',
    '{',
    '{"chromium":"new"}',
    '{"chromium":"1.2.3.4","opened_at":"2026-11-22T10:30:00.000Z","clean_stop":"yes"}',
  ])('takes a record of %j as no clean stop, says so, and does not lock the session out', async (content) => {
    const { store, paths } = await makeStore();
    await store.open(NAME, CHROMIUM);
    await writeDatabase(paths, TORN);
    await writeFile(paths.profileRecord(NAME), content);
    const opened = await store.open(NAME, CHROMIUM);
    expect(opened).toMatchObject({ state: 'ready', repair: { truncated: [{}] } });
    expect(opened.recordFault).toContain('wharf-profile.json');
    expect(await record(paths)).toMatchObject({ chromium: '156.0.8078.79' });
  });

  it('adopts a profile without a record, with a repair', async () => {
    const { store, paths } = await makeStore();
    await writeDatabase(paths, TORN);
    expect(await store.open(NAME, CHROMIUM)).toMatchObject({ fresh: false, repair: { truncated: [{}] } });
  });

  it('lists the generations of a session, newest first, and nothing else', async () => {
    const { store, paths } = await makeStore();
    expect(await store.generations('7', 'main')).toEqual([]);
    for (const generation of [2, 10, 9]) await store.open({ ...NAME, generation }, CHROMIUM);
    await mkdir(join(paths.session('7', 'main'), 'gen-007'));
    await mkdir(join(paths.session('7', 'main'), 'other'));
    expect(await store.generations('7', 'main')).toEqual([10, 9, 2]);
  });

  it('says what to do where a file stands in the way of a directory', async () => {
    const { store, paths } = await makeStore();
    await writeFile(join(paths.root, 'workspace_7'), 'x');
    await expect(store.open(NAME, CHROMIUM)).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringContaining('workspace_7'),
    });
    await expect(store.generations('7', 'main')).rejects.toMatchObject({ code: 'storage_unavailable' });
  });

  it('makes nothing where the session path is missing: it may be a mount that is not there', async () => {
    const directory = await temporaryDirectory();
    const store = new ProfileStore(new SessionPaths(join(directory, 'mount')), {
      now: () => NOW,
      sleep: async () => {},
    });
    await expect(store.open(NAME, CHROMIUM)).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringContaining(join(directory, 'mount')),
    });
    expect(await readdir(directory)).toEqual([]);
  });

  it('leaves nothing but its directories and its record', async () => {
    const { store, paths } = await makeStore();
    await store.open(NAME, CHROMIUM);
    expect((await readdir(paths.generation(NAME))).sort()).toEqual(['session-main', 'wharf-profile.json']);
    expect(await readdir(paths.userData(NAME))).toEqual([]);
  });
});
