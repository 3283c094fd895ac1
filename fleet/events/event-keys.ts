import type { WorkspaceId } from '../ids.ts';
import type { SessionKey } from '../queue/message-ids.ts';

/** Names of the Redis keys and the channel of events; no other file spells one. */
export const eventKeys = {
  /** Stream of a workspace's events, null: the fleet's. The id of an entry is `POSITION-0`, its one field `event` the event as JSON. */
  stream: (workspace: WorkspaceId | null) =>
    workspace === null ? 'wharf:fleet-events' : `wharf:events:${workspace}`,
  /** Stream of all events' positions, with the workspace alone: for who reads all of them. */
  index: 'wharf:event-index',
  /** The last position given. */
  clock: 'wharf:event-clock',
  /** Sorted set of a session (the empty text: what is of no session): digits of an event's id -> when it was written, ms. */
  seen: (workspace: WorkspaceId | null, session: string | null) =>
    `wharf:event-ids:${workspace ?? ''}/${session ?? ''}`,
  /** Sorted set: key of a stream -> when it is to be looked at for what is too old, ms. */
  due: 'wharf:event-streams',
  /** Hash: key of a stream -> the position up to which events may be missing, since they were too old. */
  forgotten: 'wharf:events-forgotten',
  /** Hash of a session: how far its history is in the log; see `InboxMarks`. */
  marks: ({ workspace, session }: SessionKey) => `wharf:marks:${workspace}/${session}`,
  /** Channel: the workspaces that have new events, a list as JSON; null is the fleet. */
  bell: 'wharf:event-bell',
} as const;
