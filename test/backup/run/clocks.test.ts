import { expect, it } from 'vitest';
import { manifestKey } from '../../../backup/manifest/stored-catalog.ts';
import { makeBackup } from '../../../backup/run/backup-run.ts';
import { LastBackupMemory } from '../../../backup/run/last-backup.ts';
import { systemClock } from '../../../common/clock.ts';
import { someFiles } from '../../helpers/copyable-sessions.ts';
import { runParts, TestHandle } from './run-parts.ts';

/** A fleet of one session, whose service's clock and whose store's clock are set by hand. */
function clocks() {
  let ours = 0;
  const clock = { ...systemClock, now: () => ours };
  const { parts, fleet, store, catalog } = runParts({ clock });
  fleet.set('7', 'main', someFiles('a'));
  return {
    clock,
    store,
    catalog,
    /** Makes a backup, begun at one time by our clock and put at another by the store's. */
    async make(begun: string, put: string): Promise<string> {
      ours = Date.parse(begun);
      const { id } = (await makeBackup(parts, new TestHandle())).manifest;
      const stored = store.objects.get(manifestKey(id));
      if (stored) stored.modified = Date.parse(put);
      return id;
    },
  };
}

it('names a backup by when it was begun where the clock was ahead for the one before', async () => {
  const { make, catalog } = clocks();
  const ahead = await make('2026-11-22T20:00:03Z', '2026-11-22T09:01:00Z');
  const next = await make('2026-11-22T10:00:03Z', '2026-11-22T10:01:00Z');
  expect([ahead, next]).toEqual(['20261122T200003Z', '20261122T100003Z']);
  expect((await catalog.list()).map(({ id }) => id)).toEqual([ahead, next]);
  expect(await catalog.latest()).toMatchObject({
    manifest: { id: next },
    made: Date.parse('2026-11-22T10:00:03Z'),
  });
});

it('names a backup after the one before where the clock was set back since', async () => {
  const { make, catalog } = clocks();
  const first = await make('2026-11-22T10:00:03Z', '2026-11-22T10:01:00Z');
  const next = await make('2026-11-22T09:30:00Z', '2026-11-22T11:01:00Z');
  expect([first, next]).toEqual(['20261122T100003Z', '20261122T100004Z']);
  expect((await catalog.latest())?.manifest.id).toBe(next);
});

it('takes the last backup that can be read for the last one that was made', async () => {
  const { make, catalog, store, clock } = clocks();
  const first = await make('2026-11-22T09:00:03Z', '2026-11-22T09:01:00Z');
  const second = await make('2026-11-22T10:00:03Z', '2026-11-22T10:01:00Z');
  const memory = new LastBackupMemory(clock);
  expect((await memory.learn(catalog))?.id).toBe(second);
  const stored = store.objects.get(manifestKey(second));
  if (stored) stored.content = stored.content.subarray(0, stored.content.length - 30);
  const anew = new LastBackupMemory(clock);
  expect((await anew.learn(catalog))?.id).toBe(first);
  expect(anew.get()?.made).toBe(Date.parse('2026-11-22T09:00:03Z'));
  expect(anew.get()?.age).toBeGreaterThanOrEqual(3_600_000);
});
