import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { backupIdAt } from '../../../backup/manifest/backup-ids.ts';
import type { StoredRef } from '../../../backup/manifest/manifest.ts';
import { manifestKey, StoredCatalog } from '../../../backup/manifest/stored-catalog.ts';
import { Summaries } from '../../../backup/manifest/summaries.ts';
import { Pruner } from '../../../backup/prune/pruner.ts';
import { aManifest, backUp, keep, memoryObjects, objectKey } from '../../helpers/backed-up-session.ts';
import { DrivenClock } from '../../helpers/driven-clock.ts';
import { ToldOperation } from '../../helpers/operation-handle.ts';
import { toldDamage } from '../../helpers/told-damage.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A store with a backup each hour, each of them with an object of its own and one that all share. */
async function store(hours: number) {
  const clock = new DrivenClock();
  const { store, objects } = memoryObjects(clock);
  const catalog = new StoredCatalog(store);
  const shared = await keep(objects, randomBytes(300));
  const ids: string[] = [];
  const own: StoredRef[] = [];
  for (let hour = 0; hour < hours; hour += 1) {
    const ref = await keep(objects, randomBytes(100 + hour));
    const id = backupIdAt(clock.now());
    await catalog.put(aManifest(id, [{ ...(await backUp(objects, {})), archive: ref, pieces: [shared] }]));
    own.push(ref);
    ids.push(id);
    await clock.pass(HOUR);
  }
  const has = (ref: StoredRef) => store.objects.has(objectKey(ref));
  const ours = { time: () => clock.now() };
  const used = new Set<string>();
  const { damage, told } = toldDamage();
  let confirmed = 0;
  let lost = Number.POSITIVE_INFINITY;
  const pruner = new Pruner({
    catalog,
    summaries: new Summaries(catalog),
    objects,
    store,
    clock: { now: () => ours.time() },
    keep: { hourly: 3, daily: 2 },
    inUse: async () => used,
    confirm: async () => {
      confirmed += 1;
      if (confirmed > lost) throw new Error('the lease is another’s');
    },
    damage,
  });
  return {
    clock,
    ours,
    store,
    objects,
    catalog,
    shared,
    own,
    ids,
    has,
    used,
    told,
    pruner,
    loseLeaseAfter: (count: number) => {
      lost = confirmed + count;
    },
  };
}

const idsIn = async ({ catalog }: Awaited<ReturnType<typeof store>>) =>
  (await catalog.list()).map(({ id }) => id);

it('removes the backups that are not kept, and the objects that only those needed', async () => {
  const backups = await store(80);
  const plan = await backups.pruner.plan(new AbortController().signal);
  const operation = new ToldOperation();
  await backups.pruner.prune(operation);
  expect(await idsIn(backups)).toEqual(plan.keep.map(({ id }) => id).toReversed());
  expect(plan.keep.length).toBeLessThan(30);
  expect(plan.objects?.count).toBeGreaterThan(10);
  for (const [at, ref] of backups.own.entries()) {
    const kept = plan.keep.some(({ id }) => id === backups.ids[at]);
    const old = (80 - at) * HOUR > 2 * DAY;
    expect(backups.has(ref), `hour ${at}`).toBe(kept || !old);
  }
  expect(backups.has(backups.shared)).toBe(true);
  expect(operation.findings).toContain(
    `Backup ${plan.remove[0]?.id} was removed: ${plan.remove[0]?.reason}.`,
  );
  expect(operation.findings.at(-1)).toContain(
    `${plan.objects?.count} objects of ${plan.objects?.bytes} bytes`,
  );
  expect(operation.progress).toMatchObject({ total: plan.objects?.count, done: plan.objects?.count });
});

it('changes nothing where it is only asked what it would do, nor the second time', async () => {
  const backups = await store(80);
  const before = [...backups.store.objects.keys()];
  await backups.pruner.plan(new AbortController().signal);
  expect([...backups.store.objects.keys()]).toEqual(before);
  await backups.pruner.prune(new ToldOperation());
  const after = [...backups.store.objects.keys()];
  const again = new ToldOperation();
  await backups.pruner.prune(again);
  expect([...backups.store.objects.keys()]).toEqual(after);
  expect(again.findings).toEqual([]);
});

it('removes no objects while a manifest cannot be read, and says so', async () => {
  const backups = await store(80);
  backups.store.objects.get(manifestKey(backups.ids[79] ?? ''))?.content.fill(0);
  const count = () => [...backups.store.objects.keys()].filter((key) => key.startsWith('objects/')).length;
  const before = count();
  const operation = new ToldOperation();
  await backups.pruner.prune(operation);
  expect(count()).toBe(before);
  expect(await idsIn(backups)).toContain(backups.ids[79]);
  expect(operation.findings.at(-1)).toMatch(
    new RegExp(`No objects are removed: of ${backups.ids[79]} the manifest`),
  );
  expect((await backups.pruner.plan(operation.signal)).objects).toBeNull();
});

