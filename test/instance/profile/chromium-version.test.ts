import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ChromiumVersion,
  compareChromiumVersions,
  formatChromiumVersion,
  mayOpen,
  parseChromiumVersion,
} from '../../../instance/profile/chromium-version.ts';

const version = fc.tuple(fc.nat(999), fc.nat(9), fc.nat(99999), fc.nat(999));

describe('parseChromiumVersion', () => {
  it.each([
    'Chromium 156.0.8078.79 built on Debian GNU/Linux 12',
    'HeadlessChrome/156.0.8078.79',
    '156.0.8078.79',
    'Google Chrome for Testing 156.0.8078.79 ',
  ])('finds the version in %j', (text) => {
    expect(parseChromiumVersion(text)).toEqual([156, 0, 8078, 79]);
  });

  it.each([
    '',
    'Chromium',
    '156',
    '156.0.8078',
    '1.156.0.8078.79',
    '156.0.8078.79.1',
    '1560000.0.8078.79',
    '-',
  ])('finds none in %j', (text) => {
    expect(parseChromiumVersion(text)).toBeNull();
  });

  it('reads what it prints', () => {
    fc.assert(
      fc.property(version, (one) => {
        expect(parseChromiumVersion(formatChromiumVersion(one))).toEqual(one);
      }),
    );
  });
});

describe('mayOpen', () => {
  const wrote: ChromiumVersion = [156, 0, 8078, 79];

  it.each<[ChromiumVersion, boolean]>([
    [[156, 0, 8078, 79], true],
    [[156, 0, 8078, 80], true],
    [[156, 0, 8079, 0], true],
    [[157, 0, 0, 0], true],
    [[1000, 0, 0, 0], true],
    [[156, 0, 8078, 78], false],
    [[156, 0, 8077, 999], false],
    [[155, 9, 9999, 999], false],
    [[99, 0, 8078, 79], false],
  ])('%j may open a profile of 156.0.8078.79: %s', (binary, allowed) => {
    expect(mayOpen(wrote, binary)).toBe(allowed);
  });

  it('lets any binary open a profile of no known version', () => {
    expect(mayOpen(null, [1, 0, 0, 0])).toBe(true);
  });

  it('never lets two different versions both open after each other', () => {
    fc.assert(
      fc.property(version, version, (left, right) => {
        const both = mayOpen(left, right) && mayOpen(right, left);
        expect(both).toBe(compareChromiumVersions(left, right) === 0);
        expect(mayOpen(left, right) || mayOpen(right, left)).toBe(true);
      }),
    );
  });
});
