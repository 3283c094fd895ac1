import { expect, it, onTestFinished } from 'vitest';
import { StorageSessions } from '../../../backup/fleet/storage-sessions.ts';
import { type RestoreRequest, restoreRequestSchema } from '../../../fleet/backup/api.ts';
import { TRASH_BYTES_KEPT, TRASH_ENTRIES_KEPT } from '../../../instance/profile/tidy-plan.ts';
import { aSessionRecord } from '../../helpers/backed-up-session.ts';
import { eventually } from '../../helpers/eventually.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { BACKUP, Backups, RestoreFleet } from './restore-fleet.ts';

const EARLIER = '20261122T070003Z';

/** A fleet that lost session `lost` and deleted session `main`; both are in two backups, as `older` and as `old`. */
async function lostAndDeleted() {
  const backups = new Backups();
  const fleet = new RestoreFleet(await temporaryDirectory(), backups);
  onTestFinished(() => fleet.close());
  const { record } = await fleet.bench.link('now');
  const records = [aSessionRecord({ session_id: 'lost' }), { ...record }];
  const sessionsAs = (mark: string) => Promise.all(records.map((one) => backups.session(one, mark)));
  backups.add(await sessionsAs('older'), { id: EARLIER, finished_at: '2026-11-22T07:00:41.000Z' });
  backups.add(await sessionsAs('old'));
  await fleet.bench.manager.delete('7', 'main');
  const plan = async (at: string) => {
    const { sessions } = await fleet.restorer.plan(restoreRequestSchema.parse({ at, dry_run: true }));
    return Object.fromEntries(sessions.map(({ session_id, refusal }) => [session_id, refusal]));
  };
  const restore = async (request: Partial<RestoreRequest>) => {
    const { id } = await fleet.restorer.begin(restoreRequestSchema.parse(request));
    return await fleet.ended(id);
  };
  const undo = async (id: string | null) => {
    await fleet.restorer.undo(id ?? '');
    expect((await fleet.ended(id)).state).toBe('undone');
  };
  return { fleet, plan, restore, undo, storage: new StorageSessions(fleet.bench.paths) };
}

it('what a restore made and its undo took away can be restored from another backup; what was deleted stays refused', async () => {
  const { fleet, plan, restore, undo, storage } = await lostAndDeleted();
  const before = { lost: null, main: 'deleted' };
  expect(await plan(EARLIER)).toEqual(before);
  const first = await restore({ at: BACKUP });
  expect(first.sessions.map(({ state }) => state)).toEqual(['restored', 'refused']);
  await undo(first.id);
  // As before the restore: it is in no run's eyes a session that somebody deleted.
  expect(await storage.deletedAt({ workspace: '7', session: 'lost' })).toBeNull();
  expect(await plan(EARLIER)).toEqual(before);

  const second = await restore({ at: EARLIER });
  expect(second.sessions.map(({ state }) => state)).toEqual(['restored', 'refused']);
  await eventually(() => fleet.bench.started.at(-1) === 'older');
});

it('a session that was deleted, restored all the same, and undone, was deleted', async () => {
  const { plan, restore, undo, storage } = await lostAndDeleted();
  const { id } = await restore({ at: BACKUP, force: true });
  const deleted = await storage.deletedAt({ workspace: '7', session: 'main' });
  await undo(id);
  expect(await storage.deletedAt({ workspace: '7', session: 'main' })).toBeGreaterThan(deleted ?? Infinity);
  expect(await plan(EARLIER)).toEqual({ lost: null, main: 'deleted' });
});

it('the plan says for how long a restore can be undone, as the trash keeps what was replaced', async () => {
  const backups = new Backups();
  const fleet = new RestoreFleet(await temporaryDirectory(), backups);
  onTestFinished(() => fleet.close());
  const { record } = await fleet.bench.link('now');
  backups.add([await backups.session({ ...record })]);
  const { warnings } = await fleet.restorer.plan(restoreRequestSchema.parse({ dry_run: true }));
  expect([TRASH_ENTRIES_KEPT, TRASH_BYTES_KEPT]).toEqual([5, 1024 ** 3]);
  expect(warnings.join(' ')).toMatch(/--undo finds it for 7 days, unless five newer profiles .* or 1 GiB/);
});
