import type { WorkspaceId } from '../ids.ts';
import type { SessionKey } from './message-ids.ts';
import type { Priority } from './outgoing.ts';

/**
 * Names of the queues' keys and channels; no other file spells one. What ends with a colon is what keys begin with. A session's queue is the BullMQ queue
 * `{workspace}.{session}` under the prefix `wharf:queue`; ids have no dot, so no two sessions share one, and none of the other names is one.
 */
export const queueKeys = {
  /** What the keys of all queues begin with. */
  queues: 'wharf:queue:',
  /** What the keys of a session's queue begin with. */
  queue: ({ workspace, session }: SessionKey) => `wharf:queue:${workspace}.${session}:`,
  /** Hash: a session's tag -> `workspace/session`, of all sessions that have messages or had some. */
  sessions: 'wharf:queue:sessions',
  /** Hash: workspace -> the highest epoch of an owner that came for messages. */
  epochs: 'wharf:queue:epochs',
  /** What the sets of the sessions of a workspace that have messages begin with; the workspace follows. */
  pending: 'wharf:queue:pending:',
  /** What the lists of the times of sends begin with. */
  sends: 'wharf:queue:sends:',
  sessionSends: ({ workspace, session }: SessionKey) => `wharf:queue:sends:${workspace}.${session}`,
  workspaceSends: (workspace: WorkspaceId, priority: Priority | '') =>
    `wharf:queue:sends:${workspace}:${priority}`,
  globalSends: 'wharf:queue:sends:all',
  /** What an Idempotency-Key stands for. */
  idempotency: (hash: string) => `wharf:idempotency:${hash}`,
  /** Held by the router that removes what is past its time. */
  cleaning: 'wharf:queue:cleaning',
  /** Channels: a session of the workspace has something to do (its id). */
  rings: 'wharf:queue:ring:',
  /** Channels: messages a router waits for ended (their ids). */
  ended: 'wharf:queue:ended:',
} as const;

/** A session in {@link queueKeys.sessions}; `gone`: it was deleted, and its queue is removed when its last message is past its time. */
export function sessionText({ workspace, session }: SessionKey, gone?: 'gone'): string {
  return gone === undefined ? `${workspace}/${session}` : `${workspace}/${session}/${gone}`;
}

/** True for what {@link sessionText} made of a session that was deleted. */
export function isGone(text: string): boolean {
  return text.endsWith('/gone') && text.split('/').length === 3;
}

/** What {@link sessionText} made. */
export function readSessionText(text: string): SessionKey | undefined {
  const [workspace, session] = text.split('/');
  return workspace === undefined || session === undefined ? undefined : { workspace, session };
}
