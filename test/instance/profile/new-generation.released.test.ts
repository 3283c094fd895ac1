import { appendFile, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { aLog, CHROMIUM, NEEDED_FILES, ORIGIN, ProfileBench, TORN_HEADER } from './profile-files.ts';

const US = { epoch: 3, instance: 'instance-1', host: 'one' };

describe('a generation that was released', () => {
  it('is met exactly, and needs no repair after a clean stop', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3, { clean: true });
    const list = await bench.store.release(bench.name(3), US);
    expect(list).toMatchObject({
      version: 1,
      workspace_id: '7',
      session_id: 'main',
      generation: 3,
      ...US,
      clean: true,
    });
    expect(list?.files.map(({ path }) => path)).toEqual([...NEEDED_FILES].sort());
    const made = await bench.adopt(3, 5, { released: true });
    expect(made).toMatchObject({ copied: { exact: true, clean: true, repair: null } });
    expect(bench.slept).toBe(0);
    expect(await bench.record(5)).toMatchObject({ clean_stop: true, starts: 0 });
    expect(await bench.store.open(bench.name(5), CHROMIUM)).toMatchObject({ state: 'ready', repair: null });
  });

  it('is repaired all the same where its browser had been killed', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3);
    await appendFile(join(bench.userData(3), ORIGIN, '000004.log'), TORN_HEADER);
    expect(await bench.store.release(bench.name(3), US)).toMatchObject({ clean: false });
    const made = await bench.adopt(3, 5, { released: true });
    expect(made).toMatchObject({ copied: { exact: true, clean: false, repair: { truncated: [{}] } } });
    expect(await bench.record(5)).toMatchObject({ clean_stop: false });
  });

  it.each([
    [
      'a file is missing',
      async (database: string) => unlink(join(database, '000005.ldb')),
      /000005\.ldb is missing/,
    ],
    [
      'a file is shorter',
      async (database: string) => writeFile(join(database, '000005.ldb'), 'x'),
      /000005\.ldb has 1 bytes instead of \d+/,
    ],
    [
      'a file was not there',
      async (database: string) => writeFile(join(database, '000006.log'), aLog('zombie')),
      /000006\.log was not there/,
    ],
    [
      'one byte is another',
      async (database: string) => {
        const path = join(database, '000005.ldb');
        const bytes = await readFile(path);
        await writeFile(
          path,
          bytes.map((byte, index) => (index === 7 ? byte ^ 1 : byte)),
        );
      },
      /000005\.ldb has other content/,
    ],
  ])('is not taken over where %s', async (_, change, message) => {
    const bench = await ProfileBench.make();
    await bench.ran(3, { clean: true });
    await bench.store.release(bench.name(3), US);
    await change(join(bench.userData(3), ORIGIN));
    await expect(bench.adopt(3, 5, { released: true })).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringMatching(message),
    });
    expect(bench.slept).toBeGreaterThan(2000);
    expect(await bench.store.generations('7', 'main')).toEqual([3]);
    // What the error advises.
    await rm(bench.paths.releaseList(bench.name(3)));
    const repaired = await bench.adopt(3, 5).catch((error: unknown) => error);
    expect(repaired).toSatisfy(
      (it: { generation?: number; code?: string }) => it.generation === 5 || it.code === 'profile_damaged',
    );
  });

  it('is waited for while its files do not all show yet', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3, { clean: true });
    await bench.store.release(bench.name(3), US);
    const log = join(bench.userData(3), ORIGIN, '000004.log');
    const content = await readFile(log);
    await writeFile(log, content.subarray(0, 50));
    bench.meanwhile = async () => {
      if (bench.slept > 1500) await writeFile(log, content);
    };
    expect(await bench.adopt(3, 5, { released: true })).toMatchObject({ copied: { clean: true } });
  });

  it('is waited for while its list does not show yet', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3, { clean: true });
    bench.meanwhile = async () => {
      if (bench.slept > 900) await bench.store.release(bench.name(3), US);
    };
    expect(await bench.adopt(3, 5, { released: true })).toMatchObject({
      copied: { exact: true, clean: true },
    });
  });

  it('is repaired where its list never shows', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3, { clean: true });
    expect(await bench.adopt(3, 5, { released: true })).toMatchObject({
      copied: { exact: false, clean: false },
    });
    expect(bench.slept).toBeGreaterThan(1000);
  });

  it('is so no longer once a browser is started there', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3, { clean: true });
    await bench.store.release(bench.name(3), US);
    await bench.store.open(bench.name(3), CHROMIUM);
    expect(await readdir(bench.paths.generation(bench.name(3)))).not.toContain('wharf-release.json');
  });

  it('has no list where there is no profile yet', async () => {
    const bench = await ProfileBench.make();
    expect(await bench.store.release(bench.name(3), US)).toBeNull();
  });
});
