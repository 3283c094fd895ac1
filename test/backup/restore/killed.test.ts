import type * as Files from 'node:fs/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { restoreRequestSchema } from '../../../fleet/backup/api.ts';
import { type Death, dyingFiles } from '../../helpers/dying-files.ts';
import { eventually } from '../../helpers/eventually.ts';
import { SeededRandom } from '../../helpers/random.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { markOf } from '../../instance/restores/restore-bench.ts';
import { Backups, RestoreFleet } from './restore-fleet.ts';

const { death } = await vi.hoisted(async () => {
  const helper = await import('../../helpers/dying-files.ts');
  return { death: new helper.Death() as Death };
});

vi.mock('node:fs/promises', async (original) => dyingFiles(await original<typeof Files>(), death));

afterEach(() => death.spare());

const ALL = restoreRequestSchema.parse({});
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const MOST = 1000;

/** A fleet whose session runs on `now`, with a backup of it as `old`. */
async function begin(root: string, backups: Backups): Promise<RestoreFleet> {
  death.spare();
  const fleet = new RestoreFleet(root, backups);
  const session = await fleet.bench.link('now');
  backups.add([await backups.session({ ...session.record })]);
  return fleet;
}

/** Service and instance are killed after so many changes. True where the task came to its end before. */
async function killedAfter(
  changes: number,
  fleet: RestoreFleet,
  task: () => Promise<void>,
): Promise<boolean> {
  death.after(changes);
  const working = task().then(
    () => true,
    () => false,
  );
  const killed = eventually(() => death.isDead, 60_000).then(
    () => false,
    () => false,
  );
  const ended = (await Promise.race([working, killed])) && !death.isDead;
  death.after(0);
  fleet.term.abort(new Error('killed'));
  await fleet.close();
  await fleet.bench.store.settled();
  await working;
  death.spare();
  return ended;
}

/** Service and instance that come next, once they have done what was left. */
async function next(root: string, backups: Backups): Promise<RestoreFleet> {
  const fleet = new RestoreFleet(root, backups);
  await fleet.bench.run();
  await fleet.restorer.resume(fleet.term.signal);
  await fleet.restorer.idle();
  return fleet;
}

describe('a restore whose service and instance are killed between any two steps', () => {
  it(`is gone on with to its end by those that follow, and undone as well (SEED=${SEED})`, async () => {
    const random = new SeededRandom(SEED);
    const resumed = { running: 0, never: 0, done: 0 };
    for (let changes = random.int(0, 3); ; changes += random.int(1, 4)) {
      const about = `SEED=${SEED}, after ${changes} changes`;
      expect(changes).toBeLessThan(MOST);
      const root = await temporaryDirectory();
      const backups = new Backups();
      const first = await begin(root, backups);
      const ended = await killedAfter(changes, first, async () => {
        await first.restorer.begin(ALL);
        await first.restorer.idle();
      });

      const second = await next(root, backups);
      const [restore] = await second.restorer.list();
      await eventually(() => second.bench.started.length > 0);
      if (!restore) {
        // Killed before it was written down: nothing was done.
        resumed.never += 1;
        expect(second.bench.started, about).toEqual(['now']);
      } else {
        resumed[ended ? 'done' : 'running'] += 1;
        expect(restore, about).toMatchObject({
          state: 'done',
          sessions: [{ state: 'restored', error: null }],
        });
        await eventually(() => second.bench.started.at(-1) === 'old');
        expect(await second.bench.inTrash(restore.sessions[0]?.trash ?? null), about).toBe('now');
        await second.restorer.undo(restore.id ?? '');
        expect((await second.ended(restore.id)).state, about).toBe('undone');
        expect(await markOf(second.bench.profile()), about).toBe('now');
      }
      expect(second.bench.clients.most).toBe(1);
      await second.close();
      if (ended) break;
    }
    expect(resumed.running).toBeGreaterThan(10);
  }, 300_000);
});

describe('the undoing of a restore whose service and instance are killed between any two steps', () => {
  it(`is gone on with to its end by those that follow (SEED=${SEED})`, async () => {
    const random = new SeededRandom(SEED + 1);
    for (let changes = random.int(0, 3); ; changes += random.int(1, 4)) {
      const about = `SEED=${SEED}, after ${changes} changes`;
      expect(changes).toBeLessThan(MOST);
      const root = await temporaryDirectory();
      const backups = new Backups();
      const first = await begin(root, backups);
      const { id } = await first.restorer.begin(ALL);
      await first.ended(id);
      await first.restorer.idle();
      const ended = await killedAfter(changes, first, async () => {
        await first.restorer.undo(id ?? '');
        await first.restorer.idle();
      });

      const second = await next(root, backups);
      const state = (await second.restorer.get(id ?? '')).state;
      expect(['done', 'undone'], about).toContain(state);
      const mark = state === 'undone' ? 'now' : 'old';
      await eventually(() => second.bench.started.at(-1) === mark);
      expect(await markOf(second.bench.profile()), about).toBe(mark);
      expect(second.bench.clients.most).toBe(1);
      await second.close();
      if (ended) break;
    }
  }, 300_000);
});
