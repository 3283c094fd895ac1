import { inspect } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { backupIdAt, madeAt, timeOfBackup } from '../../../backup/manifest/backup-ids.ts';
import { nearestBackups, requireBackup } from '../../../backup/manifest/require-backup.ts';
import { manifestKey, StoredCatalog } from '../../../backup/manifest/stored-catalog.ts';
import { factsOf, Summaries } from '../../../backup/manifest/summaries.ts';
import { WharfError } from '../../../common/errors.ts';
import { aManifest, aSessionRecord, backUp, memoryObjects } from '../../helpers/backed-up-session.ts';
import { someFiles } from '../../helpers/copyable-sessions.ts';

const FIRST = '20261122T090003Z';
const SECOND = '20261122T100003Z';

async function aCatalog() {
  const { store, objects } = memoryObjects();
  const catalog = new StoredCatalog(store);
  const session = await backUp(objects, someFiles('a'));
  const put = (id: string, changes: Parameters<typeof aManifest>[2] = {}) =>
    catalog.put(aManifest(id, [session], { fleet: [{ path: 'keys/k.json', text: 'über' }], ...changes }));
  return { store, objects, catalog, session, put };
}

describe('StoredCatalog', () => {
  it('gives back what was put, and puts nothing over another', async () => {
    const { catalog, session, put } = await aCatalog();
    const missed = [{ workspace_id: '7', session_id: 'new', reason: 'It was starting.' }];
    expect(await put(FIRST, { missed })).toBe(true);
    expect(await put(FIRST, { missed: [] })).toBe(false);
    const read = await catalog.read(FIRST);
    expect(read).toMatchObject({ id: FIRST, sessions: [session], missed, fleet: [{ text: 'über' }] });
  });

  it('lists in the order they were made, whatever else lies there', async () => {
    const { store, catalog, put } = await aCatalog();
    await put(SECOND);
    await put(FIRST);
    for (const name of ['readme.txt', '20261122T090003Z.jsonl.gz.tmp', 'x/y', '20261322T090003Z.jsonl.gz'])
      await store.put(`manifests/${name}`, Buffer.from('x'));
    expect((await catalog.list()).map(({ id }) => id)).toEqual([FIRST, SECOND]);
    await catalog.remove(FIRST);
    await catalog.remove(FIRST);
    expect((await catalog.list()).map(({ id }) => id)).toEqual([SECOND]);
  });

  it('takes one that a clock far ahead named as made when the store says it was put', async () => {
    const { store, catalog, put } = await aCatalog();
    await put('20310101T000000Z');
    await put(FIRST);
    const modified = (id: string, time: string) => {
      const stored = store.objects.get(manifestKey(id));
      if (stored) stored.modified = Date.parse(time);
    };
    modified('20310101T000000Z', '2026-11-22T08:00:10Z');
    modified(FIRST, '2026-11-22T09:00:10Z');
    expect((await catalog.list()).map(({ id }) => id)).toEqual(['20310101T000000Z', FIRST]);
    expect((await catalog.latest())?.manifest.id).toBe(FIRST);
  });

  it('says which one is not there', async () => {
    const { catalog } = await aCatalog();
    await expect(catalog.read(FIRST)).rejects.toMatchObject({ code: 'backup_not_found' });
    expect(await catalog.latest()).toBeNull();
  });

  it.each<[string, (whole: Buffer) => Buffer]>([
    ['is empty', () => Buffer.alloc(0)],
    ['is cut short', (whole) => whole.subarray(0, whole.length - 9)],
    ['has a flipped bit', (whole) => flipped(whole, Math.floor(whole.length / 2))],
    ['is not gzip', (whole) => gunzipSync(whole)],
    ['lost its last lines', (whole) => lines(whole, (all) => all.slice(0, -2))],
    ['lost a line in its middle', (whole) => lines(whole, (all) => [all[0] as string, ...all.slice(2)])],
    ['has lines after its end', (whole) => lines(whole, (all) => [...all, all[1] as string])],
    [
      'is of another backup',
      (whole) => lines(whole, (all) => all.map((line) => line.replaceAll(FIRST, SECOND))),
    ],
    [
      'names a path that leads elsewhere',
      (whole) => lines(whole, (all) => all.map((line) => line.replace('keys/k', '../k'))),
    ],
    [
      'is of a later version',
      (whole) => lines(whole, (all) => all.map((line) => line.replace('"version":1', '"version":2'))),
    ],
    ['has a last line that is cut short', (whole) => gzipSync(gunzipSync(whole).subarray(0, -5))],
    ['is JSON, and something else', () => gzipSync('{}\n')],
  ])('says that one is damaged, and which, where it %s', async (_, damage) => {
    const { store, catalog, put } = await aCatalog();
    await put(FIRST);
    await put(SECOND);
    const stored = store.objects.get(manifestKey(FIRST));
    if (stored) stored.content = damage(stored.content);
    await expect(catalog.read(FIRST)).rejects.toMatchObject({
      code: 'backup_damaged',
      message: expect.stringContaining(FIRST),
    });
    await catalog.remove(SECOND);
    expect(await catalog.latest()).toBeNull();
  });

  it('does not quote what it cannot read: a manifest has passwords in it', async () => {
    const { store, catalog, put } = await aCatalog();
    await put(FIRST);
    const stored = store.objects.get(manifestKey(FIRST));
    if (stored)
      stored.content = lines(stored.content, (all) => [...all.slice(0, 1), '{"password":hunter2}', ...all]);
    const error: Error = await catalog.read(FIRST).catch((fault) => fault);
    expect(inspect(error)).toContain('no JSON');
    expect(inspect(error)).not.toContain('hunter2');
  });

  it('passes over damaged ones for the latest, and names them', async () => {
    const { store, catalog, put } = await aCatalog();
    await put(FIRST);
    await put(SECOND);
    store.objects.get(manifestKey(SECOND))?.content.fill(0);
    expect(await catalog.latest()).toMatchObject({ manifest: { id: FIRST }, damaged: [SECOND] });
  });

  it('does not call damaged what cannot be read since the store fails', async () => {
    const { store, catalog, put } = await aCatalog();
    await put(FIRST);
    const failed = new WharfError('backup_store_failed', 'It does not answer.');
    store.before = (request) => {
      if (request === 'get') throw failed;
    };
    await expect(catalog.read(FIRST)).rejects.toBe(failed);
    await expect(catalog.latest()).rejects.toBe(failed);
  });

  it('leaves the event loop free with the manifest of 3000 sessions', async () => {
    const { catalog, session } = await aCatalog();
    const refs = Array.from({ length: 30 }, (_, n) => ({
      sha256: String(n).padStart(64, '0'),
      size: n,
      stored: n,
    }));
    const sessions = Array.from({ length: 3000 }, (_, n) => ({
      ...session,
      record: aSessionRecord({ session_id: `s${n}` }),
      pieces: refs,
    }));
    let turns = 0;
    let on = true;
    const turn = () => {
      turns += 1;
      if (on) setImmediate(turn);
    };
    turn();
    await catalog.put(aManifest(FIRST, sessions));
    const whenPut = turns;
    const read = await catalog.read(FIRST);
    on = false;
    expect(read.sessions).toHaveLength(3000);
    expect(whenPut, 'turns of the loop while it was written').toBeGreaterThan(10);
    expect(turns - whenPut, 'and read').toBeGreaterThan(10);
  });
});

