import type { WorkspaceId } from '../../fleet/ids.ts';

/** A workspace that a worker may run, at an epoch. */
export interface Grant {
  workspace: WorkspaceId;
  epoch: number;
  /**
   * The lowest generation whose profiles may be used as they are. A session whose profile is in an earlier one gets a new generation of
   * this number, copied from it: another host may still write there.
   */
  generation: number;
  /** Whether the owner before released it: its files are all there, and the list it left of them must be met. */
  released: boolean;
  /** When the first browser may start on a profile that had to be copied, on the monotonic clock. Copying may begin before. */
  startAt: number;
  /** When the authority runs out unless it is extended, on the monotonic clock. */
  until: number;
}

/**
 * What runs the sessions of the workspaces an incarnation owns: the instance's process, or a model of it in a simulation.
 * It kills a workspace's browsers by itself when their authority runs out.
 */
export interface Worker {
  /** Begins to run a workspace. */
  run(grant: Grant): void;
  /**
   * A new proof: the authority holds until then, on the monotonic clock. A worker that was stopped for a while may have ended the workspace's
   * browsers by itself before it hears of a proof that was in time: they start again.
   */
  extend(workspace: WorkspaceId, epoch: number, until: number): void;
  /** Ends a workspace's browsers at once; true when all of them were seen to end. Nothing of it runs from the call on. */
  kill(workspace: WorkspaceId, epoch: number): Promise<boolean>;
  /**
   * Closes a workspace's sessions so that another host can go on with them: browsers closed, files on the storage, the list of them
   * written. True when all of its browsers were seen to end; nothing of it starts again until it is granted anew.
   */
  close(workspace: WorkspaceId, epoch: number): Promise<boolean>;
  /** {@link Worker.close} for all that is granted, since the instance stops. The workspaces that were seen to end. */
  closeAll(): Promise<WorkspaceId[]>;
}
