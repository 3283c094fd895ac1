import { describe, expect, it } from 'vitest';
import { newRestoreId, restoreIdSchema, timeOfRestore } from '../../../fleet/backup/restore-ids.ts';

const MOMENT = Date.parse('2026-11-22T09:30:00Z');

describe('the id of a restore', () => {
  it('names the second it began in, and is another one each time', () => {
    const ids = Array.from({ length: 100 }, () => newRestoreId(MOMENT + 999));
    for (const id of ids) {
      expect(id).toMatch(/^r-20261122T093000Z-[0-9a-f]{6}$/);
      expect(restoreIdSchema.parse(id)).toBe(id);
      expect(timeOfRestore(id)).toBe(MOMENT);
    }
    // A hundred of 16 million: three pairs of them alike are less likely than one in 10^11.
    expect(new Set(ids).size).toBeGreaterThan(97);
  });

  it.each([
    '',
    'r-',
    '20261122T093000Z',
    'run-20261122T093000Z-1a2b3c',
    'r-20261122T093000Z-1a2b3c.session_main',
    'r-20261322T093000Z-1a2b3c',
  ])('tells no time of %j', (text) => {
    expect(timeOfRestore(text)).toBeNull();
  });
});
