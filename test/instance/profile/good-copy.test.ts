import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { aLog, CHROMIUM, NEEDED_FILES, NOW, ORIGIN, ProfileBench, treeOf } from './profile-files.ts';

async function withGoodCopy(): Promise<ProfileBench> {
  const bench = await ProfileBench.make();
  await bench.ran(3, { clean: true, mark: 'good' });
  await bench.store.keepGoodCopy(bench.name(3));
  return bench;
}

const prepared = (bench: ProfileBench, generation = 3) => {
  const { log, signal } = bench.request(3, 5);
  return bench.store.prepareLastGood(bench.name(generation), log, signal);
};

/** Where it comes from. */
const prepare = async (bench: ProfileBench, generation = 3) =>
  (await prepared(bench, generation))?.from ?? null;

const logOf = async (bench: ProfileBench, generation = 3) =>
  await readFile(join(bench.userData(generation), ORIGIN, '000004.log'), 'latin1');

describe('a good copy', () => {
  it('holds what a session needs, shares its tables, and takes the place of the one before', async () => {
    const bench = await withGoodCopy();
    const copy = bench.paths.goodCopy(bench.name(3), NOW);
    expect(Object.keys(await treeOf(copy)).sort()).toEqual([...NEEDED_FILES].sort());
    const inode = async (directory: string, name: string) => (await stat(join(directory, ORIGIN, name))).ino;
    expect(await inode(copy, '000005.ldb')).toBe(await inode(bench.userData(3), '000005.ldb'));
    for (const name of ['000004.log', 'CURRENT', 'MANIFEST-000001'])
      expect(await inode(copy, name)).not.toBe(await inode(bench.userData(3), name));

    await mkdir(join(bench.paths.goodCopies(bench.name(3)), '20260101T000000000Z.making'));
    bench.clock.time += 1000;
    await bench.store.keepGoodCopy(bench.name(3));
    expect(await readdir(bench.paths.goodCopies(bench.name(3)))).toEqual(['20261122T103001000Z']);
  });

  it('takes the place of a lost profile at the next start, and is repaired before it', async () => {
    const bench = await withGoodCopy();
    await bench.store.open(bench.name(3), CHROMIUM);
    await rm(join(bench.userData(3), 'Default/IndexedDB'), { recursive: true });
    expect(await prepare(bench)).toBe('the good copy of 2026-11-22T10:30:00.000Z in generation 3');
    expect(await bench.store.open(bench.name(3), CHROMIUM)).toMatchObject({
      state: 'ready',
      fresh: false,
      restored: true,
      repair: { truncated: [], faults: [] },
    });
    expect(await logOf(bench)).toContain('good');
    // Written to from here on: the copy is not.
    await writeFile(join(bench.userData(3), ORIGIN, '000005.ldb'), 'changed');
    const copy = await treeOf(bench.paths.goodCopy(bench.name(3), NOW));
    expect(copy[`${ORIGIN}/000005.ldb`]).not.toBe((await treeOf(bench.userData(3)))[`${ORIGIN}/000005.ldb`]);
    expect(Object.keys(await treeOf(bench.paths.lostProfile(bench.name(3))))).not.toContain(
      `${ORIGIN}/CURRENT`,
    );
    expect(await bench.store.open(bench.name(3), CHROMIUM)).toMatchObject({ restored: false });
  });

  it('tells how old it is: when it was made, or when something was last written to the profile that it is', async () => {
    const bench = await withGoodCopy();
    await bench.store.open(bench.name(3), CHROMIUM);
    bench.clock.time += 3_600_000;
    expect(await prepared(bench)).toMatchObject({ takenAt: NOW });
  });

  it('gets its place wherever whoever was putting it there was cut off', async () => {
    for (const stage of ['prepared', 'moved away', 'a second time'] as const) {
      const bench = await withGoodCopy();
      await bench.store.open(bench.name(3), CHROMIUM);
      await writeFile(join(bench.userData(3), ORIGIN, '000004.log'), aLog('lost'));
      await prepare(bench);
      const lost = bench.paths.lostProfile(bench.name(3));
      if (stage === 'moved away') await rename(bench.userData(3), lost);
      if (stage === 'a second time') await mkdir(join(lost, 'Default'), { recursive: true });
      expect(await bench.store.open(bench.name(3), CHROMIUM)).toMatchObject({ restored: true });
      expect(await logOf(bench)).toContain('good');
      expect(await readFile(join(lost, ORIGIN, '000004.log'), 'latin1')).toContain('lost');
    }
  });

  it('is none before it is complete', async () => {
    const bench = await withGoodCopy();
    const copy = bench.paths.goodCopy(bench.name(3), NOW);
    await rename(copy, `${copy}.making`);
    expect(await prepare(bench)).toBeNull();
    await mkdir(`${bench.paths.restoredProfile(bench.name(3))}.making`);
    expect(await bench.store.open(bench.name(3), CHROMIUM)).toMatchObject({ restored: false });
  });

  it('that is damaged is passed over for what an earlier generation has, as it was when it was copied', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3, { mark: 'earlier' });
    await bench.adopt(3, 5);
    await bench.store.open(bench.name(5), CHROMIUM);
    await bench.store.markReady(bench.name(5));
    await bench.store.markCleanStop(bench.name(5));
    await bench.store.keepGoodCopy(bench.name(5));
    const [time = ''] = await readdir(bench.paths.goodCopies(bench.name(5)));
    await writeFile(join(bench.paths.goodCopies(bench.name(5)), time, ORIGIN, 'CURRENT'), 'nothing');
    expect(await prepare(bench, 5)).toBe('generation 3');
    expect(bench.lines).toMatchObject([{ level: 'warn', reason: expect.stringContaining('CURRENT says') }]);
    await bench.store.open(bench.name(5), CHROMIUM);
    expect(await logOf(bench, 5)).toContain('earlier');
  });

  it('is not had from a dead generation that was written to since', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3);
    await bench.adopt(3, 5);
    await bench.store.open(bench.name(5), CHROMIUM);
    await bench.store.markReady(bench.name(5));
    await writeFile(join(bench.userData(3), ORIGIN, '000004.log'), aLog('a zombie'));
    expect(await prepare(bench, 5)).toBeNull();
    expect(bench.lines).toMatchObject([
      { reason: expect.stringMatching(/no longer what was copied from it.*000004\.log/) },
    ]);
  });

  it('that an owner kept after it had lost the session is not used', async () => {
    for (const late of [false, true]) {
      const bench = await ProfileBench.make();
      await bench.ran(3, { clean: true });
      if (!late) await bench.store.keepGoodCopy(bench.name(3));
      await bench.adopt(3, 5);
      if (late) await bench.store.keepGoodCopy(bench.name(3));
      await bench.store.open(bench.name(5), CHROMIUM);
      expect(await prepare(bench, 5)).toBe(
        late ? null : 'the good copy of 2026-11-22T10:30:00.000Z in generation 3',
      );
    }
  });

  it('is not there for a session that was never stopped cleanly, nor taken over', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3);
    expect(await prepare(bench)).toBeNull();
  });
});
