import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  GENERATIONS_KEPT,
  planTidy,
  planTrash,
  SUPERSEDED_KEPT,
  type TidyFacts,
  TRASH_BYTES_KEPT,
  TRASH_ENTRIES_KEPT,
} from '../../../instance/profile/tidy-plan.ts';

const NOW = Date.UTC(2026, 10, 22);
const HOUR = 60 * 60_000;

/** `5:2@30` is generation 5, ready twice, made 30 hours ago; `@?` where that is not known. */
function parse(text: string): TidyFacts[] {
  return text.split(' ').map((part) => {
    const [, generation, ready, age] = /^(\d+):(\d)@(\d+|\?)$/.exec(part) ?? [];
    return {
      generation: Number(generation),
      readyStarts: Number(ready),
      madeAt: age === '?' ? null : NOW - Number(age) * HOUR,
    };
  });
}

/** What stays, what goes and why, newest first. */
const TABLE: [generations: string, current: number, outcome: string][] = [
  ['1:2@900', 1, '1 stays: the session runs on it'],
  ['1:2@900 5:0@1', 5, '5 stays: the session runs on it; 1 stays: the last in which the session was ready'],
  [
    '1:2@900 5:1@90',
    5,
    '5 stays: the session runs on it; 1 stays: the one that replaced it is not proven yet',
  ],
  ['1:2@900 5:2@23', 5, '5 stays: the session runs on it; 1 stays: replaced less than a day ago'],
  [
    '1:2@900 5:2@24',
    5,
    '5 stays: the session runs on it; 1 goes: replaced more than a day ago by one that is proven',
  ],
  ['1:2@900 5:2@?', 5, '5 stays: the session runs on it; 1 stays: replaced less than a day ago'],
  [
    '1:2@9 2:2@8 3:2@7 4:2@6',
    4,
    '4 stays: the session runs on it; 3 stays: replaced less than a day ago; 2 stays: replaced less than a day ago; 1 goes: more than 3 generations',
  ],
  // One take-over after another, and never ready: what was good is kept, and what was tried last.
  [
    '1:2@9 2:0@8 3:0@7 4:0@6 5:0@5',
    5,
    '5 stays: the session runs on it; 4 stays: the one that replaced it is not proven yet; 3 goes: more than 3 generations; 2 goes: more than 3 generations; 1 stays: the last in which the session was ready',
  ],
  [
    '1:2@99 4:2@50 6:0@1',
    4,
    '6 stays: newer than the one the session runs on; 4 stays: the session runs on it; 1 goes: replaced more than a day ago by one that is proven',
  ],
  [
    '1:2@99 2:2@90 3:2@80 4:2@70',
    9,
    '4 stays: the last in which the session was ready; 3 stays: the one that replaced it is not proven yet; 2 stays: the one that replaced it is not proven yet; 1 stays: the one that replaced it is not proven yet',
  ],
];

describe('which generations stay', () => {
  it.each(TABLE)('of %s, with %i named', (generations, current, outcome) => {
    const verdicts = planTidy(parse(generations), current, NOW);
    expect(
      verdicts.map(({ what, keep, reason }) => `${what} ${keep ? 'stays' : 'goes'}: ${reason}`).join('; '),
    ).toBe(outcome);
  });

  it('always: the one that is named, all above it, and the last that was ready; never more than may be, once it is there', () => {
    const facts = fc.record({
      generation: fc.integer({ min: 1, max: 12 }),
      readyStarts: fc.integer({ min: 0, max: 2 }),
      madeAt: fc.option(fc.integer({ min: NOW - 3 * SUPERSEDED_KEPT, max: NOW })),
    });
    const sessions = fc.uniqueArray(facts, { selector: ({ generation }) => generation, maxLength: 8 });
    fc.assert(
      fc.property(sessions, fc.integer({ min: 1, max: 12 }), (generations, current) => {
        const verdicts = planTidy(generations, current, NOW);
        const kept = verdicts.filter(({ keep }) => keep).map(({ what }) => what);
        expect(verdicts.map(({ what }) => what).sort()).toEqual(
          generations.map(({ generation }) => generation).sort(),
        );
        const named = generations.some(({ generation }) => generation === current);
        const above = generations.filter(({ generation }) => generation > current);
        if (!named) {
          expect(kept).toHaveLength(generations.length);
          return;
        }
        for (const { generation } of above) expect(kept).toContain(generation);
        expect(kept).toContain(current);
        const ready = generations.filter(
          ({ generation, readyStarts }) => generation <= current && readyStarts > 0,
        );
        if (ready.length > 0) expect(kept).toContain(Math.max(...ready.map(({ generation }) => generation)));
        expect(kept.length - above.length).toBeLessThanOrEqual(GENERATIONS_KEPT);
      }),
    );
  });
});

describe('what stays of the trash', () => {
  const entry = (time: number, bytes = 1) => ({ name: `entry-${time}`, time, bytes });
  const kept = (entries: Parameters<typeof planTrash>[0]) =>
    planTrash(entries)
      .filter(({ keep }) => keep)
      .map(({ what }) => what);

  it('is the newest, as many as may be', () => {
    const entries = [3, 1, 7, 5, 6, 2, 4].map((time) => entry(time));
    expect(kept(entries)).toEqual(['entry-7', 'entry-6', 'entry-5', 'entry-4', 'entry-3']);
    expect(planTrash(entries).at(-1)).toEqual({
      what: 'entry-1',
      keep: false,
      reason: 'more than 5 generations in the trash',
    });
    expect(TRASH_ENTRIES_KEPT).toBe(5);
  });

  it('is no more than so many bytes, but always the newest', () => {
    expect(kept([entry(3, TRASH_BYTES_KEPT - 2), entry(2, 2), entry(1, 1)])).toEqual(['entry-3', 'entry-2']);
    expect(kept([entry(2, TRASH_BYTES_KEPT * 9), entry(1, 0)])).toEqual(['entry-2']);
    expect(kept([])).toEqual([]);
  });
});
