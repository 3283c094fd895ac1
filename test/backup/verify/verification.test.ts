import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import type { BackedUpSession, Manifest } from '../../../backup/manifest/manifest.ts';
import { StoredCatalog } from '../../../backup/manifest/stored-catalog.ts';
import type { OperationHandle } from '../../../backup/operations.ts';
import { BackupsInUse } from '../../../backup/prune/backups-in-use.ts';
import { Verification } from '../../../backup/verify/verification.ts';
import { Verifier } from '../../../backup/verify/verifier.ts';
import { systemClock } from '../../../common/clock.ts';
import { WharfError } from '../../../common/errors.ts';
import {
  aManifest,
  aSessionRecord,
  backUp,
  memoryObjects,
  objectKey,
} from '../../helpers/backed-up-session.ts';
import { anOperation } from '../../helpers/backup-values.ts';
import { aDatabase, inDatabase } from '../../helpers/database-files.ts';
import { ToldOperation } from '../../helpers/operation-handle.ts';
import { toldDamage } from '../../helpers/told-damage.ts';

const OLD = '20261122T080003Z';
const NEW = '20261122T090003Z';
const shared = randomBytes(20_000);
const sharedPath = inDatabase('000009.ldb');

/** Two backups of two sessions that share a table; the older one has a session that did not change, and one that did. */
async function twoBackups() {
  const { store, objects } = memoryObjects();
  const catalog = new StoredCatalog(store);
  const session = (id: string, log: string) =>
    backUp(
      objects,
      { ...aDatabase(id, [log]), [sharedPath]: shared },
      { record: aSessionRecord({ session_id: id }) },
    );
  const main = await session('main', 'one');
  const before = await session('sales', 'one');
  const sales = await session('sales', 'two');
  await catalog.put(aManifest(OLD, [main, before]));
  await catalog.put(aManifest(NEW, [main, sales]));
  store.requests.length = 0;
  return { store, objects, catalog, main, before, sales };
}

async function verify(
  { catalog, objects }: Pick<Awaited<ReturnType<typeof twoBackups>>, 'catalog' | 'objects'>,
  ids: string[],
) {
  const { damage, told } = toldDamage();
  const operation = new ToldOperation();
  await new Verification({ catalog, objects, damage }, operation).check(ids);
  return { operation, told };
}

const flip = (content: Buffer | undefined) => content?.writeUInt8((content[30] ?? 0) ^ 1, 30);
const countOf = (...sessions: BackedUpSession[]) =>
  new Set(sessions.flatMap(({ archive, pieces }) => [archive, ...pieces].map((ref) => ref?.sha256))).size;

it('reads every object once, and finds nothing where nothing is wrong', async () => {
  const backups = await twoBackups();
  const { main, before, sales, store } = backups;
  const { operation, told } = await verify(backups, [NEW, OLD]);
  expect(operation.findings).toEqual([]);
  expect(told).toEqual({ events: [], distrusted: [], counted: 0 });
  const total = countOf(main, before, sales);
  expect(operation.progress).toMatchObject({ done: total, total });
  const reads = store.requests.filter((request) => request.startsWith('get objects'));
  expect(new Set(reads).size).toBe(reads.length);
  expect(reads).toHaveLength(total);
});

it('finds one flipped bit of a piece: names it, who needs it, and all backups it is in; the rest is well', async () => {
  const backups = await twoBackups();
  const piece = backups.main.pieces.find(({ size }) => size === shared.length) ?? { sha256: '' };
  flip(backups.store.objects.get(objectKey(piece))?.content);
  const { operation, told } = await verify(backups, [NEW, OLD]);
  expect(operation.findings).toHaveLength(2);
  expect(operation.findings[0]).toContain(`Backup ${NEW}: the object ${piece.sha256} is damaged`);
  expect(operation.findings[0]).toContain(
    'needed by session main of workspace 7, session sales of workspace 7:',
  );
  expect(operation.findings[1]).toBe(`The object ${piece.sha256} is needed by ${OLD} too.`);
  expect(operation.progress).toMatchObject({ failed: 1 });
  expect(told.distrusted).toEqual([piece.sha256]);
  expect(told.events).toMatchObject([{ backup: NEW, what: expect.stringContaining(piece.sha256) }]);
  expect(told.counted).toBe(1);
});

it('finds a flipped bit of an archive, and names its session alone', async () => {
  const backups = await twoBackups();
  const archive = backups.sales.archive ?? { sha256: '' };
  flip(backups.store.objects.get(objectKey(archive))?.content);
  const { operation } = await verify(backups, [NEW, OLD]);
  expect(operation.findings).toHaveLength(1);
  expect(operation.findings[0]).toContain(
    `the archive ${archive.sha256} is damaged, needed by session sales of workspace 7:`,
  );
});

