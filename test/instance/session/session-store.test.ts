import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import type { SessionRecord } from '../../../fleet/records.ts';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import { SessionFile } from '../../../instance/session/session-file.ts';
import { SessionStore } from '../../../instance/session/session-store.ts';
import { aRecord } from '../../helpers/session-record.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

async function make() {
  const paths = new SessionPaths(await temporaryDirectory());
  return { paths, store: new SessionStore(paths) };
}

const names = async (paths: SessionPaths, store: SessionStore) => {
  await store.settled();
  return (await readdir(paths.session('7', 'main'))).sort();
};

describe("a session's record", () => {
  it('is what the owner at the highest epoch wrote, and what people read says the same', async () => {
    const { paths, store } = await make();
    await store.write(aRecord(), 2);
    await store.write(aRecord({ linked: true }), 3);
    expect(await store.read('7', 'main')).toEqual({ record: aRecord({ linked: true }), epoch: 3 });
    expect(await names(paths, store)).toEqual(['session-3.json', 'session.json']);
    expect(JSON.parse(await readFile(paths.sessionRecord('7', 'main'), 'utf8'))).toMatchObject({
      linked: true,
    });
  });

  it('is not reverted by what an earlier owner writes late, whole or in part', async () => {
    const { paths, store } = await make();
    const late = new SessionStore(paths);
    await store.write(aRecord(), 2);
    await store.write(aRecord({ linked: true, generation: 3 }), 3);
    await late.write(aRecord({ should_run: false }), 2);
    expect(await store.read('7', 'main')).toEqual({
      record: aRecord({ linked: true, generation: 3 }),
      epoch: 3,
    });
    await Promise.all([store.settled(), late.settled()]);
    // Its rename of the file for people alone, which it had begun before.
    await writeFile(paths.sessionRecord('7', 'main'), JSON.stringify(aRecord({ should_run: false })));
    expect(await store.read('7', 'main')).toMatchObject({ record: { should_run: true }, epoch: 3 });
    // The next write of the owner puts both right.
    await store.write(aRecord({ linked: true, generation: 3 }), 3);
    expect(await names(paths, store)).toEqual(['session-3.json', 'session.json']);
    expect(JSON.parse(await readFile(paths.sessionRecord('7', 'main'), 'utf8'))).toMatchObject({
      should_run: true,
    });
  });

  it('is read also where no owner signed one, and is nobody there', async () => {
    const { paths, store } = await make();
    expect(await store.read('7', 'main')).toBeUndefined();
    const path = paths.sessionRecord('7', 'main');
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, JSON.stringify(aRecord()));
    expect(await store.read('7', 'main')).toEqual({ record: aRecord(), epoch: 0 });
  });

  it('looks past what is no record of an owner', async () => {
    const { paths, store } = await make();
    await store.write(aRecord(), 2);
    for (const name of [
      'session-0.json',
      'session-03.json',
      'session-x.json',
      '.session-9.json.1.ab.tmp',
      'session-9.json.tmp',
    ])
      await writeFile(`${paths.session('7', 'main')}/${name}`, '{}');
    expect(await store.read('7', 'main')).toMatchObject({ epoch: 2 });
  });

  it('throws where the highest cannot be understood: an older one may be wrong', async () => {
    const { paths, store } = await make();
    await store.write(aRecord(), 2);
    const path = paths.ownersRecord('7', 'main', 3);
    await writeFile(path, '{"version": 1, ');
    await expect(store.read('7', 'main')).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringContaining(path),
    });
  });

  it('keeps what a newer version wrote, also where this one takes it over and writes it anew', async () => {
    const { paths, store } = await make();
    const since = '2026-11-01T00:00:00.000Z';
    const newer = {
      ...aRecord({ last_active_at: since }),
      colour: { of: 'tomorrow' },
      inactivity: { step: 'warn', at: since, since, told: 3 },
    };
    const path = paths.ownersRecord('7', 'main', 2);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, JSON.stringify(newer));
    const stored = await store.read('7', 'main');
    if (!stored) throw new Error('there is no record');
    const file = fileOf(stored.record, store, 3);
    await file.takeOver();
    await file.write({ linked: true });
    expect(await written(paths, store)).toEqual({ ...newer, linked: true });
  });

  it('can be read by a version of before housekeeping once that says nothing any more', async () => {
    const { paths, store } = await make();
    const since = '2026-11-01T00:00:00.000Z';
    const file = fileOf(aRecord(), store, 3);
    const inactivity = { step: 'warn', at: since, since } as const;
    await file.write({ keep: true, last_active_at: since, inactivity });
    expect(await written(paths, store)).toEqual(aRecord({ keep: true, last_active_at: since, inactivity }));
    await file.write({ keep: false, last_active_at: null, inactivity: null });
    // That version refused a record with any key that it did not know, whatever its value.
    expect(Object.keys(await written(paths, store))).toEqual(Object.keys(aRecord()));
    expect(Object.keys(file.record)).toEqual(Object.keys(aRecord()));
    await store.write(aRecord({ keep: false, last_active_at: null, inactivity: null }), 3);
    expect(Object.keys(await written(paths, store))).toEqual(Object.keys(aRecord()));
  });
});

function fileOf(record: SessionRecord, store: SessionStore, epoch: number): SessionFile {
  const writer = { epoch, require: () => undefined };
  return new SessionFile(record, store, writer, () => undefined, systemClock);
}

/** What stands on the disk, of the owner at epoch 3 and for people. */
async function written(paths: SessionPaths, store: SessionStore): Promise<object> {
  await store.settled();
  const text = await readFile(paths.ownersRecord('7', 'main', 3), 'utf8');
  expect(await readFile(paths.sessionRecord('7', 'main'), 'utf8')).toBe(text);
  return JSON.parse(text);
}