it('removes no objects while the clocks disagree', async () => {
  const backups = await store(80);
  backups.ours.time = () => backups.clock.now() - 3 * DAY;
  const operation = new ToldOperation();
  await backups.pruner.prune(operation);
  expect(operation.findings.at(-1)).toMatch(/No objects are removed: the store's clock says/);
  expect(backups.own.every(backups.has)).toBe(true);
});

it('keeps a backup that somebody reads from, with all its objects', async () => {
  const backups = await store(80);
  backups.used.add(backups.ids[1] ?? '');
  const plan = await backups.pruner.plan(new AbortController().signal);
  expect(plan.keep).toContainEqual({ id: backups.ids[1], reasons: ['in_use'] });
  await backups.pruner.prune(new ToldOperation());
  expect(await idsIn(backups)).toContain(backups.ids[1]);
  expect(backups.own.slice(0, 3).map(backups.has)).toEqual([false, true, false]);
});

it('does not remove an object that is put again while it looks', async () => {
  const backups = await store(80);
  const key = objectKey(backups.own[2] ?? { sha256: '' });
  let listed = false;
  backups.store.before = (request, at) => {
    listed ||= request === 'list' && at === 'objects/';
    const object = backups.store.objects.get(key);
    if (listed && request === 'head' && object) object.modified = backups.clock.now();
  };
  await backups.pruner.prune(new ToldOperation());
  expect(backups.own.slice(0, 4).map(backups.has)).toEqual([false, false, true, false]);
});

it('removes no objects where a manifest goes before it was read: others may have counted on what it named', async () => {
  const backups = await store(80);
  // Read before, so that only the look for objects reads them again.
  await backups.pruner.plan(new AbortController().signal);
  const newest = manifestKey(backups.ids[79] ?? '');
  backups.store.before = (request, key) => {
    if (request === 'get' && key === newest) backups.store.objects.delete(key);
  };
  const operation = new ToldOperation();
  await backups.pruner.prune(operation);
  expect(operation.findings.at(-1)).toMatch(new RegExp(`No objects are removed: of ${backups.ids[79]}`));
  expect(backups.own.every(backups.has)).toBe(true);
});

it('judges ages by the time before it read the manifests: what is put meanwhile may be named by one it has not read', async () => {
  const backups = await store(30);
  await backups.pruner.plan(new AbortController().signal);
  const fresh = await keep(backups.objects, randomBytes(50));
  backups.store.before = async (request, key) => {
    if (request === 'get' && key === manifestKey(backups.ids[29] ?? '')) await backups.clock.pass(3 * DAY);
  };
  await backups.pruner.prune(new ToldOperation());
  expect(backups.has(fresh)).toBe(true);
});

it('removes what uploads left half-done a day ago', async () => {
  const backups = await store(2);
  const ages: number[] = [];
  backups.store.abortUploads = async (age?: number) => {
    ages.push(age ?? 0);
    return 2;
  };
  const operation = new ToldOperation();
  await backups.pruner.prune(operation);
  expect(ages).toEqual([DAY]);
  expect(operation.findings).toEqual(['Of 2 uploads that were never finished, what had come was removed.']);
});

it('finds what manifests name and the store has not, and has the next run put it anew', async () => {
  const backups = await store(30);
  const lost = backups.own[29] ?? { sha256: '' };
  backups.store.objects.delete(objectKey(lost));
  const operation = new ToldOperation();
  await backups.pruner.prune(operation);
  expect(backups.told.distrusted).toEqual([lost.sha256]);
  expect(operation.findings).toContain(
    `Backup ${backups.ids[29]}: the object ${lost.sha256} is not in the store.`,
  );
  expect(backups.told.events).toMatchObject([{ backup: backups.ids[29] }]);
});

it.each([0, 1, 5, 40])(
  'ends at once where the lease is lost, after %i proofs; what is left to do, the next one does',
  async (proofs) => {
    const backups = await store(80);
    backups.loseLeaseAfter(proofs);
    await expect(backups.pruner.prune(new ToldOperation())).rejects.toThrow('another’s');
    const removals = backups.store.requests.filter((request) =>
      request.startsWith('remove manifests'),
    ).length;
    expect(removals).toBeLessThanOrEqual(proofs);
    backups.loseLeaseAfter(Number.POSITIVE_INFINITY);
    const plan = await backups.pruner.plan(new AbortController().signal);
    await backups.pruner.prune(new ToldOperation());
    expect(await idsIn(backups)).toEqual(plan.keep.map(({ id }) => id).toReversed());
  },
);

it('survives a death between any two requests: no backup that is there lacks an object', async () => {
  for (let death = 1; ; death += 7) {
    const backups = await store(60);
    let requests = 0;
    backups.store.before = () => {
      requests += 1;
      if (requests === death) throw new Error('killed');
    };
    const ended = await backups.pruner.prune(new ToldOperation()).then(
      () => true,
      () => false,
    );
    backups.store.before = () => {};
    for (const id of await idsIn(backups))
      expect(backups.has(backups.own[backups.ids.indexOf(id)] ?? backups.shared)).toBe(true);
    if (ended) break;
  }
}, 120_000);
