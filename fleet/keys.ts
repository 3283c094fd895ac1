/** Names of Redis keys and channels; no other file spells one. */
export const redisKeys = {
  /** An {@link Announcement} as JSON, with a TTL. */
  announcement: (instance: string) => `wharf:announcement:${instance}`,
  /** Hash: instance id -> when first seen (ISO). Names the announcements there may be. */
  instances: 'wharf:instances',
  /** Hash: workspace id -> {@link Assignment} as JSON. */
  assignments: 'wharf:assignments',
  /** Hash of one instance: `workspace/session` -> {@link SessionDetail} as JSON. */
  sessions: (instance: string) => `wharf:sessions:${instance}`,
  /** Channel: JSON of a {@link RegistryChange}. */
  changes: 'wharf:changes',
} as const;

/** The field of a session in {@link redisKeys.sessions}. */
export function sessionField(workspace: string, session: string): string {
  return `${workspace}/${session}`;
}
