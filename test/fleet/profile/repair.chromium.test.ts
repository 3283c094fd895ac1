import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { walkLog } from '../../../fleet/profile/leveldb-log.ts';
import { endangersProfile, inspectProfile, repairProfile } from '../../../fleet/profile/repair.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { serveDatabasePage } from '../../instance/profile/database-page.ts';
import { appendRecords, physicalRecord, versionEdit } from './log-writer.ts';

const DELETED = /corrupted \(and deleted\)|checksum mismatch/;
/** A header that promises 200 bytes, and none of them: what a kill between LevelDB's two writes of a record leaves. */
const TORN_HEADER = physicalRecord(1, new Uint8Array(200)).subarray(0, 7);

async function indexedDb(userData: string): Promise<string> {
  const parent = join(userData, 'Default', 'IndexedDB');
  const [name] = (await readdir(parent)).filter((entry) => entry.endsWith('.leveldb'));
  expect(name).toBeDefined();
  return join(parent, name ?? '');
}

async function liveLog(database: string): Promise<string> {
  const logs = (await readdir(database)).filter((name) => name.endsWith('.log')).sort();
  expect(logs.length).toBeGreaterThan(0);
  return join(database, logs.at(-1) ?? '');
}

describe('a real Chromium', { timeout: 120_000 }, () => {
  for (const repaired of [false, true]) {
    const outcome = repaired ? 'keeps its IndexedDB when the repair came in between' : 'loses its IndexedDB';
    it(`that starts twice after a torn header in its log ${outcome}`, async () => {
      const page = await serveDatabasePage();
      const directory = await temporaryDirectory();
      const userData = join(directory, 'profile');

      const first = await page.start(userData);
      expect(first.found).toEqual({ rows: 0, highest: 0, local: 0 });
      expect(await first.write(40)).toBe(40);
      await first.close();
      const log = await liveLog(await indexedDb(userData));
      const wholeBytes = (await readFile(log)).length;
      await appendFile(log, TORN_HEADER);

      if (repaired) {
        const report = await repairProfile(userData, { tails: join(directory, 'tails'), now: Date.now() });
        expect(report.faults).toEqual([]);
        expect(report.truncated).toMatchObject([
          { from: wholeBytes + 7, to: wholeBytes, reason: 'partial_payload' },
        ]);
        expect(await readFile(report.truncated[0]?.kept ?? '')).toEqual(Buffer.from(TORN_HEADER));
      }

      // The start right after finds everything, torn or not: this is what makes it so easy to miss.
      const second = await page.start(userData);
      expect(second.found).toMatchObject({ rows: 40, highest: 40 });
      expect(await second.write(40)).toBe(80);
      await second.close();

      const third = await page.start(userData);
      const complaints = third.complaints();
      await third.kill();
      if (repaired) {
        expect(third.found).toMatchObject({ rows: 80, highest: 80 });
        expect(complaints).not.toMatch(DELETED);
      } else {
        expect(third.found).toMatchObject({ rows: 0, highest: 0 });
        expect(complaints).toMatch(DELETED);
      }
    });
  }

  it('whose log was torn and appended to keeps all before the tear when repaired, and the report names what is lost', async () => {
    const page = await serveDatabasePage();
    const directory = await temporaryDirectory();
    const userData = join(directory, 'profile');
    const first = await page.start(userData);
    await first.write(40);
    await first.close();
    await appendFile(await liveLog(await indexedDb(userData)), TORN_HEADER);
    const second = await page.start(userData);
    await second.write(40);
    await second.close();

    const report = await repairProfile(userData, { tails: join(directory, 'tails'), now: Date.now() });
    expect(report.truncated).toMatchObject([{ reason: 'bad_checksum' }]);
    expect(report.faults).toMatchObject([{ code: 'records_lost', severity: 'loss' }]);
    expect(report.faults[0]?.detail).toMatch(/^\d\d+ whole records .* without a repair$/);

    const third = await page.start(userData);
    await third.kill();
    expect(third.found).toMatchObject({ rows: 40, highest: 40 });
    expect(third.complaints()).not.toMatch(DELETED);
  });

  it('killed in mid-burst again and again has all it had committed, at the next start and the one after', async () => {
    const page = await serveDatabasePage();
    const directory = await temporaryDirectory();
    const userData = join(directory, 'profile');
    let highest = 0;
    for (let round = 1; round <= 6; round++) {
      const browser = await page.start(userData);
      expect(browser.found.highest).toBeGreaterThanOrEqual(highest);
      expect(browser.found.rows).toBe(browser.found.highest);
      expect(browser.complaints()).not.toMatch(DELETED);
      await browser.burst();
      while (browser.committed() < highest + 15 * round)
        await new Promise((resolve) => setTimeout(resolve, 5));
      await browser.kill();
      highest = browser.committed();

      const report = await repairProfile(userData, { tails: join(directory, 'tails'), now: Date.now() });
      expect(report.faults).toEqual([]);
      expect(report.files).toBeGreaterThan(6);
      expect((await inspectProfile(userData)).truncated).toEqual([]);
    }
    const last = await page.start(userData);
    expect(last.found.rows).toBe(last.found.highest);
    expect(last.found.highest).toBeGreaterThanOrEqual(highest);
    await last.close();
    expect(await inspectProfile(userData)).toMatchObject({ truncated: [], faults: [] });
  });

  it('reads a cut log exactly as far as the walk says it is whole', async () => {
    const page = await serveDatabasePage();
    const directory = await temporaryDirectory();
    const userData = join(directory, 'profile');
    const first = await page.start(userData);
    await first.write(30);
    await first.close();
    const log = await liveLog(await indexedDb(userData));
    const bytes = await readFile(log);
    const sizes: number[] = [];
    // The rows' commits are the last of the log; cut inside ever earlier ones, without a repair: what Chromium then reads is the prefix.
    for (const share of [0.97, 0.8, 0.66]) sizes.push(Math.floor(bytes.length * share));
    for (const size of sizes) {
      await writeFile(log, bytes.subarray(0, size));
      const torn = await page.start(userData);
      await torn.kill();
      await writeFile(log, bytes.subarray(0, walkLog(bytes.subarray(0, size)).wholeLength));
      const cut = await page.start(userData);
      await cut.kill();
      expect(cut.found.highest).toBe(torn.found.highest);
      expect(cut.found.highest).toBeGreaterThan(0);
      expect(cut.found.highest).toBeLessThan(30);
    }
  });

  for (const repaired of [false, true]) {
    const outcome = repaired ? 'keeps its IndexedDB when the repair came in between' : 'loses its IndexedDB';
    it(`whose MANIFEST was torn and appended to ${outcome}`, async () => {
      const page = await serveDatabasePage();
      const directory = await temporaryDirectory();
      const userData = join(directory, 'profile');
      const first = await page.start(userData);
      await first.write(20);
      await first.close();
      const database = await indexedDb(userData);
      const manifest = join(database, (await readFile(join(database, 'CURRENT'), 'latin1')).trim());
      const wholeBytes = (await readFile(manifest)).length;
      await appendFile(manifest, TORN_HEADER);

      if (repaired) {
        const report = await repairProfile(userData, { tails: join(directory, 'tails'), now: Date.now() });
        expect(report.truncated).toMatchObject([{ to: wholeBytes, reason: 'partial_payload' }]);
        expect(report.faults).toEqual([]);
      }
      // As the edits of a later run would be: these say what is known already, and change nothing.
      const edits = Array.from({ length: 12 }, () => versionEdit({ comparator: 'idb_cmp1' }));
      await writeFile(manifest, appendRecords(await readFile(manifest), edits).bytes);
      const before = await inspectProfile(userData);
      expect(endangersProfile(before)).toBe(!repaired);
      expect(before.faults.map((fault) => fault.code)).toEqual(repaired ? [] : ['manifest_damaged']);

      const second = await page.start(userData);
      await second.kill();
      expect(second.found).toMatchObject(repaired ? { rows: 20, highest: 20 } : { rows: 0, highest: 0 });
      if (!repaired) expect(second.complaints()).toMatch(DELETED);
    });
  }

  it('that had written corruption down deletes its IndexedDB at the next start, and the report says so before', async () => {
    const page = await serveDatabasePage();
    const userData = join(await temporaryDirectory(), 'profile');
    const first = await page.start(userData);
    await first.write(10);
    await first.close();
    await writeFile(join(await indexedDb(userData), 'corruption_info.json'), '{"message":"met it"}');
    expect((await inspectProfile(userData)).faults).toMatchObject([
      { code: 'corruption_recorded', severity: 'fatal' },
    ]);
    const second = await page.start(userData);
    await second.kill();
    expect(second.found.rows).toBe(0);
  });

  it('that is running is seen, and its profile is not touched', async () => {
    const page = await serveDatabasePage();
    const directory = await temporaryDirectory();
    const userData = join(directory, 'profile');
    const browser = await page.start(userData);
    await browser.write(5);
    const log = await liveLog(await indexedDb(userData));
    await appendFile(log, TORN_HEADER);
    const torn = (await readFile(log)).length;
    const report = await repairProfile(userData, { tails: join(directory, 'tails'), now: Date.now() });
    await browser.kill();
    expect(report).toMatchObject({ truncated: [], faults: [{ code: 'in_use', severity: 'fatal' }] });
    expect((await readFile(log)).length).toBe(torn);
  });
});
