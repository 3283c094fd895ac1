import { describe, expect, it } from 'vitest';
import { deletedAt } from '../../fleet/deletions.ts';
import { trashEntryName } from '../../fleet/session-paths.ts';

const deleted = (time: number, session = 'main') => trashEntryName({ time, session, generation: null });
const replaced = (time: number) =>
  trashEntryName({ time, session: 'main', generation: null, replaced: true });
const generation = (time: number) => trashEntryName({ time, session: 'main', generation: 4 });

describe('when a session was deleted, by what lies in the trash', () => {
  it.each([
    ['never, where nothing is there', [], null],
    ['the last time of several', [deleted(3000), deleted(1000)], 3000],
    [
      'not by a generation, nor by another session',
      [generation(5000), deleted(9000, 'other'), 'notes'],
      null,
    ],
    ['not by a restore that was undone', [replaced(5000), replaced(7000)], null],
    ['again, where a restore of what was deleted was undone', [deleted(1000), replaced(5000)], 5000],
    ['after a restore was undone, and it was made anew', [replaced(5000), deleted(8000)], 8000],
  ])('is %s', (_, trash, at) => {
    expect(deletedAt(trash, 'main')).toBe(at);
  });
});
