import fc from 'fast-check';
import { expect, it } from 'vitest';
import { backupIdAt } from '../../../backup/manifest/backup-ids.ts';
import { type RetentionBackup, type RetentionPlan, retain } from '../../../backup/retention/retention.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.parse('2026-11-01T00:00:00Z');

/** Backups of up to sixty days, each put some time after it was begun; and a moment after the last of them. */
const situation = fc
  .record({
    backups: fc.uniqueArray(
      fc.record({
        second: fc.integer({ min: 0, max: 60 * 24 * 3600 }),
        took: fc.integer({ min: 1000, max: 2 * HOUR }),
        state: fc.constantFrom('complete', 'complete', 'partial', 'damaged'),
      }),
      { selector: ({ second }) => second, maxLength: 120 },
    ),
    later: fc.integer({ min: 0, max: 400 * DAY }),
    hourly: fc.integer({ min: 1, max: 30 }),
    daily: fc.integer({ min: 0, max: 10 }),
  })
  .map(({ backups, later, hourly, daily }) => {
    const all = backups.map(({ second, took, state }): RetentionBackup => {
      const made = START + second * 1000;
      return { id: backupIdAt(made), made, modified: made + took, state };
    });
    const now = Math.max(START, ...all.map(({ modified }) => modified)) + later;
    return { all, now, numbers: { hourly, daily } };
  });

type Situation = typeof situation extends fc.Arbitrary<infer Value> ? Value : never;

const keptOf = (all: readonly RetentionBackup[], plan: RetentionPlan) => {
  const ids = new Set(plan.keep.map(({ id }) => id));
  return all.filter(({ id }) => ids.has(id));
};
const always = (property: (value: Situation & { plan: RetentionPlan }) => void) =>
  fc.assert(
    fc.property(situation, ({ all, now, numbers }) =>
      property({ all, now, numbers, plan: retain(all, now, numbers) }),
    ),
    { numRuns: 400 },
  );
const newest = (backups: readonly RetentionBackup[]) => backups.toSorted((a, b) => b.made - a.made)[0];
const stretches = (backups: readonly RetentionBackup[], length: number) =>
  new Set(backups.filter(({ state }) => state !== 'damaged').map(({ made }) => Math.floor(made / length)));

it('says of each backup once what becomes of it, whatever order they come in', () => {
  always(({ all, now, numbers, plan }) => {
    const told = [...plan.keep, ...plan.remove].map(({ id }) => id);
    expect(told.toSorted()).toEqual(all.map(({ id }) => id).toSorted());
    expect(retain(all.toReversed(), now, numbers)).toEqual(plan);
  });
});

it('never removes the newest that can be read, nor the newest that is complete', () => {
  always(({ all, plan }) => {
    const kept = keptOf(all, plan);
    const readable = all.filter(({ state }) => state !== 'damaged');
    expect(newest(kept.filter(({ state }) => state !== 'damaged'))).toEqual(newest(readable));
    const complete = all.filter(({ state }) => state === 'complete');
    expect(newest(kept.filter(({ state }) => state === 'complete'))).toEqual(newest(complete));
  });
});

it('keeps as many hours and days as there are, however long ago they were, and no more for their sake', () => {
  always(({ all, numbers, plan }) => {
    const counted = (reason: string) =>
      plan.keep.filter(({ reasons }) => reasons.some((each) => each === reason)).length;
    expect(counted('hourly')).toBe(Math.min(numbers.hourly, stretches(all, HOUR).size));
    expect(counted('daily')).toBe(Math.min(numbers.daily, stretches(all, DAY).size));
  });
});

it('removes nothing more where it is asked again, and stays that way through an outage', () => {
  always(({ all, now, numbers, plan }) => {
    const kept = keptOf(all, plan);
    expect(retain(kept, now, numbers).remove).toEqual([]);
    const yearsLater = retain(kept, now + 1000 * DAY, numbers);
    const survivors = keptOf(kept, yearsLater);
    expect(stretches(survivors, HOUR).size).toBeGreaterThanOrEqual(
      Math.min(numbers.hourly, stretches(all, HOUR).size),
    );
    expect(retain(survivors, now + 2000 * DAY, numbers).remove).toEqual([]);
  });
});

it('removes none that was the newest within the last day', () => {
  always(({ all, now, plan }) => {
    const removed = new Set(plan.remove.map(({ id }) => id));
    const readable = all.filter(({ state }) => state !== 'damaged');
    for (const backup of readable.filter(({ id }) => removed.has(id))) {
      const later = readable.filter(({ made }) => made > backup.made);
      expect(later.some(({ modified }) => now - modified >= DAY)).toBe(true);
    }
  });
});

it('removes a damaged one only where a complete one is newer, and counts none for an hour or a day', () => {
  always(({ all, now, plan }) => {
    const byId = new Map(all.map((backup) => [backup.id, backup]));
    for (const { id, reasons } of plan.keep)
      if (byId.get(id)?.state === 'damaged') expect(reasons).toEqual(['damaged']);
    for (const { id } of plan.remove) {
      const backup = byId.get(id);
      if (backup?.state !== 'damaged') continue;
      expect(now - backup.modified).toBeGreaterThanOrEqual(2 * DAY);
      const kept = keptOf(all, plan).filter(({ state }) => state === 'complete');
      expect(kept.some(({ made }) => made > backup.made)).toBe(true);
    }
  });
});
