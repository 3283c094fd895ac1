import { createHash } from 'node:crypto';
import type { WorkspaceId } from '../../fleet/ids.ts';

/** Into how many shares all workspaces fall; a router delivers for whole ones. Must be the same for all routers. */
export const SHARD_COUNT = 64;

/** The shard of a workspace. */
export function shardOf(workspace: WorkspaceId): number {
  return number(`workspace/${workspace}`) % SHARD_COUNT;
}

/** Which router should have a shard: the one with the highest hash with it (rendezvous hashing), so that one that comes or goes moves no others' shards. */
export function preferredRouter(shard: number, routers: readonly string[]): string | undefined {
  let best: { router: string; weight: number } | undefined;
  for (const router of routers) {
    const weight = number(`shard/${shard}/${router}`);
    if (!best || weight > best.weight || (weight === best.weight && router < best.router))
      best = { router, weight };
  }
  return best?.router;
}

/** What a router does about the shards. */
export interface ShardPlan {
  /** To be kept, or taken since they are its own and nobody has them. */
  hold: number[];
  /** To be given to the router they prefer, once nothing of them is under way. */
  giveUp: number[];
}

/** @param mine the shards this router has @param holders who has which */
export function planShards(
  me: string,
  routers: readonly string[],
  holders: ReadonlyMap<number, string>,
  mine: ReadonlySet<number>,
): ShardPlan {
  const plan: ShardPlan = { hold: [], giveUp: [] };
  for (let shard = 0; shard < SHARD_COUNT; shard += 1) {
    const preferred = preferredRouter(shard, routers) ?? me;
    const holder = holders.get(shard);
    const has = mine.has(shard) || holder === me;
    if (has) plan[preferred === me ? 'hold' : 'giveUp'].push(shard);
    else if (preferred === me && holder === undefined) plan.hold.push(shard);
  }
  return plan;
}

/** 48 bits: exact as a number. */
function number(text: string): number {
  return createHash('sha256').update(text).digest().readUIntBE(0, 6);
}