describe('Summaries', () => {
  it('reads each manifest once, and damaged ones again', async () => {
    const { store, catalog, put } = await aCatalog();
    await put(FIRST);
    await put(SECOND);
    store.objects.get(manifestKey(SECOND))?.content.fill(0);
    const summaries = new Summaries(catalog);
    const states = async () => (await summaries.all()).map(({ facts }) => `${facts.id} ${facts.state}`);
    expect(await states()).toEqual([`${FIRST} complete`, `${SECOND} damaged`]);
    store.requests.length = 0;
    await states();
    const gets = store.requests.filter((request) => request.startsWith('get'));
    expect(gets).toEqual([`get ${manifestKey(SECOND)}`]);
  });

  it('counts an object that several sessions need once', async () => {
    const { session } = await aCatalog();
    const again = { ...session, record: aSessionRecord({ session_id: 'twin' }), carried: 'It was starting.' };
    const facts = await factsOf(aManifest(FIRST, [session, again]));
    const needed = [...session.pieces, ...(session.archive ? [session.archive] : [])];
    expect(facts).toMatchObject({
      state: 'partial',
      carried: 1,
      bytes: 2 * session.bytes,
      restore_bytes: needed.reduce((sum, { stored }) => sum + stored, 0),
    });
  });
});

describe('requireBackup', () => {
  it('names the nearest ones where there is none of that id', async () => {
    const { catalog, put } = await aCatalog();
    await expect(requireBackup(catalog, 'latest')).rejects.toThrow(/no backup that can be read/);
    await expect(requireBackup(catalog, FIRST)).rejects.toThrow(/none at all/);
    for (const hour of ['06', '07', '08', '09', '10']) await put(`20261122T${hour}0003Z`);
    await expect(requireBackup(catalog, '20261122T083000Z')).rejects.toThrow(
      'There is no backup 20261122T083000Z. The nearest: 20261122T070003Z, 20261122T080003Z, 20261122T090003Z. All: wharf backup list.',
    );
    expect((await requireBackup(catalog, 'latest')).id).toBe(SECOND);
    expect((await requireBackup(catalog, FIRST)).id).toBe(FIRST);
    expect(nearestBackups(FIRST, [])).toEqual([]);
  });
});

describe('ids of backups', () => {
  it('are moments to the second', () => {
    const time = Date.parse('2026-11-22T09:00:03.999Z');
    expect(backupIdAt(time)).toBe(FIRST);
    expect(timeOfBackup(FIRST)).toBe(Date.parse('2026-11-22T09:00:03Z'));
    expect(madeAt(FIRST, time)).toBe(timeOfBackup(FIRST));
    expect(madeAt(FIRST, 5)).toBe(5);
    expect(madeAt('20261399T250000Z', 5)).toBe(5);
  });
});

function flipped(whole: Buffer, at: number): Buffer {
  const copy = Buffer.from(whole);
  copy[at] = (copy[at] ?? 0) ^ 4;
  return copy;
}

function lines(whole: Buffer, change: (lines: string[]) => string[]): Buffer {
  const all = gunzipSync(whole).toString().split('\n').slice(0, -1);
  return gzipSync(`${change(all).join('\n')}\n`);
}
