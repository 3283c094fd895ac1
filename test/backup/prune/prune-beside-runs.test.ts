import { randomInt } from 'node:crypto';
import { expect, it } from 'vitest';
import type { OpenCopy } from '../../../backup/fleet/instances.ts';
import { backupIdAt } from '../../../backup/manifest/backup-ids.ts';
import { objectsOf } from '../../../backup/manifest/manifest.ts';
import { Summaries } from '../../../backup/manifest/summaries.ts';
import { StoredObjects } from '../../../backup/objects/stored-objects.ts';
import type { OperationHandle } from '../../../backup/operations.ts';
import { Pruner } from '../../../backup/prune/pruner.ts';
import { makeBackup } from '../../../backup/run/backup-run.ts';
import { Distrusted } from '../../../backup/run/distrusted.ts';
import { DamageReports } from '../../../backup/verify/damage-reports.ts';
import { isWharfError } from '../../../common/errors.ts';
import { createLogger } from '../../../common/logger.ts';
import { aManifest, aSessionRecord, objectKey, refOf } from '../../helpers/backed-up-session.ts';
import { MemoryObjectStore } from '../../helpers/memory-object-store.ts';
import { copying, PlainCatalog, plain, Steps, stepping } from '../../helpers/prune-model.ts';
import { SeededRandom } from '../../helpers/random.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const SEEDS = 150;
const first = randomInt(2 ** 31);
const contents = Array.from({ length: 5 }, (_, at) => Buffer.from(`content ${at}`));

/** A clock that the model moves; a run that would sleep goes on. */
class ModelClock {
  time = Date.parse('2026-11-22T09:00:00Z');
  now = () => this.time;
  monotonic = () => this.time;
  sleep = async () => {};
}

const copyOf = (
  session: string,
  archive: OpenCopy['copy']['archive'],
  pieces: OpenCopy['copy']['pieces'],
) => ({
  copy: 'copy',
  taken_at: '2026-11-22T09:00:00.000Z',
  record: aSessionRecord({ session_id: session }),
  instance: 'instance-1',
  epoch: 1,
  chromium: null,
  live: true,
  frozen_ms: 1,
  archive,
  pieces,
  bytes: 1,
  files: 1,
});

/** Backups and objects of the last ten days, some of the objects named by nobody. */
function past(store: MemoryObjectStore, random: SeededRandom, now: number): void {
  const put = (key: string, content: Buffer, age: number) =>
    store.objects.set(key, { content, modified: now - age });
  for (const content of contents)
    if (random.chance(0.7))
      put(objectKey(refOf(content)), content, random.between(0, random.chance(0.5) ? DAY : 10 * DAY));
  for (let count = random.int(0, 4); count > 0; count -= 1) {
    const age = random.chance(0.3) ? random.between(0, DAY) : random.between(0, 10 * DAY);
    const refs = contents
      .filter(() => random.chance(0.4))
      .map((content) => ({ ...refOf(content), stored: 9 }));
    for (const content of contents)
      if (
        refs.some(({ sha256 }) => sha256 === refOf(content).sha256) &&
        !store.objects.has(objectKey(refOf(content)))
      )
        put(objectKey(refOf(content)), content, age + random.between(0, 10 * DAY));
    const id = backupIdAt(now - age);
    const session = { ...copyOf('a', null, []), pieces: refs, archive: null, carried: null };
    const { copy: _, ...sessionOf } = session;
    put(`manifests/${id}`, Buffer.from(JSON.stringify(aManifest(id, [sessionOf]))), age);
  }
}

/** Backups that name an object which is not there. */
async function incomplete(store: MemoryObjectStore): Promise<string[]> {
  const catalog = new PlainCatalog(store);
  const found: string[] = [];
  for (const { id } of await catalog.list())
    for (const ref of objectsOf(await catalog.read(id)).values())
      if (!store.objects.has(objectKey(ref))) found.push(`${id} ${ref.sha256}`);
  return found;
}

