import { describe, expect, it } from 'vitest';
import { expiryArgument, expiryText, expiryTime } from '../../cli/expiry.ts';

const now = new Date('2026-11-22T10:00:00.000Z');

describe('when something is to expire', () => {
  it.each([
    ['12h', '2026-11-22T22:00:00.000Z'],
    ['90d', '2027-02-20T10:00:00.000Z'],
    ['4w', '2026-12-20T10:00:00.000Z'],
    ['2027-01-31', '2027-01-31T00:00:00.000Z'],
    ['2027-01-31T18:00+02:00', '2027-01-31T16:00:00.000Z'],
    ['2027-01-31T18:00:00Z', '2027-01-31T18:00:00.000Z'],
  ])('%s is understood', (text, time) => {
    expect(expiryTime(expiryArgument(text), now)).toBe(time);
  });

  // A time without its zone would be another one on each machine.
  it.each([
    '',
    '0d',
    '90',
    '-1d',
    '1.5d',
    '90 d',
    '12345d',
    '2027-02-30',
    '2027-02-30T10:00Z',
    '2027-13-01',
    '2027-01-31T18:00',
    'never',
  ])('is not said by %j', (text) => {
    expect(() => expiryArgument(text)).toThrow('It must be a span');
  });

  it.each([
    [null, '-'],
    ['2026-11-22T10:00:30.000Z', 'in 30 s'],
    ['2027-02-20T09:00:00.000Z', 'in 89 d 23 h'],
    ['2026-11-22T10:00:00.000Z', 'expired 0 s ago'],
    ['2026-11-19T10:00:00.000Z', 'expired 3 d ago'],
  ])('%s is shown as "%s"', (time, text) => {
    expect(expiryText(time, now)).toBe(text);
  });
});
