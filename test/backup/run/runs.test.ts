import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BackupEvents } from '../../../backup/events.ts';
import { BackupMetrics } from '../../../backup/metrics.ts';
import { Operations } from '../../../backup/operations.ts';
import { LastBackupMemory } from '../../../backup/run/last-backup.ts';
import { type AfterRun, Runs } from '../../../backup/run/runs.ts';
import { Scratch } from '../../../backup/scratch.ts';
import { Sampler } from '../../../backup/verify/sampler.ts';
import { systemClock } from '../../../common/clock.ts';
import { WharfError } from '../../../common/errors.ts';
import type { WharfEvent } from '../../../fleet/events/event.ts';
import { someFiles } from '../../helpers/copyable-sessions.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { toldDamage } from '../../helpers/told-damage.ts';
import { runParts } from './run-parts.ts';

/** Runs over a fleet in memory with one session. */
function someRuns(after: AfterRun[] = [], recall: () => Promise<void> = async () => {}) {
  const { parts, fleet, store, objects, catalog, hour } = runParts();
  fleet.set('7', 'main', someFiles('a'));
  const told = new Map<string, WharfEvent>();
  const { clock, log } = parts;
  const term = new AbortController();
  const make = () => {
    const operations: Operations = new Operations({
      term: () => term.signal,
      onEnd: (kind, outcome) => metrics.ended(kind, outcome),
      clock,
      log,
    });
    const last = new LastBackupMemory(clock);
    const metrics = new BackupMetrics({
      leads: () => true,
      running: (kind) => operations.isRunning(kind),
      lastSuccess: () => last.get()?.made ?? null,
      verified: () => null,
      unverifiedSince: () => null,
      now: () => clock.now(),
    });
    const append = async (events: readonly WharfEvent[]) => {
      for (const event of events) if (!told.has(event.id)) told.set(event.id, event);
    };
    const events = new BackupEvents({ append }, clock, log);
    return { runs: new Runs({ ...parts, operations, last, metrics, events, recall, after }), metrics };
  };
  const run = async ({ runs }: ReturnType<typeof make>) => {
    const ended = await runs.ended(runs.begin().id);
    if (!ended) throw new Error('it is not known');
    return ended;
  };
  const events = () => [...told.values()].map(({ type, data }) => ({ type, data }));
  return { make, run, events, told, term, fleet, store, objects, catalog, hour };
}

