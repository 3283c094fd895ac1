import { describe, expect, it } from 'vitest';
import { BackupSchedule } from '../../../backup/schedule/backup-schedule.ts';
import { type DueFacts, type LastBackup, nextDue } from '../../../backup/schedule/due.ts';

const MINUTE = 60_000;
const hourly = new BackupSchedule('0 * * * *');
const at = (clock: string) => Date.parse(`2026-11-22T${clock}:00Z`);

function due(now: string, changes: Partial<DueFacts> = {}) {
  const found = nextDue(hourly, { now: at(now), last: null, since: 0, jitter: 0, pause: null, ...changes });
  return (
    found &&
    `${new Date(found.slot).toISOString().slice(11, 16)} at ${new Date(found.at).toISOString().slice(11, 16)}`
  );
}

/** One that was made when the clock was right all the time. */
function made(clock: string, now: string): { last: LastBackup } {
  return { last: { made: at(clock), age: at(now) - at(clock) } };
}

describe('nextDue', () => {
  it('is the next moment where one was made since the last', () => {
    expect(due('10:20', made('10:00', '10:20'))).toBe('11:00 at 11:00');
    expect(due('10:59', made('10:58', '10:59'))).toBe('11:00 at 11:00');
  });

  it('is now where a moment passed without one', () => {
    expect(due('11:00', made('10:01', '11:00'))).toBe('11:00 at 11:00');
    expect(due('11:00')).toBe('11:00 at 11:00');
  });

  it('catches up with one for many that were missed', () => {
    expect(due('14:20', made('03:00', '14:20'))).toBe('14:00 at 14:00');
    expect(due('14:21', made('14:20', '14:21'))).toBe('15:00 at 15:00');
  });

  it('takes a backup that somebody asked for as the one for its moment', () => {
    expect(due('10:40', made('10:30', '10:40'))).toBe('11:00 at 11:00');
  });

  it('puts runs off by at most the jitter, the same for a moment whoever asks', () => {
    const jitter = 10 * MINUTE;
    const first = nextDue(hourly, {
      now: at('10:20'),
      ...made('10:00', '10:20'),
      since: 0,
      jitter,
      pause: null,
    });
    const again = nextDue(hourly, {
      now: at('11:00'),
      ...made('10:00', '11:00'),
      since: at('10:59'),
      jitter,
      pause: null,
    });
    expect(again).toEqual(first);
    expect(first?.at).toBeGreaterThan(at('11:00'));
    expect(first?.at).toBeLessThan(at('11:10'));
    const draws = new Set(
      Array.from({ length: 20 }, (_, hour) => {
        const slot = at('10:00') + hour * 60 * MINUTE;
        return (
          (nextDue(hourly, {
            now: slot - 1,
            last: { made: slot - 30 * MINUTE, age: 30 * MINUTE - 1 },
            since: 0,
            jitter,
            pause: null,
          })?.at ?? 0) - slot
        );
      }),
    );
    expect(draws.size).toBeGreaterThan(15);
  });

  it('gives a fleet that is just starting the jitter as time before it catches up', () => {
    const jitter = 2 * MINUTE;
    const found = nextDue(hourly, { now: at('10:20'), last: null, since: at('10:20'), jitter, pause: null });
    expect(found?.slot).toBe(at('10:00'));
    expect(found?.at).toBeGreaterThan(at('10:20'));
    expect(found?.at).toBeLessThan(at('10:22'));
  });

  it('waits after a run that failed, but not beyond the next moment', () => {
    const pause = (until: string) => ({ pause: { slot: at('10:00'), until: at(until) } });
    expect(due('10:02', pause('10:07'))).toBe('10:00 at 10:07');
    expect(due('10:42', pause('11:20'))).toBe('11:00 at 11:00');
    expect(due('11:00', pause('11:20'))).toBe('11:00 at 11:00');
  });

  describe('when the clock is set', () => {
    it('makes none twice where it goes back over the hour just after one', () => {
      // Made at 11:01; three minutes later the clock goes back to 10:58, and reaches 11:00 again.
      expect(due('10:58', { last: { made: at('11:01'), age: 3 * MINUTE } })).toBe('11:00 at 11:00');
      expect(due('11:00', { last: { made: at('11:01'), age: 5 * MINUTE } })).toBe('12:00 at 12:00');
      expect(due('11:02', { last: { made: at('11:01'), age: 7 * MINUTE } })).toBe('12:00 at 12:00');
    });

    it('skips none where it goes back by an hour', () => {
      // Made at 11:03; at 11:10 the clock goes back to 10:10.
      expect(due('10:10', { last: { made: at('11:03'), age: 7 * MINUTE } })).toBe('11:00 at 11:00');
      expect(due('11:00', { last: { made: at('11:03'), age: 57 * MINUTE } })).toBe('11:00 at 11:00');
    });

    it('makes none twice where it goes forward over the hour just after one', () => {
      // Made at 10:57; at 10:58 the clock goes forward to 11:58.
      expect(due('11:58', { last: { made: at('10:57'), age: 1 * MINUTE } })).toBe('12:00 at 12:00');
      expect(due('12:00', { last: { made: at('10:57'), age: 3 * MINUTE } })).toBe('13:00 at 13:00');
    });

    it('skips none where it goes forward over the hour', () => {
      // Made at 10:00; at 10:50 the clock goes forward to 11:20.
      expect(due('11:20', { last: { made: at('10:00'), age: 50 * MINUTE } })).toBe('11:00 at 11:00');
      // To 11:50: then the next moment comes when it would have come.
      expect(due('11:50', { last: { made: at('10:00'), age: 50 * MINUTE } })).toBe('12:00 at 12:00');
    });

    it('goes on where the last backup is of a future that a clock dreamt of', () => {
      const dreamt = Date.parse('2031-01-01T00:00:00Z');
      expect(due('10:20', { last: { made: dreamt, age: 0 } })).toBe('11:00 at 11:00');
      expect(due('11:00', { last: { made: dreamt, age: 40 * MINUTE } })).toBe('11:00 at 11:00');
    });
  });
});
