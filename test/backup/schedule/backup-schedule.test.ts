import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BackupSchedule } from '../../../backup/schedule/backup-schedule.ts';

const at = (text: string) => Date.parse(text);
const shown = (time: number | null) => (time === null ? null : new Date(time).toISOString());

describe('BackupSchedule', () => {
  it('finds the moments around a time', () => {
    const hourly = new BackupSchedule('0 * * * *');
    expect(shown(hourly.previous(at('2026-11-22T09:59:59.999Z')))).toBe('2026-11-22T09:00:00.000Z');
    expect(shown(hourly.previous(at('2026-11-22T10:00:00.000Z')))).toBe('2026-11-22T10:00:00.000Z');
    expect(shown(hourly.next(at('2026-11-22T10:00:00.000Z')))).toBe('2026-11-22T11:00:00.000Z');
    expect(shown(hourly.next(at('2026-12-31T23:30:00.000Z')))).toBe('2027-01-01T00:00:00.000Z');
  });

  it('knows the days that node-cron knows: names, last days, working days, and the 29th of February', () => {
    expect(shown(new BackupSchedule('30 2 * * MON').next(at('2026-11-22T00:00:00Z')))).toBe(
      '2026-11-23T02:30:00.000Z',
    );
    expect(shown(new BackupSchedule('0 3 L * *').next(at('2026-11-22T00:00:00Z')))).toBe(
      '2026-11-30T03:00:00.000Z',
    );
    expect(shown(new BackupSchedule('0 3 29 2 *').next(at('2026-11-22T00:00:00Z')))).toBe(
      '2028-02-29T03:00:00.000Z',
    );
    expect(shown(new BackupSchedule('0 3 29 2 *').previous(at('2026-11-22T00:00:00Z')))).toBe(
      '2024-02-29T03:00:00.000Z',
    );
    expect(shown(new BackupSchedule('15 30 4 * * *').next(at('2026-11-22T04:30:15Z')))).toBe(
      '2026-11-23T04:30:15.000Z',
    );
  });

  it('has 24 moments on a day on which the clocks of the host change', () => {
    const zone = process.env['TZ'];
    process.env['TZ'] = 'Europe/Berlin';
    try {
      expect(new Date('2026-03-29T12:00:00Z').getTimezoneOffset()).toBe(-120);
      for (const day of ['2026-03-29', '2026-10-25', '2026-11-22']) {
        const hourly = new BackupSchedule('0 * * * *');
        const moments: string[] = [];
        let time = at(`${day}T00:00:00Z`) - 1;
        for (;;) {
          time = hourly.next(time) as number;
          if (!shown(time)?.startsWith(day)) break;
          moments.push(shown(time) as string);
        }
        const hours = Array.from(
          { length: 24 },
          (_, hour) => `${day}T${String(hour).padStart(2, '0')}:00:00.000Z`,
        );
        expect(moments).toEqual(hours);
      }
    } finally {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    }
  });

  it('leaves nothing out between the moment before and the next one', () => {
    const patterns = ['0 * * * *', '*/7 3-5 * * *', '0 0 1 * *', '59 23 * * SUN', '10,20 */5 * * * *'];
    fc.assert(
      fc.property(
        fc.constantFrom(...patterns),
        fc.integer({ min: 0, max: 4_000_000_000_000 }),
        (pattern, time) => {
          const schedule = new BackupSchedule(pattern);
          const previous = schedule.previous(time) as number;
          const next = schedule.next(time) as number;
          expect(previous).toBeLessThanOrEqual(time);
          expect(next).toBeGreaterThan(time);
          expect(schedule.next(previous)).toBe(next);
          expect(schedule.previous(next - 1)).toBe(previous);
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each([
    ['', 'illegal characters'],
    ['every hour', 'expected 5 or 6 fields'],
    ['0 25 * * *', 'hour: 25'],
    ['0 3 31 2 *', 'impossible day'],
  ])('refuses %j and says why', (pattern, why) => {
    expect(() => new BackupSchedule(pattern)).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        message: expect.stringMatching(
          new RegExp(`BACKUP_SCHEDULE.*${why}.*Every hour is "0 \\* \\* \\* \\*"`),
        ),
      }),
    );
  });
});
