import type { Clock } from '../../common/clock.ts';
import { isWharfError } from '../../common/errors.ts';
import type { WorkspaceId } from '../ids.ts';
import type { MediaStore } from './media-store.ts';

/**
 * Milliseconds after which a file that another host wrote is seen on this one: GlusterFS was measured at up to 200 ms, and NFS mounted as it has to be
 * at up to 700 ms.
 */
const SEEN_AFTER = 1500;
const PAUSE = 50;

/**
 * Does something with a file that another host may have written a moment ago: not finding it is believed after a while only.
 *
 * @throws WharfError `media_not_found`, and what `look` throws
 */
export async function findSoon<T>(clock: Clock, look: () => Promise<T>): Promise<T> {
  const end = clock.monotonic() + SEEN_AFTER;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (!isWharfError(error, 'media_not_found') || clock.monotonic() >= end) throw error;
    }
    await clock.sleep(PAUSE);
  }
}

/** {@link findSoon} for opening a file whole. */
export function openSoon(clock: Clock, store: MediaStore, workspace: WorkspaceId, id: string) {
  return findSoon(clock, () => store.open(workspace, id));
}
