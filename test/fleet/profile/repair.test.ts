import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endangersProfile, inspectProfile, repairProfile } from '../../../fleet/profile/repair.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { appendRecords, physicalRecord, versionEdit } from './log-writer.ts';

const EMPTY = new Uint8Array(0);
const NOW = Date.UTC(2026, 10, 22, 10, 30);
const BORN = versionEdit({ comparator: 'idb_cmp1', logNumber: 0, nextFile: 2, lastSequence: 0 });
const LOG = appendRecords(EMPTY, [new Uint8Array(100), new Uint8Array(200)]).bytes;
const TORN = physicalRecord(1, new Uint8Array(90)).subarray(0, 7);
const ORIGIN = join('Default', 'IndexedDB', 'https_web.whatsapp.com_0.indexeddb.leveldb');
const LOCAL = join('Default', 'Local Storage', 'leveldb');

async function makeDatabase(directory: string, log: Uint8Array): Promise<void> {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'CURRENT'), 'MANIFEST-000001\n');
  await writeFile(join(directory, 'MANIFEST-000001'), appendRecords(EMPTY, [BORN]).bytes);
  await writeFile(join(directory, '000003.log'), log);
  await writeFile(join(directory, 'LOCK'), '');
}

async function makeProfile(
  log: Uint8Array = Buffer.concat([LOG, TORN]),
): Promise<{ userData: string; tails: string }> {
  const directory = await temporaryDirectory();
  const userData = join(directory, 'session-main');
  await makeDatabase(join(userData, ORIGIN), log);
  await makeDatabase(join(userData, LOCAL), log);
  return { userData, tails: join(directory, 'torn-tails') };
}

