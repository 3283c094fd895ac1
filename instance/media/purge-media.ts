import type { Clock } from '../../common/clock.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import type { MediaStore } from '../../fleet/media/media-store.ts';

/** Files are kept for an hour at least: a message that names one is sent some time after it was stored, and what is being uploaded has no record yet. */
const LEAST = 3_600_000;

/**
 * Removes the files of workspaces that were kept long enough.
 *
 * @param retention milliseconds
 * @throws WharfError `storage_unavailable`; the next round goes on
 */
export async function purgeMedia(
  store: MediaStore,
  workspaces: readonly WorkspaceId[],
  retention: number,
  clock: Clock,
): Promise<number> {
  const before = clock.now() - Math.max(retention, LEAST);
  let removed = 0;
  for (const workspace of workspaces) removed += await store.purge(workspace, before);
  return removed;
}
