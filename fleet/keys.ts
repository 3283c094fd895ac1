/** Names of Redis keys and channels; no other file spells one. */
export const redisKeys = {
  /** An {@link Announcement} as JSON, with a TTL. */
  announcement: (instance: string) => `wharf:announcement:${instance}`,
  /** Hash: instance id -> when first seen (ISO). Names the announcements there may be. */
  instances: 'wharf:instances',
  /** Hash: workspace id -> {@link Assignment} as JSON. */
  assignments: 'wharf:assignments',
  /** Hash of one instance: workspace id -> `epoch:1` where claimed, `epoch:0` where not yet. Says what `assignments` says, for renewals. */
  assigned: (instance: string) => `wharf:assigned:${instance}`,
  /** Hash of one instance: workspace id -> {@link Order} as JSON. */
  orders: (instance: string) => `wharf:orders:${instance}`,
  /** Set of the instances that ever held a lease or were assigned a workspace. */
  known: 'wharf:known',
  /** Hash of one instance, with a TTL: `incarnation`, `state`, `holder` ({@link LeaseHolder} as JSON). */
  lease: (instance: string) => `wharf:lease:${instance}`,
  /** Random text that only an emptied Redis lacks. */
  era: 'wharf:era',
  /** The id of the router that leads, with a TTL. */
  leader: 'wharf:leader',
  /** A {@link BackupServiceNote} as JSON, with a TTL: the service that makes the backups. */
  backupService: 'wharf:backup-service',
  /** Set of the routers that may have a note. */
  routers: 'wharf:routers',
  /** A {@link RouterNote} as JSON, with a TTL. */
  router: (router: string) => `wharf:router:${router}`,
  /** Hash: id -> {@link Move} as JSON. */
  moves: 'wharf:moves',
  /** Sorted set of the ids of moves that ended, in their order. */
  endedMoves: 'wharf:moves:ended',
  /** Hash of one instance: `workspace/session` -> {@link SessionDetail} as JSON. */
  sessions: (instance: string) => `wharf:sessions:${instance}`,
  /** Channel: JSON of a {@link RegistryChange}. */
  changes: 'wharf:changes',
  /** Channel: an instance is asked to renew now. */
  poke: (instance: string) => `wharf:poke:${instance}`,
} as const;

/** The field of a session in {@link redisKeys.sessions}. */
export function sessionField(workspace: string, session: string): string {
  return `${workspace}/${session}`;
}
