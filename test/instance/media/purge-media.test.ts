import { expect, it } from 'vitest';
import type { MediaStore } from '../../../fleet/media/media-store.ts';
import { purgeMedia } from '../../../instance/media/purge-media.ts';

const HOUR = 3_600_000;

it('removes what was kept long enough, of each workspace, and never what came within the hour', async () => {
  const asked: [string, number][] = [];
  const store = {
    purge: async (workspace: string, before: number) => {
      asked.push([workspace, before]);
      return 2;
    },
  } as unknown as MediaStore;
  const clock = { now: () => 100 * HOUR, monotonic: () => 0, sleep: async () => {} };
  expect(await purgeMedia(store, ['7', '8'], 24 * HOUR, clock)).toBe(4);
  expect(await purgeMedia(store, ['7'], 0, clock)).toBe(2);
  expect(asked).toEqual([
    ['7', 76 * HOUR],
    ['8', 76 * HOUR],
    ['7', 99 * HOUR],
  ]);
});
