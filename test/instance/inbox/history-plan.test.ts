import { describe, expect, it } from 'vitest';
import type { SessionMarks } from '../../../fleet/events/inbox-marks.ts';
import { IDS_REMEMBERED } from '../../../fleet/events/inbox-marks.ts';
import { planHistory } from '../../../instance/inbox/history-plan.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;
/** When the session was last seen, Unix seconds. */
const LIVE = 1_795_000_000;
const LINKED = LIVE - 100 * DAY;

function plan(
  marks: Record<string, number>,
  chats: Record<string, number>,
  changes: Partial<SessionMarks> = {},
  now = LIVE + HOUR,
) {
  const all: SessionMarks = {
    since: LINKED,
    liveUntil: LIVE * 1000,
    chats: new Map(Object.entries(marks)),
    unreadable: new Map(),
    ...changes,
  };
  const { queries, forget } = planHistory(all, new Map(Object.entries(chats)), now);
  return { read: Object.fromEntries(queries.map(({ chatId, after }) => [chatId, after])), forget };
}

describe('the plan of what to read of the histories', () => {
  it('leaves out chats in which nothing happened since their mark and for an hour before the session was last seen', () => {
    const quiet = LIVE - 2 * HOUR;
    expect(plan({ a: quiet, b: quiet }, { a: quiet, b: quiet }).read).toEqual({});
  });

  it('reads a chat with something newer from its mark on, or from an hour before the session was last seen', () => {
    const quiet = LIVE - 2 * DAY;
    const busy = LIVE - 60;
    expect(plan({ quiet, busy }, { quiet: LIVE + 5, busy: LIVE + 5 }).read).toEqual({
      quiet,
      busy: LIVE - HOUR,
    });
  });

  it('reads once more what was active in the last hour: what became of it then may not have been told', () => {
    expect(plan({ a: LIVE - 60 }, { a: LIVE - 60 }).read).toEqual({ a: LIVE - HOUR });
  });

  it('finds what came with an earlier time than the mark of another chat, however long ago', () => {
    expect(plan({ a: LIVE - 3 * DAY }, { a: LIVE - 2 * DAY }).read).toEqual({ a: LIVE - 3 * DAY });
  });

  it('reads a new chat whole, but nothing of before the account was linked', () => {
    expect(plan({}, { a: LIVE + 5 }, { since: LIVE - DAY }).read).toEqual({ a: LIVE - DAY - 1 });
    expect(plan({}, { a: LIVE - DAY - 1 }, { since: LIVE - DAY }).read).toEqual({});
    expect(plan({}, { a: LIVE - DAY }, { since: LIVE - DAY }).read).toEqual({ a: LIVE - DAY - 1 });
    expect(plan({ a: LIVE - DAY }, { a: LIVE + 5 }, { since: LIVE - 60 }).read).toEqual({ a: LIVE - 61 });
  });

  it('looks back an hour from each mark where it is not known when the session was last seen', () => {
    expect(plan({ a: LIVE - DAY }, { a: LIVE - DAY }, { liveUntil: null }).read).toEqual({
      a: LIVE - DAY - HOUR,
    });
  });

  it('needs no mark of chats that were silent for a month, counted from when the session was last seen', () => {
    const old = LIVE - 31 * DAY;
    expect(plan({ old, fresh: LIVE }, { old, fresh: LIVE }).forget).toEqual(['old']);
    expect(plan({}, { old }).read).toEqual({});
    // A year later what came meanwhile is still found.
    const later = plan({ a: LIVE - DAY }, { a: LIVE + 300 * DAY, b: LIVE + DAY }, {}, LIVE + 365 * DAY);
    expect(later.read).toEqual({ a: LIVE - DAY, b: LIVE - 30 * DAY });
    expect(later.forget).toEqual([]);
  });

  it('is not led astray by a clock that was ahead', () => {
    expect(plan({ a: LIVE }, { a: LIVE + 60 }, { liveUntil: (LIVE + DAY) * 1000 }).read).toEqual({ a: LIVE });
  });

  it('begins with the chats that were active last', () => {
    expect(Object.keys(plan({}, { a: LIVE + 1, b: LIVE + 3, c: LIVE + 2 }).read)).toEqual(['b', 'c', 'a']);
  });

  it('looks back less far than ids of events are remembered', () => {
    const [after] = Object.values(plan({ a: LIVE }, { a: LIVE }).read);
    expect((LIVE - (after ?? 0)) * 1000).toBeLessThan(IDS_REMEMBERED / 2);
  });
});
