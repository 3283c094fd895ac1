import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { FolderMediaStore } from '../../../fleet/media/folder-media-store.ts';
import type { MediaFolder } from '../../../fleet/media/media-folder.ts';
import { newMediaId } from '../../../fleet/media/media-ids.ts';

/** A folder of names and times alone. */
function folderOf(times: Record<string, number>): MediaFolder {
  return {
    write: async () => {},
    create: async () => true,
    read: async () => null,
    open: async () => Readable.from([]),
    list: async () => Object.entries(times).map(([name, time]) => ({ name, time })),
    remove: async (_workspace, name) => void delete times[name],
    close: () => {},
  };
}

it('purges no bytes whose record stays, though they are older by the time their upload took', async () => {
  const [young, old, orphan] = [newMediaId(), newMediaId(), newMediaId()];
  const bytes = (id: string) => `${id}.${'0'.repeat(16)}`;
  const times = {
    [bytes(young)]: 90,
    [`${young}.json`]: 110,
    [bytes(old)]: 80,
    [`${old}.json`]: 90,
    [bytes(orphan)]: 90,
    // Being uploaded now.
    [bytes(newMediaId())]: 105,
  };
  const store = new FolderMediaStore(folderOf(times), systemClock);
  expect(await store.purge('7', 100)).toBe(1);
  expect(Object.values(times)).toEqual([90, 110, 105]);
});