describe('Runs', () => {
  it('does what follows a backup in its order, and tells what fails of it without failing', async () => {
    const done: string[] = [];
    const { make, run, catalog } = someRuns([
      {
        step: 'sample',
        doing: 'looking at a sample',
        work: async ({ id }, operation) => {
          done.push(`sample of ${id}, ${operation.signal.aborted}`);
          throw new Error('There is no room.');
        },
      },
      {
        step: 'prune',
        doing: 'removing what is not kept',
        work: async () => {
          done.push('prune');
        },
      },
    ]);
    const service = make();
    const ended = await run(service);
    expect(ended).toMatchObject({
      state: 'done',
      backup: '20261122T090003Z',
      findings: ['The backup is made, but looking at a sample failed: There is no room.'],
    });
    expect(done).toEqual(['sample of 20261122T090003Z, false', 'prune']);
    const text = await service.metrics.text();
    expect(text).toMatch(/wharf_backup_after_failures_total\{step="sample"\} 1/);
    expect(text).toMatch(/wharf_backup_after_failures_total\{step="prune"\} 0/);
    expect(await catalog.list()).toHaveLength(1);
  });

  it('counts backups of which no sample could be looked at, since there is no room for it or the store is away', async () => {
    const directory = await temporaryDirectory();
    const after: AfterRun[] = [];
    const { make, run, objects, store, hour } = someRuns(after);
    const { damage, told } = toldDamage();
    const sampler = new Sampler({ objects, scratch: new Scratch(directory, systemClock), count: 1, damage });
    after.push({
      step: 'sample',
      doing: 'looking at a sample',
      work: (manifest, operation) => sampler.look(manifest, operation),
    });
    const service = make();
    const failures = async () =>
      (await service.metrics.text()).match(/^wharf_backup_after_failures_total\{step="sample"\} .*/m)?.[0];
    await writeFile(join(directory, 'backup'), 'in the way');
    expect((await run(service)).findings).toEqual([
      expect.stringContaining('could not be: Could not make the directory'),
      expect.stringContaining('The backup is made, but looking at a sample failed: Could not make'),
    ]);
    expect(await failures()).toMatch(/ 1$/);
    await rm(join(directory, 'backup'));
    hour();
    store.before = (request, key) => {
      if (request === 'get' && key.startsWith('objects/'))
        throw new WharfError('backup_store_failed', 'It does not answer.');
    };
    expect((await run(service)).findings.at(-1)).toContain('It does not answer.');
    expect(await failures()).toMatch(/ 2$/);
    expect(told.counted).toBe(0);
  });

  it('tells of a run that failed, and when the last good one was', async () => {
    const { make, run, events, fleet, hour } = someRuns();
    const service = make();
    await run(service);
    hour();
    fleet.before = () => {
      throw new WharfError('storage_unavailable', 'The mount is gone.');
    };
    expect(await run(service)).toMatchObject({ state: 'failed', error: 'The mount is gone.' });
    expect(events()).toMatchObject([
      { type: 'backup.completed' },
      {
        type: 'backup.failed',
        data: { reason: 'The mount is gone.', last_success: '2026-11-22T09:00:03.000Z' },
      },
    ]);
    const text = await service.metrics.text();
    expect(text).toMatch(/wharf_backup_runs_total\{outcome="failed"\} 1/);
    expect(text).toMatch(/wharf_backup_runs_total\{outcome="complete"\} 1/);
    expect(text).toMatch(/wharf_backup_age_seconds 3600/);
    expect(text).toMatch(/wharf_backup_last_success_timestamp_seconds 1795338003/);
    expect(text).toMatch(/wharf_backup_operations_total\{kind="run",outcome="done"\} 1/);
    expect(text).toMatch(/wharf_backup_operations_total\{kind="run",outcome="failed"\} 1/);
    expect(text).toMatch(/wharf_backup_operations_total\{kind="verify",outcome="failed"\} 0/);
  });

  it('makes no backup where it cannot be known what earlier verifications found damaged: it might count on that', async () => {
    const { make, run, catalog, fleet } = someRuns([], async () => {
      throw new WharfError('backup_store_failed', 'It does not answer.');
    });
    expect(await run(make())).toMatchObject({ state: 'failed', error: 'It does not answer.' });
    expect(await catalog.list()).toEqual([]);
    expect(fleet.asked).toEqual([]);
  });

  it('counts for how long browsers were frozen, for copies that failed too', async () => {
    const { make, run, fleet } = someRuns();
    fleet.set('7', 'sales', someFiles('b'));
    fleet.before = (asked) => {
      if (asked === 'copy 7/sales')
        throw new WharfError('invalid_state', 'It writes too much.', { extra: { frozen_ms: 3000 } });
    };
    const service = make();
    await run(service);
    const text = await service.metrics.text();
    // Copied once; tried twice in vain.
    expect(text).toMatch(/wharf_backup_frozen_seconds_count 3/);
    expect(text).toMatch(/wharf_backup_frozen_seconds_sum 6\.02/);
    expect(text).toMatch(/wharf_backup_frozen_seconds_bucket\{le="2.5"\} 1/);
  });

  it('tells nothing of a run that ends since another service makes the backups', async () => {
    const { make, run, events, fleet, term } = someRuns();
    fleet.before = () => term.abort(new WharfError('backup_unavailable', 'Another does.'));
    expect(await run(make())).toMatchObject({ state: 'cancelled' });
    expect(events()).toEqual([]);
  });

  it('tells of the last backup where its maker died before it could, and once', async () => {
    const { make, run, events, told } = someRuns();
    await run(make());
    const [told1] = events();
    told.clear();
    const next = make();
    await next.runs.learn();
    await expect.poll(events).toEqual([told1]);
    expect(next.runs.last()?.made).toBe(Date.parse('2026-11-22T09:00:03Z'));
    await make().runs.learn();
    await run(next);
    expect(
      events().filter(({ data }) => 'backup' in data && data.backup === '20261122T090003Z'),
    ).toHaveLength(1);
  });
});