describe('repairProfile', () => {
  it('cuts the torn logs of IndexedDB and Local Storage, keeps what it cut outside the profile, and is then done', async () => {
    const { userData, tails } = await makeProfile();
    const report = await repairProfile(userData, { tails, now: NOW });
    expect(report).toMatchObject({
      files: 8,
      truncated: [
        { file: join(ORIGIN, '000003.log'), from: LOG.length + 7, to: LOG.length, reason: 'partial_payload' },
        { file: join(LOCAL, '000003.log'), from: LOG.length + 7, to: LOG.length, reason: 'partial_payload' },
      ],
      faults: [],
    });
    for (const { file, kept } of report.truncated) {
      expect(await readFile(join(userData, file))).toEqual(Buffer.from(LOG));
      expect(kept?.startsWith(tails)).toBe(true);
      expect(await readFile(kept ?? '')).toEqual(Buffer.from(TORN));
      expect((await stat(kept ?? '')).mode & 0o777).toBe(0o600);
    }
    expect((await stat(tails)).mode & 0o777).toBe(0o700);
    expect(await repairProfile(userData, { tails, now: NOW })).toMatchObject({ truncated: [], faults: [] });
  });

  it('keeps no more than 32 tails, the newest', async () => {
    const { userData, tails } = await makeProfile();
    for (let round = 0; round < 20; round++) {
      for (const place of [ORIGIN, LOCAL])
        await writeFile(join(userData, place, '000003.log'), Buffer.concat([LOG, TORN]));
      await repairProfile(userData, { tails, now: NOW + round });
    }
    const kept = (await readdir(tails)).sort();
    expect(kept).toHaveLength(32);
    expect(kept[0]).toMatch(/^20261122T103000004Z-/);
  });

  it('only says what it would do when it is to look and not to touch', async () => {
    const { userData } = await makeProfile();
    await symlink('host-123', join(userData, 'SingletonLock'));
    expect(await inspectProfile(userData)).toMatchObject({
      truncated: [{ kept: null }, { kept: null }],
      removedLinks: ['SingletonLock'],
    });
    expect((await readFile(join(userData, ORIGIN, '000003.log'))).length).toBe(LOG.length + 7);
    expect(await readdir(userData)).toContain('SingletonLock');
  });

  it("removes a gone browser's links, which point nowhere, and leaves LOCK files", async () => {
    const { userData, tails } = await makeProfile(LOG);
    await symlink('other-host-4711', join(userData, 'SingletonLock'));
    await symlink('1234567', join(userData, 'SingletonCookie'));
    await symlink(join(userData, 'gone', 'SingletonSocket'), join(userData, 'SingletonSocket'));
    const report = await repairProfile(userData, { tails, now: NOW });
    expect(report.removedLinks).toEqual(['SingletonLock', 'SingletonCookie', 'SingletonSocket']);
    expect(await readdir(userData)).toEqual(['Default']);
    expect(await readdir(join(userData, ORIGIN))).toContain('LOCK');
  });

  it('takes a profile that does not exist, or has no databases yet, as whole', async () => {
    const directory = await temporaryDirectory();
    const nothing = { files: 0, truncated: [], removedLinks: [], faults: [] };
    expect(await repairProfile(join(directory, 'none'), { tails: null, now: NOW })).toEqual(nothing);
    await mkdir(join(directory, 'some', 'Default'), { recursive: true });
    expect(await repairProfile(join(directory, 'some'), { tails: null, now: NOW })).toEqual(nothing);
  });

  it('does not cut where whole records stand behind the damage and there is no place to keep them', async () => {
    const torn = appendRecords(Buffer.concat([LOG, TORN]), [new Uint8Array(300)]).bytes;
    const { userData, tails } = await makeProfile(torn);
    await writeFile(tails, 'a file in the way');
    const report = await repairProfile(userData, { tails, now: NOW });
    expect(report.truncated).toEqual([]);
    expect(endangersProfile(report)).toBe(true);
    expect(report.faults.map((fault) => fault.code)).toEqual([
      'records_lost',
      'tail_not_kept',
      'cut_failed',
      'records_lost',
      'tail_not_kept',
      'cut_failed',
    ]);
    expect((await readFile(join(userData, ORIGIN, '000003.log'))).length).toBe(torn.length);
  });

  it('cuts a merely torn end even if the tail cannot be kept, and says so', async () => {
    const { userData, tails } = await makeProfile();
    await writeFile(tails, 'a file in the way');
    const report = await repairProfile(userData, { tails, now: NOW });
    expect(report.truncated).toHaveLength(2);
    expect(report.faults).toMatchObject([
      { code: 'tail_not_kept', severity: 'note' },
      { code: 'tail_not_kept' },
    ]);
    expect(endangersProfile(report)).toBe(false);
  });

  it('opens no pipe and follows no link out of the profile', { timeout: 10_000 }, async () => {
    const { userData, tails } = await makeProfile(LOG);
    const outside = join(userData, '..', 'outside.log');
    await writeFile(outside, Buffer.concat([LOG, TORN]));
    await symlink(outside, join(userData, ORIGIN, '000007.log'));
    execFileSync('mkfifo', [join(userData, ORIGIN, '000009.log')]);
    await mkdir(join(userData, ORIGIN, '000011.log'));
    const report = await repairProfile(userData, { tails, now: NOW });
    expect(report.faults.map((fault) => [fault.code, fault.file.slice(-10)]).sort()).toEqual([
      ['unreadable', '000007.log'],
      ['unreadable', '000009.log'],
      ['unreadable', '000011.log'],
    ]);
    expect((await readFile(outside)).length).toBe(LOG.length + 7);
  });

  it('reports, and does not throw, where the profile or a part of it is a file', async () => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory, 'file'), 'x');
    const report = await repairProfile(join(directory, 'file'), { tails: null, now: NOW });
    expect(report.faults.map((fault) => fault.code)).toEqual(['unreadable', 'unreadable']);
    expect(endangersProfile(report)).toBe(true);
  });

  it('leaves, of whatever bytes it finds in whatever files, a profile with nothing left to cut', {
    timeout: 60_000,
  }, async () => {
    const { userData, tails } = await makeProfile();
    const name = fc.constantFrom(
      'CURRENT',
      'MANIFEST-000001',
      '000003.log',
      '000005.log',
      '000004.ldb',
      'SingletonLock',
      'LOG',
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 })
        .map((records) => appendRecords(EMPTY, records).bytes),
      fc.constant(Buffer.from('MANIFEST-000001\n') as Uint8Array),
    );
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, bytes), async (files) => {
        for (const [file, content] of Object.entries(files))
          await writeFile(join(userData, ORIGIN, file), content);
        await repairProfile(userData, { tails, now: NOW });
        expect((await inspectProfile(userData)).truncated).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });
});
