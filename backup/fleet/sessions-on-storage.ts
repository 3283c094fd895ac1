import type { SessionId, WorkspaceId } from '../../fleet/ids.ts';
import type { FleetFile } from '../manifest/manifest.ts';

/** A session that has a directory on the session path. */
export interface SessionName {
  workspace: WorkspaceId;
  session: SessionId;
}

/** What the shared storage holds: the truth of which sessions exist. Every method throws WharfError `storage_unavailable`. */
export interface SessionsOnStorage {
  /** Sorted by workspace and session. */
  list(): Promise<SessionName[]>;
  /** When the session was deleted last, as its workspace's trash tells, milliseconds since 1970; null: never, or what proves it was purged. */
  deletedAt(name: SessionName): Promise<number | null>;
  /** The files of `fleet/` that are worth keeping: keys, webhooks, quarantines; no token, no beacons. */
  fleetFiles(): Promise<FleetFile[]>;
}
