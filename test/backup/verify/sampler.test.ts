import { randomBytes } from 'node:crypto';
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { backupIdAt } from '../../../backup/manifest/backup-ids.ts';
import type { BackedUpSession } from '../../../backup/manifest/manifest.ts';
import { Scratch } from '../../../backup/scratch.ts';
import { chooseSample } from '../../../backup/verify/sample.ts';
import { Sampler } from '../../../backup/verify/sampler.ts';
import { systemClock } from '../../../common/clock.ts';
import { physicalRecord } from '../../fleet/profile/log-writer.ts';
import {
  aManifest,
  aSessionRecord,
  backUp,
  memoryObjects,
  objectKey,
} from '../../helpers/backed-up-session.ts';
import { aDatabase, inDatabase } from '../../helpers/database-files.ts';
import { ToldOperation } from '../../helpers/operation-handle.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { toldDamage } from '../../helpers/told-damage.ts';

const ID = '20261122T090003Z';
const HOUR = 3_600_000;
const START = Date.parse('2026-11-22T09:00:03Z');

/** What looking at a session with these files comes to; and that nothing is left of it. */
async function look(
  files: Record<string, Buffer>,
  spoil?: (store: ReturnType<typeof memoryObjects>['store'], session: BackedUpSession) => void,
) {
  const { store, objects } = memoryObjects();
  const session = await backUp(objects, files);
  spoil?.(store, session);
  const directory = await temporaryDirectory();
  const { damage, told } = toldDamage();
  const operation = new ToldOperation();
  const scratch = new Scratch(directory, systemClock);
  const sampler = new Sampler({ objects, scratch, count: 3, damage });
  await sampler.look(aManifest(ID, [session]), operation);
  expect(await readdir(join(directory, 'backup'))).toEqual([]);
  return { operation, told };
}

it('finds nothing in a session that can be opened, also with a torn end of a log, which is repaired before any start', async () => {
  expect((await look(aDatabase())).operation.findings).toEqual([]);
  const torn = aDatabase();
  const log = inDatabase('000006.log');
  torn[log] = Buffer.concat([
    torn[log] ?? Buffer.alloc(0),
    physicalRecord(1, randomBytes(200)).subarray(0, 50),
  ]);
  const { operation, told } = await look(torn);
  expect(operation.findings).toEqual([]);
  expect(told.events).toEqual([]);
});

const without = (name: string) => {
  const { [inDatabase(name)]: _, ...rest } = aDatabase();
  return rest;
};
const instead = (name: string, content: Buffer) => ({ ...aDatabase(), [inDatabase(name)]: content });

it.each<[string, Record<string, Buffer>, RegExp]>([
  [
    'a table that its MANIFEST names',
    without('000005.ldb'),
    /000005\.ldb: MANIFEST-000001 names this table, and it is not there/,
  ],
  ['the log that its MANIFEST names', without('000006.log'), /000006\.log: .* it is not there/],
  ['a MANIFEST', without('MANIFEST-000001'), /names MANIFEST-000001, which is not there/],
  ['a CURRENT', without('CURRENT'), /no CURRENT/],
  ['anything', { 'Default/Local Storage/leveldb/x': Buffer.from('x') }, /holds no database/],
  [
    'a table but zeros',
    instead('000005.ldb', Buffer.alloc(aDatabase()[inDatabase('000005.ldb')]?.length ?? 0)),
    /does not end as tables do/,
  ],
  ['a MANIFEST but garbage', instead('MANIFEST-000001', randomBytes(300)), /MANIFEST-000001: /],
])('finds a session without %s, and names it', async (_, files, fault) => {
  const { operation, told } = await look(files);
  expect(operation.findings).toHaveLength(1);
  expect(operation.findings[0]).toMatch(fault);
  expect(operation.findings[0]).toContain(`Backup ${ID}: session main of workspace 7 was restored`);
  expect(told).toMatchObject({ counted: 1, events: [{ backup: ID }] });
});

