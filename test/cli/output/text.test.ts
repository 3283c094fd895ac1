import { describe, expect, it } from 'vitest';
import { barText } from '../../../cli/output/bar.ts';
import { bytesText, spanText, timeText } from '../../../cli/output/text.ts';

describe('bytesText', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [34_000, '34 kB'],
    [999_499, '999 kB'],
    [999_500, '1.0 MB'],
    [2_540_000_000, '2.5 GB'],
    [3e15, '3000 TB'],
  ])('shows %i as %s', (bytes, text) => {
    expect(bytesText(bytes)).toBe(text);
  });
});

describe('spanText', () => {
  it.each([
    [0, '0 s'],
    [0.04, '0.1 s'],
    [0.42, '0.4 s'],
    [8, '8 s'],
    [9.97, '10 s'],
    [59.6, '1 min'],
    [125, '2 min 5 s'],
    [3600, '1 h'],
    [4800, '1 h 20 min'],
    [90_000, '1 d 1 h'],
    [-3, '0 s'],
  ])('shows %d seconds as %s', (seconds, text) => {
    expect(spanText(seconds)).toBe(text);
  });
});

describe('barText', () => {
  it.each([
    [0, 10, 0],
    [1, 10, 2],
    [9.99, 10, 19],
    [10, 10, 20],
    [12, 10, 20],
    [0, 0, 20],
  ])('draws %d of %d as %d full marks', (done, total, full) => {
    expect(barText(done, total)).toBe(`[${'█'.repeat(full)}${'░'.repeat(20 - full)}]`);
  });
});

describe('timeText', () => {
  it('leaves out what is below a second', () => {
    expect(timeText('2026-11-22T09:00:03.123Z')).toBe('2026-11-22T09:00:03Z');
  });
});
