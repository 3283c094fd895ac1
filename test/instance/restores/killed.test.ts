import type * as Files from 'node:fs/promises';
import { describe, expect, it, vi } from 'vitest';
import { type Death, dyingFiles } from '../../helpers/dying-files.ts';
import { eventually } from '../../helpers/eventually.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { KEY, markOf, RestoreBench } from './restore-bench.ts';

const { death } = await vi.hoisted(async () => {
  const helper = await import('../../helpers/dying-files.ts');
  return { death: new helper.Death() as Death };
});

vi.mock('node:fs/promises', async (original) => dyingFiles(await original<typeof Files>(), death));

/** What comes after the kill: the same instance's next process, or another host. */
const NEXT = [
  ['the next process of the instance', { takenOver: false, every: 2 }],
  ['another host, with a generation of its own', { takenOver: true, every: 3 }],
] as const;

/** Every second or third change is tried, from one that the seed chooses: all of them in some runs. */
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

/** Steps at which something was done, when all was: to know how many kills there are. */
const MOST = 400;

/** A session that runs on `now`, and `old` prepared for it. */
async function begin(root: string): Promise<RestoreBench> {
  death.spare();
  const bench = new RestoreBench(root);
  const session = await bench.link('now');
  await bench.prepare({ ...session.record });
  return bench;
}

/** The process is killed after so many changes; true where it came to its end before. */
async function killedAfter(
  changes: number,
  bench: RestoreBench,
  task: () => Promise<unknown>,
): Promise<boolean> {
  death.after(changes);
  const ended = await task().then(
    () => !death.isDead,
    () => false,
  );
  // Nothing of the first process may reach the disk any more.
  death.after(0);
  await bench.close();
  await bench.store.settled();
  death.spare();
  return ended;
}

/** Starts what comes next, until its browser has begun. */
async function next(root: string, grants: { takenOver: boolean }): Promise<RestoreBench> {
  const bench = new RestoreBench(root, grants);
  await bench.run();
  await eventually(() => bench.started.length === 1 && bench.clients.running === 1);
  return bench;
}

/** On which of the two profiles its browser began. */
function profileOf(bench: RestoreBench, changes: number): 'now' | 'old' {
  const mark = bench.started[0];
  if (mark === 'now' || mark === 'old') return mark;
  return expect.fail(`after ${changes} changes it began on ${mark}`);
}

describe.each(NEXT)(
  'a restore whose instance is killed between any two steps, followed by %s',
  (_name, grants) => {
    it(`starts the session with one whole profile, loses neither, and is done when it is asked for again (SEED=${SEED})`, async () => {
      const started = { now: 0, old: 0 };
      for (let changes = SEED % grants.every; ; changes += grants.every) {
        expect(changes).toBeLessThan(MOST);
        const root = await temporaryDirectory();
        const first = await begin(root);
        const ended = await killedAfter(changes, first, () => first.restores.restore(KEY, false));
        const second = await next(root, grants);
        started[profileOf(second, changes)] += 1;
        expect(await second.placesOf('now'), `after ${changes} changes`).not.toEqual([]);
        expect(await second.placesOf('old'), `after ${changes} changes`).not.toEqual([]);

        const { trash } = await second.restores.restore(KEY, false);
        await eventually(() => second.clients.running === 1 && second.started.at(-1) === 'old');
        expect(await second.inTrash(trash), `after ${changes} changes`).toBe('now');
        expect(await markOf(second.profile())).toBe('old');
        expect(second.clients.most).toBe(1);
        expect(second.session.record).toMatchObject({
          linked: true,
          should_run: true,
          restored_at: expect.any(String),
        });
        await second.close();
        if (ended) break;
      }
      // Kills before the step that counts, and after it.
      expect(started.now).toBeGreaterThan(2);
      expect(started.old).toBeGreaterThan(2);
    }, 300_000);
  },
);

describe('a restore of a session that is not there, killed between any two steps', () => {
  it('makes it whole when it is asked for again, and never another one without a link', async () => {
    const source = await begin(await temporaryDirectory());
    const record = { ...source.session.record };
    await source.close();
    for (let changes = 0; ; changes += 1) {
      expect(changes).toBeLessThan(MOST);
      const root = await temporaryDirectory();
      const first = new RestoreBench(root);
      await first.prepare(record);
      const ended = await killedAfter(changes, first, () => first.restores.restore(KEY, true));
      const second = new RestoreBench(root, { takenOver: changes % 2 === 1 });
      await second.run();
      await second.restores.restore(KEY, true);
      await eventually(() => second.clients.running === 1 && second.started.length > 0);
      expect(new Set(second.started), `after ${changes} changes`).toEqual(new Set(['old']));
      expect(await markOf(second.profile())).toBe('old');
      expect(second.session.record).toMatchObject({ linked: true, link_id: record.link_id });
      await second.close();
      if (ended) break;
    }
  }, 300_000);
});

describe.each(NEXT)(
  'the undoing of a restore, killed between any two steps, followed by %s',
  (_name, grants) => {
    it(`starts the session with one whole profile, loses neither, and is done when it is asked for again (SEED=${SEED})`, async () => {
      const started = { now: 0, old: 0 };
      for (let changes = SEED % grants.every; ; changes += grants.every) {
        expect(changes).toBeLessThan(MOST);
        const root = await temporaryDirectory();
        const first = await begin(root);
        await first.restores.restore(KEY, false);
        await eventually(() => first.started.at(-1) === 'old' && first.clients.running === 1);
        const ended = await killedAfter(changes, first, () => first.undos.undo(KEY, false));
        const second = await next(root, grants);
        started[profileOf(second, changes)] += 1;

        const { trash } = await second.undos.undo(KEY, false);
        await eventually(() => second.clients.running === 1 && second.started.at(-1) === 'now');
        expect(await second.inTrash(trash), `after ${changes} changes`).toBe('old');
        expect(await markOf(second.profile())).toBe('now');
        expect(second.clients.most).toBe(1);
        await second.close();
        if (ended) break;
      }
      expect(started.now).toBeGreaterThan(1);
      expect(started.old).toBeGreaterThan(1);
    }, 300_000);
  },
);
