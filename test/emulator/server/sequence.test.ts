import fc from 'fast-check';
import { expect, test } from 'vitest';
import { newSequence, rewind, take } from '../../../emulator/server/sequence.ts';

test('takes every number once, in whatever order they come', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 200 })), (numbers) => {
      const sequence = newSequence();
      expect(numbers.map((number) => take(sequence, number))).toEqual(numbers.map(() => true));
      expect(numbers.map((number) => take(sequence, number))).toEqual(numbers.map(() => false));
    }),
  );
});

test('after it is rewound, takes the numbers above again', () => {
  const sequence = newSequence();
  for (const number of [1, 2, 3, 5]) take(sequence, number);
  rewind(sequence, 2);
  expect([3, 4, 5, 2].map((number) => take(sequence, number))).toEqual([true, true, true, false]);
});

test('does not grow without bound when a device skips far ahead', () => {
  const sequence = newSequence();
  take(sequence, 2 ** 50);
  expect(sequence.gaps.length).toBeLessThanOrEqual(1000);
  expect(take(sequence, 2 ** 50 - 1)).toBe(true);
});
