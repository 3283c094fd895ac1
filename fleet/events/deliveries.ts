import { z } from 'zod';
import type { WorkspaceId } from '../ids.ts';
import { storedEventSchema, type WharfEvent } from './event.ts';
import type { Position } from './event-log.ts';

/** Tries of an event so far. Times in milliseconds since 1970; `reason` is for people. */
export const triesSchema = z.object({
  count: z.number().int(),
  /** How many met the receiver, whatever came of it; and whether the last did. */
  met: z.number().int(),
  lastMet: z.boolean(),
  /** Failures after which others were taken before the next one. */
  alone: z.number().int(),
  firstAt: z.number(),
  lastAt: z.number(),
  nextAt: z.number(),
  reason: z.string(),
  status: z.number().int().nullable(),
});
export type DeliveryTries = z.infer<typeof triesSchema>;

/** An event that left the order of its session: it is retried by itself, or was given up. */
export const letterSchema = z.object({
  position: z.string(),
  event: storedEventSchema,
  tries: triesSchema.nullable(),
  /** Milliseconds since 1970. */
  movedAt: z.number(),
  why: z.string(),
});
export interface Letter {
  position: Position;
  event: WharfEvent;
  tries: DeliveryTries | null;
  movedAt: number;
  why: string;
}

/** An event of the log that awaits delivery. */
export interface Undelivered {
  position: Position;
  event: WharfEvent;
  /** Characters of its JSON. */
  size: number;
}

/** What is pending of a workspace: read by some router, and not ended. */
export interface Pending {
  events: Undelivered[];
  /** Positions of what the log has forgotten meanwhile. */
  forgotten: Position[];
  tries: Map<Position, DeliveryTries>;
}

/** How the receiver of a workspace does, as the router that delivers sees it; for whoever looks. Times in milliseconds since 1970. */
export const receiverStateSchema = z.object({
  router: z.string(),
  at: z.number(),
  circuit: z.enum(['closed', 'open']),
  failuresInRow: z.number(),
  failingSince: z.number().nullable(),
  nextTryAt: z.number().nullable(),
  lastTakenAt: z.number().nullable(),
  lastFault: z.object({ at: z.number(), status: z.number().nullable(), reason: z.string() }).nullable(),
  /** Events read and not taken; there may be more behind them. */
  pending: z.number(),
  oldestAt: z.number().nullable(),
  /** Events that are retried by themselves, and that were given up, when it last counted. */
  aside: z.number(),
  dead: z.number(),
});
export type ReceiverState = z.infer<typeof receiverStateSchema>;

/** A webhook whose setting or deliveries changed, and the generation of its setting; 0: it has none any more. */
export interface ChangedWebhook {
  workspace: WorkspaceId;
  generation: number;
}

/** Who proves with every read that it may: the router that has the workspace's shard. */
export interface ShardHolder {
  router: string;
  shard: number;
}

/** Events on their way to webhooks, in the Redis of queues and events. Every method throws WharfError `queue_unavailable`. */
export interface Deliveries {
  /** From now on the workspace's events are for a webhook; what was there before, its letters included, is not. */
  begin(workspace: WorkspaceId): Promise<void>;
  /** Forgets all of a workspace's webhook: what is pending, set aside, given up. */
  end(workspace: WorkspaceId): Promise<void>;

  pending(workspace: WorkspaceId): Promise<Pending>;
  /** The next events, which are pending from then on; null where the router has the shard no more. */
  read(workspace: WorkspaceId, holder: ShardHolder, most: number): Promise<Undelivered[] | null>;
  /** One event again; undefined where the log has forgotten it. */
  reread(workspace: WorkspaceId, position: Position): Promise<WharfEvent | undefined>;
  /** These have ended: taken, not wanted, or forgotten by the log. */
  ended(workspace: WorkspaceId, positions: readonly Position[]): Promise<void>;
  /** Writes down the tries of a pending event, so that another router goes on counting. */
  noteTries(workspace: WorkspaceId, position: Position, tries: DeliveryTries): Promise<void>;

  /**
   * Takes events out of their order, to be retried by themselves from `due` on (milliseconds since 1970), each a microsecond after the one before it;
   * also those that were given up.
   */
  setAside(workspace: WorkspaceId, letters: readonly Letter[], due: number): Promise<void>;
  /** Those set aside and due, in their order, and when the next one is. */
  aside(workspace: WorkspaceId, now: number, most: number): Promise<{ due: Letter[]; next: number | null }>;
  /** One set aside was taken. */
  asideEnded(workspace: WorkspaceId, event: string): Promise<void>;

  /** Gives events up. Those given up before `oldest` (milliseconds since 1970) are forgotten, and the oldest beyond 10 000. */
  bury(workspace: WorkspaceId, letters: readonly Letter[], oldest: number): Promise<void>;
  /** What was given up, after a position, in the order it happened. */
  deadLetters(workspace: WorkspaceId, after: Position | null, most: number): Promise<Letter[]>;
  /** Those of these event ids that were given up. */
  findDead(workspace: WorkspaceId, events: readonly string[]): Promise<Letter[]>;
  counts(workspace: WorkspaceId): Promise<{ aside: number; dead: number }>;

  saveState(workspace: WorkspaceId, state: ReceiverState): Promise<void>;
  states(workspaces?: readonly WorkspaceId[]): Promise<Map<WorkspaceId, ReceiverState>>;

  /** Tells all routers to look at a workspace. @param generation of its setting now; 0: it has none */
  noteChange(workspace: WorkspaceId, generation: number): Promise<void>;
  /** What changed after a revision; null: all must be looked at, since this Redis counts anew. */
  changesSince(revision: number): Promise<{ revision: number; workspaces: ChangedWebhook[] | null }>;
}

/** The leases of shards, in the same Redis. Every method throws WharfError `queue_unavailable`. */
export interface ShardLeases {
  /** Says that a router lives for `ttl` milliseconds more, and tells who else does and who has which shard. */
  meet(router: string, ttl: number): Promise<{ routers: string[]; holders: Map<number, string> }>;
  /** Takes or keeps shards for `ttl` milliseconds, each where no other has it. Tells which it has. */
  hold(router: string, ttl: number, shards: readonly number[]): Promise<number[]>;
  giveUp(router: string, shards: readonly number[]): Promise<void>;
  /** Says that a router ends. */
  leave(router: string): Promise<void>;
}