const handle = (): OperationHandle => ({
  id: 'x',
  signal: new AbortController().signal,
  set: () => {},
  find: () => {},
});

/** Two services that both believe to hold the lease run and prune at the same time; what it comes to. */
async function model(seed: number): Promise<{ made: number; removed: number; missing: string[] }> {
  const random = new SeededRandom(seed);
  const clock = new ModelClock();
  const store = new MemoryObjectStore(clock);
  past(store, random, clock.now());
  const steps = new Steps(random);
  const running = new Map<string, number>();
  let made = 0;

  const run = async (actor: string) => {
    const gated = stepping(store, () => steps.turn(actor), []);
    running.set(actor, clock.now());
    try {
      await makeBackup(
        {
          storage: {
            list: async () => [{ workspace: '7', session: 'a' }],
            deletedAt: async () => null,
            fleetFiles: async () => [],
          },
          instances: copying(() => contents.filter(() => random.chance(0.5)), copyOf),
          objects: new StoredObjects(gated, plain, [], clock),
          store: gated,
          catalog: new PlainCatalog(gated),
          distrusted: new Distrusted(),
          concurrency: 1,
          clock,
          log: createLogger('silent', {}),
          onCopied: () => {},
          confirm: async () => {},
          version: '0',
        },
        handle(),
      );
      made += 1;
    } catch (error) {
      // Its base was removed, or the names were taken: no backup, and nothing broken.
      if (!isWharfError(error)) throw error;
    } finally {
      running.delete(actor);
    }
  };
  const prune = async (actor: string) => {
    // A batch is looked at and removed in one step: the time between is that of two requests, and the lease stands before it.
    const gated = stepping(store, () => steps.turn(actor), ['head', 'remove', 'abortUploads']);
    const catalog = new PlainCatalog(gated);
    await new Pruner({
      catalog,
      summaries: new Summaries(catalog),
      objects: new StoredObjects(gated, plain, [], clock),
      store: gated,
      clock,
      keep: { hourly: random.int(1, 2), daily: random.int(0, 1) },
      inUse: async () => new Set(),
      confirm: () => steps.turn(actor),
      damage: new DamageReports({
        events: { tell: async () => {} },
        metrics: { damaged: () => {} },
        distrusted: { add: () => {} },
      }),
    }).prune(handle());
  };

  const service = async (name: string) => {
    for (let rounds = random.int(1, 2); rounds > 0; rounds -= 1) {
      await run(name);
      await prune(name);
    }
  };
  const actors = [service('one'), service('two'), prune('three').then(() => prune('three'))];
  await steps.run(actors, () => {
    // A run takes less than a day; whatever else is paused may be paused for long.
    const began = Math.min(...running.values(), Number.POSITIVE_INFINITY);
    const most = running.size > 0 ? Math.max(0, began + DAY - HOUR - clock.time) : 3 * DAY;
    clock.time += random.chance(0.1) ? random.between(0, most) : 1000;
  });
  for (const actor of actors) await actor;
  const missing = await incomplete(store);
  const removed = store.requests.filter((request) => request.startsWith('remove objects')).length;
  return { made, removed, missing };
}

it('leaves no backup without an object, in whatever order runs and prunings of three services come', async () => {
  const sum = { made: 0, removed: 0 };
  for (let seed = first; seed < first + SEEDS; seed += 1) {
    const { made, removed, missing } = await model(seed);
    expect(missing, `seed ${seed}`).toEqual([]);
    sum.made += made;
    sum.removed += removed;
  }
  console.log(`seeds from ${first}: ${sum.made} backups made, ${sum.removed} objects removed`);
  // So that it is known to have tried something.
  expect(sum.made).toBeGreaterThan(SEEDS);
  expect(sum.removed).toBeGreaterThan(SEEDS / 2);
}, 240_000);
