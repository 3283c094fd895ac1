import type { Readable } from 'node:stream';
import type { ObjectRef, SessionCopy } from '../../fleet/backup/session-copy.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import type { SessionDetail } from '../../fleet/records.ts';
import type { SessionName } from './sessions-on-storage.ts';

/** A copy at the instance that made it, whoever owns the session by now. */
export interface OpenCopy {
  copy: SessionCopy;
  /** Throws where the copy is not `copy.copy`'s any more. */
  archive(signal: AbortSignal): Promise<Readable>;
  piece(ref: ObjectRef, signal: AbortSignal): Promise<Readable>;
  /** Ends it; never throws. */
  close(): Promise<void>;
}

/**
 * What the backup service asks of instances: each call goes to the owner of the session's workspace, as Redis knows it now, and is repeated where it has become
 * another's meanwhile. Throws what the instance answers as WharfError (`session_not_found`, `not_owner`, `invalid_state`, `storage_unavailable` ...), and
 * `instance_unavailable` where nobody owns the workspace or its owner does not answer.
 */
export interface Instances {
  /** Who owns the workspaces, as Redis knows it now: what spreads copies over the instances. Throws `redis_unavailable`. */
  owners(): Promise<ReadonlyMap<WorkspaceId, string>>;
  copy(name: SessionName, have: readonly string[], signal: AbortSignal): Promise<OpenCopy>;
  /** The session as its owner shows it; null: it has none of that id. */
  session(name: SessionName): Promise<SessionDetail | null>;
  /**
   * Puts a prepared session in place. A workspace that nobody owns is adopted by its home, or by another instance with room. Repeatable: done already, it answers
   * the same. `trash`: the name of what was replaced in the workspace's trash.
   */
  restore(
    name: SessionName,
    restore: string,
    signal: AbortSignal,
  ): Promise<{ session: SessionDetail | null; trash: string | null }>;
  /** Puts back what a restore replaced; repeatable. `session`: null where the restore had made it. */
  undoRestore(
    name: SessionName,
    restore: string,
    signal: AbortSignal,
  ): Promise<{ session: SessionDetail | null; trash: string | null }>;
}
