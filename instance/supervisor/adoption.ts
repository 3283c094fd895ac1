import type { HighestClaim } from '../../fleet/claims.ts';
import type { HostIdentity } from '../../fleet/coordination.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import type { Claim } from '../../fleet/records.ts';

/** Who adopts. */
export interface Adopter {
  instance: string;
  incarnation: string;
  host: HostIdentity;
  /** Whether the processes of this instance's earlier incarnations on this host were seen to end. */
  predecessorsEnded: boolean;
}

/** Why a workspace is adopted: Redis assigned it at an epoch, it was this instance's before, or nobody's and a first session is made. */
export type Occasion = { kind: 'assigned'; epoch: number } | { kind: 'reclaim' } | { kind: 'first' };

/** What to do about a workspace, by what the storage says of it. */
export type AdoptionPlan =
  /** The storage names another owner, and the storage is right. */
  | { kind: 'foreign'; claim: Claim }
  /** Claim this epoch. */
  | { kind: 'claim'; epoch: number; generation: number; released: boolean; wait: boolean };

/**
 * Decides how a workspace is adopted. Pure.
 *
 * - The next epoch is one above all that is known, on the storage and in Redis.
 * - A claim at or above what was assigned means that Redis fell behind: then whoever made it is the owner.
 * - Profiles stay where they are only when the owner before was this instance on this host and its processes were seen to end; else every
 *   session gets a new generation, since the other host may still write to the old one.
 * - The wait is left out only where nothing can run any more: there was no owner, or it released the workspace. Where this instance itself
 *   was the owner before, profiles at or above the generation need no wait (see {@link Grant.startAt}): they were made after one.
 */
export function planAdoption(
  me: Adopter,
  highest: HighestClaim | undefined,
  occasion: Occasion,
): AdoptionPlan {
  if (highest === undefined) {
    const epoch = occasion.kind === 'assigned' ? occasion.epoch : 1;
    return { kind: 'claim', epoch, generation: epoch, released: false, wait: occasion.kind === 'assigned' };
  }
  const { claim, lastReadable, released } = highest;
  const isForeign = lastReadable !== null && lastReadable.instance !== me.instance;
  if (isForeign && occasion.kind !== 'assigned') return { kind: 'foreign', claim: lastReadable };
  if (claim !== null && isForeign && occasion.kind === 'assigned' && highest.epoch >= occasion.epoch) {
    return { kind: 'foreign', claim };
  }
  const assigned = occasion.kind === 'assigned' ? occasion.epoch - 1 : 0;
  const epoch = Math.max(highest.epoch, assigned) + 1;
  const stays =
    claim !== null &&
    claim.instance === me.instance &&
    claim.host === me.host.name &&
    claim.boot === me.host.boot &&
    me.predecessorsEnded;
  return {
    kind: 'claim',
    epoch,
    generation: stays ? (claim.generation ?? 1) : epoch,
    released,
    wait: !released,
  };
}

/** The claim a plan makes. */
export function claimOf(
  me: Adopter,
  workspace: WorkspaceId,
  plan: { epoch: number; generation: number },
  now: number,
): Claim {
  return {
    workspace_id: workspace,
    epoch: plan.epoch,
    instance: me.instance,
    incarnation: me.incarnation,
    host: me.host.name,
    boot: me.host.boot,
    generation: plan.generation,
    claimed_at: new Date(now).toISOString(),
  };
}
