import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NEW_RECORD, writeProfileRecord } from '../../../instance/profile/profile-record.ts';
import { aLog, CHROMIUM, ORIGIN, ProfileBench } from './profile-files.ts';

describe('a profile that cannot be taken over', () => {
  it('is passed over for the last good copy in its generation, and the log says so', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3, { clean: true, mark: 'good' });
    await bench.store.keepGoodCopy(bench.name(3));
    await bench.store.open(bench.name(3), CHROMIUM);
    await writeFile(join(bench.userData(3), ORIGIN, 'CURRENT'), 'nothing');
    const made = await bench.adopt(3, 5);
    expect(made).toMatchObject({ source: { kind: 'good_copy', generation: 3 } });
    expect(await readFile(join(bench.userData(5), ORIGIN, '000004.log'), 'latin1')).toContain('good');
    expect(bench.lines).toMatchObject([
      {
        level: 'error',
        reason: expect.stringContaining('CURRENT says'),
        next: expect.stringContaining('good copy of 2026'),
      },
    ]);
  });

  it('is passed over for the generation it was made from, as it was when it was copied', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3, { mark: 'earlier' });
    await bench.adopt(3, 5);
    await bench.store.open(bench.name(5), CHROMIUM);
    await bench.store.markReady(bench.name(5));
    await rm(join(bench.userData(5), 'Default/IndexedDB'), { recursive: true });
    const made = await bench.adopt(5, 6);
    expect(made).toMatchObject({ source: { kind: 'profile', generation: 3, provenBy: 5 } });
    expect(await readFile(join(bench.userData(6), ORIGIN, '000004.log'), 'latin1')).toContain('earlier');
  });

  it('is not replaced by a byte that was written to a dead generation', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3, { mark: 'earlier' });
    await bench.adopt(3, 5);
    await bench.store.open(bench.name(5), CHROMIUM);
    await bench.store.markReady(bench.name(5));
    await rm(join(bench.userData(5), 'Default/IndexedDB'), { recursive: true });
    // What the owner before writes when it comes back from a pause: whole, and well-formed.
    await writeFile(join(bench.userData(3), ORIGIN, '000004.log'), aLog('a zombie'));
    await expect(bench.adopt(5, 6)).rejects.toMatchObject({
      code: 'profile_damaged',
      message: expect.stringContaining('there is no IndexedDB'),
    });
    expect(bench.lines).toMatchObject([{ level: 'error' }]);
    expect(await bench.store.generations('7', 'main')).toEqual([5, 3]);
  });

  it('is an error where there is nothing else', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3);
    await writeFile(join(bench.userData(3), ORIGIN, 'CURRENT'), 'nothing');
    await expect(bench.adopt(3, 5)).rejects.toMatchObject({
      code: 'profile_damaged',
      message: expect.stringMatching(
        /The profile of session main \(workspace 7\) in generation 3 is damaged.*CURRENT says/,
      ),
    });
  });

  it('is not one whose restored profile has not been put in its place: that one counts', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3, { clean: true, mark: 'good' });
    await bench.store.keepGoodCopy(bench.name(3));
    await bench.store.open(bench.name(3), CHROMIUM);
    await writeFile(join(bench.userData(3), ORIGIN, '000004.log'), aLog('asks for a QR'));
    const { signal, log } = bench.request(3, 5);
    await bench.store.prepareLastGood(bench.name(3), log, signal);
    await bench.adopt(3, 5);
    expect(await readFile(join(bench.userData(5), ORIGIN, '000004.log'), 'latin1')).toContain('good');
  });

  it('with a record of before versions were kept is adopted', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3);
    await writeProfileRecord(bench.paths.profileRecord(bench.name(3)), NEW_RECORD);
    expect(await bench.adopt(3, 5)).toMatchObject({ generation: 5 });
  });
});