it('finds an object that is missing', async () => {
  const backups = await twoBackups();
  const piece = backups.before.pieces.find(
    ({ sha256 }) => !backups.sales.pieces.some((other) => other.sha256 === sha256),
  ) ??
    backups.before.archive ?? { sha256: '' };
  backups.store.objects.delete(objectKey(piece));
  expect((await verify(backups, [NEW])).operation.findings).toEqual([]);
  const { operation } = await verify(backups, [NEW, OLD]);
  expect(operation.findings).toHaveLength(1);
  expect(operation.findings[0]).toContain(`Backup ${OLD}`);
  expect(operation.findings[0]).toContain('is not in memory');
});

it('finds an archive that is whole, but not of what the manifest says', async () => {
  const backups = await twoBackups();
  const wrong: Manifest = aManifest('20261122T100003Z', [
    { ...backups.main, pieces: backups.main.pieces.slice(1) },
  ]);
  await backups.catalog.put(wrong);
  const { operation } = await verify(backups, ['20261122T100003Z', NEW]);
  expect(operation.findings).toHaveLength(1);
  expect(operation.findings[0]).toContain('which the manifest does not name so');
});

it.each(['cut short', 'garbage'])('finds a manifest that is %s, and goes on with the others', async (how) => {
  const backups = await twoBackups();
  const [key = '', manifest] = [...backups.store.objects].find(([name]) => name.includes(NEW)) ?? [];
  if (manifest)
    backups.store.objects.set(key, {
      ...manifest,
      content: how === 'garbage' ? randomBytes(500) : manifest.content.subarray(0, -20),
    });
  const { operation, told } = await verify(backups, [NEW, OLD]);
  expect(operation.findings).toEqual([
    `Backup ${NEW}: its manifest cannot be read, and nothing of it can be restored.`,
  ]);
  expect(told.distrusted).toEqual([]);
  expect(operation.progress).toMatchObject({ done: countOf(backups.main, backups.before), failed: 1 });
});

it('passes over a backup that was removed meanwhile', async () => {
  const backups = await twoBackups();
  const { operation } = await verify(backups, ['20261122T110003Z', NEW]);
  expect(operation.findings).toEqual([]);
});

it('ends where the store cannot be used, instead of calling all damaged', async () => {
  const backups = await twoBackups();
  backups.store.before = (request, key) => {
    if (request === 'get' && key.startsWith('objects/'))
      throw new WharfError('backup_store_failed', 'it is away');
  };
  await expect(verify(backups, [NEW])).rejects.toThrow('it is away');
});

it('ends at its signal', async () => {
  const backups = await twoBackups();
  const ending = new AbortController();
  backups.store.before = (request, key) => {
    if (request === 'get' && key.startsWith('objects/')) ending.abort(new Error('lease lost'));
  };
  const { damage } = toldDamage();
  const verification = new Verification({ ...backups, damage }, new ToldOperation(ending.signal));
  await expect(verification.check([NEW])).rejects.toThrow('lease lost');
});

it('tells at most twenty events of one verification, and all in its findings', async () => {
  const { store, objects } = memoryObjects();
  const catalog = new StoredCatalog(store);
  const sessions: BackedUpSession[] = [];
  for (let at = 0; at < 30; at += 1)
    sessions.push(await backUp(objects, { [inDatabase('000005.ldb')]: randomBytes(100) }));
  await catalog.put(aManifest(NEW, sessions));
  for (const { pieces } of sessions) store.objects.delete(objectKey(pieces[0] ?? { sha256: '' }));
  const { operation, told } = await verify({ catalog, objects }, [NEW]);
  expect(operation.findings).toHaveLength(30);
  expect(told).toMatchObject({ counted: 30, events: { length: 20 } });
  expect(told.events.at(-1)?.what).toContain('look at the findings');
});

/** What the verifier would look at, newest first. */
async function chosen(which: string, damaged: string[] = []): Promise<string[]> {
  const backups = await twoBackups();
  for (const [key, object] of backups.store.objects)
    if (damaged.some((id) => key.includes(id))) object.content.fill(0);
  const seen: string[] = [];
  const inUse = new BackupsInUse();
  const begun: Promise<unknown>[] = [];
  const verifier = new Verifier({
    ...backups,
    memory: { learn: () => Promise.resolve(), noteAll: () => {} },
    clock: systemClock,
    isBusy: () => false,
    inUse,
    damage: toldDamage().damage,
    operations: {
      begin: (_kind, work: (operation: OperationHandle) => Promise<unknown>) => {
        const operation = new ToldOperation();
        begun.push(work(operation));
        seen.push(...inUse.ids());
        return anOperation();
      },
    },
  });
  await verifier.begin(which);
  await Promise.all(begun);
  expect([...inUse.ids()]).toEqual([]);
  return seen;
}

it('looks at one backup, the latest with the damaged ones after it, or all, and keeps them meanwhile', async () => {
  expect(await chosen(OLD)).toEqual([OLD]);
  expect(await chosen('latest')).toEqual([NEW]);
  expect(await chosen('latest', [NEW])).toEqual([NEW, OLD]);
  expect(await chosen(NEW, [NEW])).toEqual([NEW]);
  expect(await chosen('all')).toEqual([NEW, OLD]);
  await expect(chosen('20261122T083003Z')).rejects.toThrow(/nearest: 20261122T080003Z, 20261122T090003Z/);
});
