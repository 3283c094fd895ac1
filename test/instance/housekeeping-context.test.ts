import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { type HousekeepingSources, openHousekeeping } from '../../instance/housekeeping-context.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';
import { housekeptSessions } from './housekeeping/housekept-sessions.ts';

const DAY = 24 * 3_600_000;

/** The hourly removal of what was kept long enough, in a workspace whose trash holds something. */
async function scene() {
  const sessions = await housekeptSessions();
  const { clock, granting, log, manager, othersTime, paths, trash } = sessions;
  await granting.give('7');
  const removed: string[] = [];
  const { chores } = openHousekeeping({
    config: {
      instance: 'instance-1',
      scratch: await temporaryDirectory(),
      life: { ready: 1000 },
      housekeeping: {
        restartAge: 0,
        sessionMemory: 0,
        inactive: { warn: 0, stop: 0, delete: 0 },
        keptWorkspaces: new Set(),
      },
    } as unknown as HousekeepingSources['config'],
    paths,
    manager,
    messaging: {
      purgeMedia: async () => removed.push('media'),
      purgeEvents: async () => removed.push('events'),
    } as unknown as HousekeepingSources['messaging'],
    copies: { isUnderWay: () => false },
    ownership: granting.ownership,
    trash,
    usage: { memoryOf: () => undefined } as unknown as HousekeepingSources['usage'],
    registry: new Registry(),
    othersTime,
    isWell: () => true,
    clock,
    log,
  });
  await mkdir(join(paths.trash('7'), '20260101T000000000Z.session_main'), { recursive: true });
  // Those that begin with the instance.
  const purge = async () => {
    for (const { after, run } of chores) if (after === 0) await run(new AbortController().signal);
  };
  return { ...sessions, purge, removed, inTrash: () => readdir(paths.trash('7')) };
}

describe('the hourly removal', () => {
  it('empties the trash, and what else was kept long enough', async () => {
    const { clock, inTrash, purge, removed } = await scene();
    clock.pass(8 * DAY);
    await purge();
    expect(await inTrash()).toEqual([]);
    expect(removed).toEqual(['media', 'events']);
  });

  it('removes nothing by a clock that is a week ahead, since before the start or while nobody can say', async () => {
    const { clock, inTrash, others, purge, removed } = await scene();
    clock.pass(8 * DAY);
    others.start -= 8 * DAY;
    await purge();
    others.start += 8 * DAY;
    others.isAway = true;
    await purge();
    expect(await inTrash()).toHaveLength(1);
    expect(removed).toEqual([]);
  });
});
