import type { WorkspaceId } from '../../fleet/ids.ts';

/** What a router knows of an instance beside its lease. What was known stays known when the instance is gone. */
export interface InstanceFacts {
  id: string;
  /** Where it is reached; null where nobody said. */
  url: string | null;
  /** Sessions it may run. */
  capacity: number;
  /** Sessions it says it has; 0 where it is not there. */
  sessions: number;
  /** False where it says that it is about to stop, or that it is not well. */
  accepting: boolean;
  /** Whether the shared storage works for it, as it says; null where it says nothing. */
  storageOk: boolean | null;
  /** Its Chromium's version; null where nobody said. */
  chromium: string | null;
}

/** What a router knows of a workspace beside its assignment. */
export interface WorkspaceFacts {
  /** Sessions it has. */
  sessions: number;
  /** The sessions that are ready, and the epoch each was ready at. */
  ready: readonly { session: string; epoch: number }[];
  /** Messages that wait to be sent. */
  queued: number;
  /** When something happened in it last, milliseconds since 1970; 0 where that is not known. */
  lastActivity: number;
}

/** What the failover knows of the fleet beside leases, claims and assignments: hints, which may be old, and decide nothing about safety. */
export interface FleetFacts {
  instances(): InstanceFacts[];
  workspace(workspace: WorkspaceId): WorkspaceFacts;
  /** Instance -> the workspaces that have a session starting there. */
  starting(): ReadonlyMap<string, readonly WorkspaceId[]>;
}

/** What operators set for the whole fleet. Durable; every router reads it at intervals. */
export interface FleetSettings {
  /** As last read. */
  current(): { draining: ReadonlySet<string>; quarantined: ReadonlySet<WorkspaceId>; unfrozen: boolean };
  /** Reads it again. Throws `storage_unavailable`. */
  reread(): Promise<void>;
  /** Throws `storage_unavailable`. */
  setDraining(instance: string, draining: boolean): Promise<void>;
  /** Throws `storage_unavailable`. */
  setQuarantined(workspace: WorkspaceId, quarantined: boolean): Promise<void>;
  /** Throws `storage_unavailable`. */
  setUnfrozen(unfrozen: boolean): Promise<void>;
}