it('finds one of which an object is damaged', async () => {
  const { operation, told } = await look(aDatabase(), (store, { archive }) =>
    store.objects.get(objectKey(archive ?? { sha256: '' }))?.content.fill(0),
  );
  expect(operation.findings[0]).toContain('is damaged: ');
  expect(told.counted).toBe(1);
});

it('says where it could not look, goes on with the others, fails, and calls nothing damaged for it', async () => {
  const { objects } = memoryObjects();
  const directory = await temporaryDirectory();
  await writeFile(join(directory, 'backup'), 'in the way');
  const { damage, told } = toldDamage();
  const operation = new ToldOperation();
  const sampler = new Sampler({ objects, scratch: new Scratch(directory, systemClock), count: 2, damage });
  const sessions = [
    await backUp(objects, aDatabase()),
    await backUp(objects, aDatabase(), { record: aSessionRecord({ session_id: 'sales' }) }),
  ];
  await expect(sampler.look(aManifest(ID, sessions), operation)).rejects.toThrow(
    /Could not make the directory/,
  );
  expect(operation.findings).toHaveLength(2);
  for (const name of ['main', 'sales'])
    expect(operation.findings.join()).toMatch(
      new RegExp(`session ${name} of workspace 7 .*could not be: Could not make the directory .*backup`),
    );
  expect(told.counted).toBe(0);
});

it('removes from the scratch directory what is older than a day', async () => {
  const directory = await temporaryDirectory();
  const root = join(directory, 'backup');
  await mkdir(join(root, 'old', 'profile'), { recursive: true });
  await mkdir(join(root, 'young'));
  await utimes(join(root, 'old'), new Date(Date.now() - 25 * HOUR), new Date(Date.now() - 25 * HOUR));
  await new Scratch(directory, systemClock).tidy();
  expect(await readdir(root)).toEqual(['young']);
  await new Scratch(join(directory, 'nowhere'), systemClock).tidy();
});

/** So many sessions, the last of them without a profile. */
async function sessions(count: number): Promise<BackedUpSession[]> {
  const { objects } = memoryObjects();
  const one = await backUp(objects, {});
  return Array.from({ length: count }, (_, at) => ({
    ...one,
    record: aSessionRecord({ session_id: `s${at}` }),
    archive: at === count - 1 ? null : one.archive,
  }));
}

const namesOf = (sample: BackedUpSession[]) => sample.map(({ record }) => record.session_id);

it('chooses the same sessions for the same backup, whatever order they are in', async () => {
  const all = await sessions(50);
  const sample = namesOf(chooseSample(ID, all, 3));
  expect(sample).toHaveLength(3);
  expect(namesOf(chooseSample(ID, all.toReversed(), 3))).toEqual(sample);
  expect(namesOf(chooseSample('20261122T095959Z', all, 3))).toEqual(sample);
});

it('lets all have their turn within twice as many hours as it takes, and none without a profile', async () => {
  const all = await sessions(50);
  const seen = new Set<string>();
  const turns = Math.ceil(49 / 3);
  for (let hour = 0; hour < 2 * turns; hour += 1)
    for (const name of namesOf(chooseSample(backupIdAt(START + hour * HOUR), all, 3))) seen.add(name);
  expect(seen.size).toBe(49);
  expect(seen).not.toContain('s49');
});

it('lets all have their turn where the schedule passes over hours', async () => {
  const all = await sessions(49);
  for (const every of [2, 3, 4, 6, 24]) {
    const seen = new Set<string>();
    for (let run = 0; run < 500; run += 1)
      for (const name of namesOf(chooseSample(backupIdAt(START + run * every * HOUR), all, 3)))
        seen.add(name);
    expect(seen.size, `every ${every} hours`).toBe(48);
  }
});

it('chooses all of a few, and none where none is asked for', async () => {
  const all = await sessions(3);
  expect(namesOf(chooseSample(ID, all, 5)).toSorted()).toEqual(['s0', 's1']);
  expect(chooseSample(ID, all, 0)).toEqual([]);
  expect(chooseSample(ID, [], 3)).toEqual([]);
});
