import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fineStampOf, isoOfStamp, stampOf, timeOfFineStamp, timeOfStamp } from '../../fleet/stamps.ts';

const MOMENT = Date.parse('2026-11-22T09:30:00.123Z');
const time = fc
  .date({ min: new Date('1970-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true })
  .map((date) => date.getTime());

describe('stamps', () => {
  it('are a moment in UTC without what names of files do not take', () => {
    expect(stampOf(MOMENT)).toBe('20261122T093000Z');
    expect(fineStampOf(MOMENT)).toBe('20261122T093000123Z');
    expect(isoOfStamp('20261122T093000Z')).toBe('2026-11-22T09:30:00Z');
  });

  it('name the moment they were made of: to the second, or to the millisecond', () => {
    fc.assert(
      fc.property(time, (moment) => {
        expect(timeOfStamp(stampOf(moment))).toBe(Math.floor(moment / 1000) * 1000);
        expect(timeOfFineStamp(fineStampOf(moment))).toBe(moment);
        expect(Date.parse(isoOfStamp(stampOf(moment)))).toBe(timeOfStamp(stampOf(moment)));
      }),
    );
  });

  it('sort by time', () => {
    fc.assert(
      fc.property(time, time, (one, other) => {
        expect(Math.sign(one - other)).toBe(compare(fineStampOf(one), fineStampOf(other)));
        if (one <= other) expect(stampOf(one) <= stampOf(other)).toBe(true);
      }),
    );
  });

  it.each(['', 'readme', '20261122T093000Z.tmp', '2026-11-22T09:30:00Z', '20261122T093000123Z'])(
    'reads %j as no stamp to the second',
    (text) => {
      expect(timeOfStamp(text)).toBeNull();
      expect(isoOfStamp(text)).toBe(text);
    },
  );

  it.each(['', 'readme', '20261122T093000Z', '20261122T093000123Z.making'])(
    'reads %j as no stamp to the millisecond',
    (text) => {
      expect(timeOfFineStamp(text)).toBeNull();
    },
  );

  it('knows no moment of a thirteenth month', () => {
    expect(timeOfStamp('20261322T093000Z')).toBeNull();
    expect(timeOfFineStamp('20261322T093000123Z')).toBeNull();
  });
});

function compare(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}
