import type { WorkspaceId } from '../../fleet/ids.ts';

/** An instance's process that ended unasked. */
export interface Death {
  instance: string;
  /** Milliseconds on the monotonic clock. */
  at: number;
  /** The workspaces that had a session starting when it was last seen alive. */
  starting: readonly WorkspaceId[];
}

/** Deaths of different instances nearer to each other than this have a cause outside of both. Milliseconds. */
const SAME_MOMENT = 15_000;

/** An instance starts so many sessions at a time: where more are equally suspect, another death must tell which. */
const MOST_SUSPECTS = 4;

/**
 * Which workspaces are to be quarantined: those that were starting at two deaths of instances, and at most of them. Pure.
 *
 * A session counts as starting also while it waits for its turn, so that a death early in a start has many suspects of whom one did it. Only
 * where few were there each time are they blamed; the guilty one is there at every further death, and the others are not.
 */
export function blamedWorkspaces(deaths: readonly Death[]): WorkspaceId[] {
  const alone = deaths.filter(
    (death) =>
      !deaths.some(
        ({ instance, at }) => instance !== death.instance && Math.abs(at - death.at) <= SAME_MOMENT,
      ),
  );
  const counts = new Map<WorkspaceId, number>();
  for (const { starting } of alone)
    for (const workspace of new Set(starting)) counts.set(workspace, (counts.get(workspace) ?? 0) + 1);
  const most = Math.max(0, ...counts.values());
  if (most < 2) return [];
  const suspects = [...counts].filter(([, count]) => count === most).map(([workspace]) => workspace);
  return suspects.length <= MOST_SUSPECTS ? suspects.sort() : [];
}
