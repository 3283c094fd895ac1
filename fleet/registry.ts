import type { Announcement, Assignment, SessionDetail } from './records.ts';

/** Something in the registry changed; published as it happens. */
export type RegistryChange =
  | { kind: 'instance'; announcement: Announcement }
  | { kind: 'instance_gone'; instance: string; incarnation: string }
  | { kind: 'assignment'; assignment: Assignment }
  | { kind: 'session'; instance: string; session: SessionDetail }
  | { kind: 'sessions_replaced'; instance: string; sessions: SessionDetail[] }
  | { kind: 'session_gone'; instance: string; workspace_id: string; session_id: string };

/** Everything the registry holds at one moment. */
export interface RegistrySnapshot {
  instances: Announcement[];
  assignments: Assignment[];
  sessions: SessionDetail[];
}

/**
 * What the processes of a fleet tell each other through Redis. It is a fast copy: the truth lies on the shared storage.
 * Every method throws `redis_unavailable` when Redis is away.
 */
export interface Registry {
  /** Says that an instance is alive, for `ttl` milliseconds. False where Redis had never heard of it: it is new, or Redis was emptied. */
  announce(announcement: Announcement, ttl: number): Promise<boolean>;
  /**
   * Says that an instance ended; only where `incarnation` still stands there. Its sessions stay known, so that a router asked for one
   * can say whose it is while its instance restarts; the next {@link Registry.replaceSessions} puts them right.
   */
  withdraw(instance: string, incarnation: string): Promise<void>;
  publishSession(instance: string, session: SessionDetail): Promise<void>;
  removeSession(instance: string, workspace: string, session: string): Promise<void>;
  /** The instance no longer runs a session, which still exists: it is shown as `disconnected` until its next owner tells of it. */
  leaveSession(instance: string, session: SessionDetail): Promise<void>;
  /** Replaces all that is known of an instance's sessions: at its start, and after Redis was away. */
  replaceSessions(instance: string, sessions: SessionDetail[]): Promise<void>;
  snapshot(): Promise<RegistrySnapshot>;
  /** The instances whose announcement has not run out: one short read, for asking often. */
  announcements(): Promise<Announcement[]>;
  /** Calls back for every change from now on, until closed. `onGap` says that changes may have been missed: read a snapshot. */
  subscribe(onChange: (change: RegistryChange) => void, onGap: () => void): Promise<() => Promise<void>>;
}
