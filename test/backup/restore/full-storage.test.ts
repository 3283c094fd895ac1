import { expect, it, onTestFinished } from 'vitest';
import { restoreRequestSchema } from '../../../fleet/backup/api.ts';
import { aSessionRecord } from '../../helpers/backed-up-session.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { treeOf } from '../../instance/profile/profile-files.ts';
import { Backups, RestoreFleet } from './restore-fleet.ts';

const ALL = restoreRequestSchema.parse({});
const FORCED = restoreRequestSchema.parse({ force: true });
const space = (free: number) => ({ free, total: 1e12, freeFiles: null });

/** A fleet with nothing on its storage, and a backup of two sessions. */
async function aFleet() {
  const root = await temporaryDirectory();
  const backups = new Backups();
  const fleet = new RestoreFleet(root, backups);
  onTestFinished(() => fleet.close());
  const records = ['a', 'b'].map((session_id) => aSessionRecord({ session_id, generation: 5 }));
  backups.add(await Promise.all(records.map((record) => backups.session(record))));
  return { fleet, backups, root };
}

it('begins no restore that does not fit on the session path, forced or not, and says so in the plan', async () => {
  const { fleet, root } = await aFleet();
  const { bytes } = await fleet.restorer.plan(ALL);
  fleet.space = space(bytes - 1);
  const before = await treeOf(root);
  const plan = await fleet.restorer.plan(ALL);
  expect(plan.free_bytes).toBe(bytes - 1);
  expect(plan.warnings[0]).toMatch(/^It does not fit/);
  for (const request of [ALL, FORCED])
    await expect(fleet.restorer.begin(request)).rejects.toMatchObject({
      code: 'storage_full',
      message: expect.stringContaining(root),
    });
  expect(await treeOf(root)).toEqual(before);
  expect(await fleet.restorer.list()).toEqual([]);
  // One of them fits.
  const { id } = await fleet.restorer.begin(restoreRequestSchema.parse({ session_id: 'a' }));
  expect((await fleet.ended(id)).state).toBe('done');
});

it('begins one that fits though it leaves little, and has said so', async () => {
  const { fleet } = await aFleet();
  fleet.space = space(99e9);
  const begun = await fleet.restorer.begin(ALL);
  expect(begun.warnings[0]).toMatch(/less than a tenth/);
  expect((await fleet.ended(begun.id)).state).toBe('done');
});

it('counts what another restore is still about to write as taken', async () => {
  const { fleet, backups } = await aFleet();
  const [a, b] = ['a', 'b'].map((session_id) => restoreRequestSchema.parse({ session_id }));
  const { bytes } = await fleet.restorer.plan(a ?? ALL);
  let goOn = () => {};
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  backups.store.before = (request) => (request === 'get' ? held : undefined);
  fleet.space = space(bytes * 2);
  const { id } = await fleet.restorer.begin(a ?? ALL);
  await expect(fleet.restorer.begin(b ?? ALL)).rejects.toMatchObject({ code: 'storage_full' });
  goOn();
  await fleet.ended(id);
  const second = await fleet.restorer.begin(b ?? ALL);
  expect((await fleet.ended(second.id)).state).toBe('done');
});
