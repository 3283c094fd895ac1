import type { WorkspaceId } from '../ids.ts';

/** The consumer group of a workspace's stream of events that stands for its webhook. */
export const WEBHOOK_GROUP = 'webhook';

/** Its one consumer: what is pending belongs to whichever router has the workspace's shard. */
export const WEBHOOK_CONSUMER = 'router';

/** Names of the Redis keys of webhooks; no other file spells one. */
export const deliveryKeys = {
  /** Sorted set: router id -> until when it counts as alive, milliseconds of Redis's clock. */
  routers: 'wharf:webhook:routers',
  /** Hash: number of a shard -> `until:router`, until when in milliseconds of Redis's clock. */
  shards: 'wharf:webhook:shards',
  /** Counts changes of settings, of all workspaces. */
  revision: 'wharf:webhook:revision',
  /** Sorted set: workspace id -> the revision at which its setting changed last. */
  changes: 'wharf:webhook:changes',
  /** Hash: workspace id -> the generation of its setting then; 0: it has none. */
  generations: 'wharf:webhook:generations',
  /** Hash: workspace id -> {@link ReceiverState} as JSON. */
  states: 'wharf:webhook:states',
  /** Hash of a workspace: position -> tries of an event, as JSON. */
  tries: (workspace: WorkspaceId) => `wharf:webhook:tries:${workspace}`,
  /** Sorted set and hash of events that are retried beside the order: event id -> due, and -> {@link Letter} as JSON. */
  aside: (workspace: WorkspaceId) => shelf(`wharf:webhook:aside:${workspace}`),
  /** The same of events that were given up, by position. */
  dead: (workspace: WorkspaceId) => shelf(`wharf:webhook:dead:${workspace}`),
} as const;

/** Where letters lie: in order, and by event id. */
export interface ShelfKeys {
  order: string;
  letters: string;
}

function shelf(name: string): ShelfKeys {
  return { order: `${name}:order`, letters: `${name}:letters` };
}
