import {
  appendFile,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  aLog,
  CHROMIUM,
  LOCAL,
  NEEDED_FILES,
  ORIGIN,
  ProfileBench,
  TORN_HEADER,
  treeOf,
} from './profile-files.ts';

describe('a new generation', () => {
  it('holds what a session needs, and nothing else', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3);
    await symlink('/etc/hostname', join(bench.userData(3), ORIGIN, '000009.ldb'));
    const before = await treeOf(bench.paths.generation(bench.name(3)));
    const made = await bench.adopt(3, 5);
    expect(made).toMatchObject({
      generation: 5,
      source: { kind: 'profile', generation: 3, provenBy: null },
      copied: { exact: false, clean: false, repair: { truncated: [], faults: [] } },
    });

    const copy = await treeOf(bench.userData(5));
    expect(Object.keys(copy).sort()).toEqual([...NEEDED_FILES].sort());
    const source = await treeOf(bench.userData(3));
    for (const path of NEEDED_FILES) expect(copy[path]).toBe(source[path]);
    expect(await treeOf(bench.paths.generation(bench.name(3)))).toEqual(before);
    expect((await readdir(bench.paths.session('7', 'main'))).sort()).toEqual(['gen-3', 'gen-5']);
    for (const path of NEEDED_FILES)
      expect((await stat(join(bench.userData(5), path))).mode & 0o777).toBe(0o600);
    expect((await stat(bench.userData(5))).mode & 0o777).toBe(0o700);
    expect(await bench.record(5)).toEqual({
      chromium: '156.0.8078.79',
      opened_at: '2026-11-22T10:30:00.000Z',
      clean_stop: false,
      made_at: '2026-11-22T10:30:00.000Z',
      made_from: 3,
      starts: 0,
      ready_starts: 0,
    });
    expect(await bench.store.open(bench.name(5), CHROMIUM)).toMatchObject({ state: 'ready', fresh: false });
  });

  it('is repaired: the torn end of a log is cut off in the copy, and kept, and the source is left alone', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3);
    const log = join(bench.userData(3), ORIGIN, '000004.log');
    const whole = await readFile(log);
    await appendFile(log, TORN_HEADER);
    const made = await bench.adopt(3, 5);
    expect(made.copied?.repair?.truncated).toMatchObject([{ reason: 'partial_payload' }]);
    expect(await readFile(join(bench.userData(5), ORIGIN, '000004.log'))).toEqual(whole);
    expect((await readFile(log)).length).toBe(whole.length + TORN_HEADER.length);
    const [tail = ''] = await readdir(bench.paths.tornTails(bench.name(5)));
    expect(await readFile(join(bench.paths.tornTails(bench.name(5)), tail))).toEqual(
      Buffer.from(TORN_HEADER),
    );
  });

  it('has what was written between its two passes', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3);
    const database = join(bench.userData(3), ORIGIN);
    const making = await bench.store.adopt(bench.request(3, 5));
    await writeFile(join(database, '000004.log'), aLog('later', 40));
    // A log of the same size and time is still another one.
    const local = join(bench.userData(3), LOCAL, '000004.log');
    const { atime, mtime } = await stat(local);
    const other = (await readFile(local)).map((byte, index) => (index === 5000 ? byte ^ 1 : byte));
    await writeFile(local, other);
    await utimes(local, atime, mtime);
    await writeFile(join(database, '000008.ldb'), 'a new table');
    await rm(join(bench.userData(3), 'Default/IndexedDB/https_web.whatsapp.com_0.indexeddb.blob'), {
      recursive: true,
    });
    await making.finish();

    const [copy, source] = [await treeOf(bench.userData(5)), await treeOf(bench.userData(3))];
    expect(Object.keys(copy)).toHaveLength(9);
    for (const [path, hash] of Object.entries(copy)) expect(hash).toBe(source[path]);
    expect(copy[`${ORIGIN}/000008.ldb`]).toBeDefined();
  });

  it('is not there before it is complete', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3);
    const making = await bench.store.adopt(bench.request(3, 5));
    expect(await bench.store.generations('7', 'main')).toEqual([3]);
    await making.finish();
    expect(await bench.store.generations('7', 'main')).toEqual([5, 3]);
  });

  it('is made once: asked for again, it is taken as it is', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3);
    await bench.adopt(3, 5);
    await writeFile(join(bench.userData(3), ORIGIN, '000004.log'), aLog('a zombie'));
    const before = await treeOf(bench.userData(5));
    expect(await bench.adopt(3, 5)).toEqual({ generation: 5, source: null, copied: null });
    expect(await bench.adopt(5, 5)).toMatchObject({ generation: 5, source: null });
    expect(await bench.adopt(6, 5)).toMatchObject({ generation: 6, source: null });
    expect(await treeOf(bench.userData(5))).toEqual(before);
  });

  it('takes the place of one that was broken off, whichever epoch it was for', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3);
    for (const generation of [4, 5])
      await mkdir(
        join(
          bench.paths.generationInMaking(bench.name(generation)),
          'session-main',
          'Default',
          'IndexedDB',
          'rubbish',
        ),
        { recursive: true },
      );
    await bench.adopt(3, 5);
    expect((await readdir(bench.paths.session('7', 'main'))).sort()).toEqual(['gen-3', 'gen-5']);
    expect(Object.keys(await treeOf(bench.userData(5)))).toHaveLength(9);
    expect(await readdir(join(bench.userData(5), 'Default/IndexedDB'))).not.toContain('rubbish');
  });

  it.each(['gen-6', 'gen-6.making'])('is not made where a later owner has made %s', async (directory) => {
    const bench = await ProfileBench.make();
    await bench.ran(3);
    await mkdir(join(bench.paths.session('7', 'main'), directory));
    await expect(bench.adopt(3, 5)).rejects.toMatchObject({
      code: 'not_owner',
      message: expect.stringMatching(/Generation 5 of session main .*generation 6 is there/),
    });
    expect(await bench.store.generations('7', 'main')).not.toContain(5);
  });

  it('never comes from a generation that the record does not name yet', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3, { mark: 'the truth' });
    // Made by an owner that ended before it could name it.
    await bench.adopt(3, 4);
    await writeFile(join(bench.userData(4), ORIGIN, '000004.log'), aLog('a dead end'));
    expect(await bench.adopt(3, 5)).toMatchObject({ source: { generation: 3 } });
    expect(await readFile(join(bench.userData(5), ORIGIN, '000004.log'), 'latin1')).toContain('the truth');
  });

  it('needs nothing to copy for an account that was never linked', async () => {
    const bench = await ProfileBench.make();
    expect(await bench.adopt(3, 5, { record: { ...bench.request(3, 5).record, linked: false } })).toEqual({
      generation: 5,
      source: null,
      copied: null,
    });
    expect(await bench.store.generations('7', 'main')).toEqual([]);
  });

  it('is not made of nothing for a linked account: a missing mount must not look like a logout', async () => {
    const bench = await ProfileBench.make();
    await expect(bench.adopt(3, 5)).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringMatching(/profile of a linked session at .*gen-3/),
    });
  });

  it('starts anew where the profile of an account that was never linked is damaged', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3, { ready: 0 });
    await writeFile(join(bench.userData(3), ORIGIN, 'CURRENT'), 'nothing');
    const record = { ...bench.request(3, 5).record, linked: false };
    expect(await bench.adopt(3, 5, { record })).toEqual({ generation: 5, source: null, copied: null });
    expect(await readdir(bench.paths.session('7', 'main'))).toEqual(['gen-3']);
  });

  it('carries the version of Chromium that wrote it, so that an older one is refused', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3);
    await bench.adopt(3, 5);
    await expect(bench.store.open(bench.name(5), [155, 9, 9, 9])).rejects.toMatchObject({
      code: 'chromium_too_old',
    });
  });

  it('takes a source whose record cannot be read as one of an unknown Chromium', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3);
    await writeFile(bench.paths.profileRecord(bench.name(3)), '{');
    await bench.adopt(3, 5);
    expect(await bench.record(5)).toMatchObject({ chromium: null, opened_at: null });
  });

  it('is not made while somebody still writes to its source', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3);
    const log = join(bench.userData(3), ORIGIN, '000004.log');
    let written = 0;
    const making = await bench.store.adopt(bench.request(3, 5));
    bench.meanwhile = async () => writeFile(log, aLog('still here', ++written));
    await writeFile(log, aLog('still here', 50));
    await expect(making.finish()).rejects.toMatchObject({
      code: 'browser_failed',
      message: expect.stringMatching(/main .*does not hold still: .*000004\.log.*end that browser/),
    });
    expect(await bench.store.generations('7', 'main')).toEqual([3]);

    bench.meanwhile = async () => {};
    expect(await bench.adopt(3, 5)).toMatchObject({ generation: 5 });
  });

  it('waits for writes that are under way, and has them', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3);
    const log = join(bench.userData(3), ORIGIN, '000004.log');
    const making = await bench.store.adopt(bench.request(3, 5));
    let writes = 0;
    bench.meanwhile = async () => {
      if (++writes <= 4) await writeFile(log, aLog('late', 10 + writes));
    };
    await writeFile(log, aLog('late', 10));
    await making.finish();
    expect(await readFile(join(bench.userData(5), ORIGIN, '000004.log'))).toEqual(aLog('late', 14));
  });

  it('waits for a table that its MANIFEST names and that does not show yet', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3);
    const table = join(bench.userData(3), ORIGIN, '000005.ldb');
    const content = await readFile(table);
    await unlink(table);
    bench.meanwhile = async () => {
      if (bench.slept > 1000) await writeFile(table, content);
    };
    await bench.adopt(3, 5);
    expect(await readFile(join(bench.userData(5), ORIGIN, '000005.ldb'))).toEqual(content);
  });
});
