import type { WorkspaceId } from './ids.ts';
import type { Assignment, Claim } from './records.ts';

/** The newest claim of a workspace. */
export interface HighestClaim {
  /** The highest epoch that was claimed, readable or not. */
  epoch: number;
  /** Its claim. One that cannot be read (its maker died while writing it) still counts: then this is null, and nobody owns the workspace by it. */
  claim: Claim | null;
  /** The newest claim that can be read. */
  lastReadable: Claim | null;
  /** Whether the owner at `epoch` has released it: its browsers were seen to end, and their files are on the storage. */
  released: boolean;
}

/**
 * Claims on the shared storage: the durable truth of who owns a workspace. Each is created once, never changed, and one wins.
 *
 * Every method throws `storage_unavailable`. A method that does not answer proves nothing: callers set a deadline.
 */
export interface ClaimStore {
  /** The workspaces that have a directory. */
  workspaces(): Promise<WorkspaceId[]>;
  /** The highest claim of a workspace as the storage's server knows it now, or undefined where there is none. */
  highest(workspace: WorkspaceId): Promise<HighestClaim | undefined>;
  /** Claims a workspace at an epoch; false when somebody else has claimed that epoch. */
  create(claim: Claim): Promise<boolean>;
  /** Notes for ever that the owner at this epoch has released the workspace. Whoever calls it has seen the browsers end. */
  release(workspace: WorkspaceId, epoch: number): Promise<void>;
}

/** What the claim of a workspace is in Redis, which says since when. */
export function assignmentOf(
  workspace: WorkspaceId,
  { epoch, instance, incarnation }: Pick<Claim, 'epoch' | 'instance' | 'incarnation'>,
): Assignment {
  return { workspace_id: workspace, epoch, instance, incarnation, claimed: true, since: 0 };
}
