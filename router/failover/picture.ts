import type { Coordination, Move, RouterNote } from '../../fleet/coordination.ts';
import type { Assignment } from '../../fleet/records.ts';
import type { FleetFacts, FleetSettings } from './facts.ts';
import type { Admitted } from './freeze.ts';
import type { Probes } from './monitor.ts';
import { type PlannedWorkspace, planTakeovers, TAKEOVER_LIMITS, type TakeoverPlan } from './planner.ts';
import { type Candidate, candidatesOf, compareIds, weightOf } from './targets.ts';
import type { FleetView, InstanceView } from './view.ts';
import type { Heard, Standing } from './watch.ts';

/** Everything a router has read of Redis. */
export interface Read {
  leader: string | null;
  assignments: readonly Assignment[];
  moves: readonly Move[];
  /** The other routers' notes. */
  notes: readonly RouterNote[];
}

/** Nothing was read yet. */
export const NOTHING_READ: Read = { leader: null, assignments: [], moves: [], notes: [] };

/** Puts together what all routers' probes say of each instance. */
export function hearOf(
  read: Read,
  leases: Awaited<ReturnType<Coordination['leases']>>['leases'],
  counted: readonly Admitted[],
  probes: Probes,
  facts: FleetFacts,
): Map<string, Heard> {
  const own = probes.silences();
  const starting = facts.starting();
  const said = new Map(facts.instances().map(({ id, storageOk }) => [id, storageOk]));
  const owners = new Set(read.assignments.map(({ instance }) => instance));
  const known = new Set([
    ...leases.map(({ holder }) => holder.instance),
    ...owners,
    ...counted.map(({ instance }) => instance),
  ]);
  return new Map(
    [...known].map((instance): [string, Heard] => {
      const answer = probes.said(instance);
      const silences = [own.get(instance), ...read.notes.map(({ silent }) => silent[instance])];
      return [
        instance,
        {
          silences: silences.filter((silence) => silence !== undefined),
          storageOk: answer?.storageOk ?? said.get(instance) ?? null,
          idle: answer?.owned === 0,
          owns: owners.has(instance),
          starting: starting.get(instance) ?? [],
        },
      ];
    }),
  );
}

/** What plans are made of. */
export interface PlanSources {
  now: number;
  read: Read;
  standings: readonly Standing[];
  admitted: readonly Admitted[];
  settings: ReturnType<FleetSettings['current']>;
  facts: FleetFacts;
  /** Milliseconds that an assignment has been seen unclaimed. */
  unclaimedFor: (assignment: Assignment) => number;
  driven: (workspace: string, epoch: number) => number;
  views: readonly InstanceView[];
}

/** Makes the plan of one moment, and the candidates it was made with. */
export function planOf(sources: PlanSources): { plan: TakeoverPlan; candidates: Candidate[] } {
  const { now, read, standings, admitted, settings, facts, views } = sources;
  const { assignments } = read;
  const candidates = candidatesOf({ views, facts, assignments, draining: settings.draining });
  const chromium = new Map(candidates.map((each) => [each.id, each.chromium]));
  const well = new Set(candidates.filter(({ verdict }) => verdict === 'healthy').map(({ id }) => id));
  const reserved = new Set(
    read.moves
      .filter(({ state, reason, to }) => state === 'queued' && reason === 'move' && well.has(to ?? ''))
      .map(({ workspace }) => workspace),
  );
  const workspaces = assignments.map((assignment): PlannedWorkspace => {
    const { workspace_id: workspace, epoch, instance, claimed } = assignment;
    // Of what is well nothing more need be known, and there are thousands of it.
    const isWell = claimed && well.has(instance);
    const { queued, lastActivity } = isWell ? { queued: 0, lastActivity: 0 } : facts.workspace(workspace);
    return {
      workspace,
      epoch,
      instance,
      claimed,
      unclaimedFor: claimed ? 0 : sources.unclaimedFor(assignment),
      driven: sources.driven(workspace, epoch),
      weight: isWell ? 1 : weightOf(facts, workspace),
      chromium: chromium.get(instance) ?? null,
      queued,
      lastActivity,
      quarantined: settings.quarantined.has(workspace),
      reserved: reserved.has(workspace),
    };
  });
  const plan = planTakeovers({
    now,
    candidates,
    lostAt: new Map(standings.map(({ instance, since }) => [instance, since])),
    workspaces,
    admitted,
    unfrozen: settings.unfrozen,
    limits: TAKEOVER_LIMITS,
  });
  return { plan, candidates };
}

/**
 * Instances as people see them, in the order of their ids.
 *
 * @param wall turns a moment of the monotonic clock into milliseconds since 1970
 */
export function viewsOf(
  standings: readonly Standing[],
  draining: ReadonlySet<string>,
  ttl: number,
  wall: (monotonic: number) => number,
): InstanceView[] {
  return standings
    .map(
      (each): InstanceView => ({
        instance: each.instance,
        verdict: each.verdict,
        reason: each.reason,
        since: new Date(wall(each.since)).toISOString(),
        lease: each.lease === 'running' ? 'held' : each.lease,
        lease_age_ms: each.lease === 'running' ? Math.max(0, Math.round(ttl - each.remaining)) : null,
        incarnation: each.holder?.incarnation ?? null,
        silent_ms: each.silence === null ? null : Math.round(each.silence),
        deaths: each.deaths,
        left_alone_ms: Math.round(each.leftAlone),
        draining: draining.has(each.instance),
      }),
    )
    .sort((a, b) => compareIds(a.instance, b.instance));
}

/** The whole, as people see it. */
export function fleetView(
  router: string,
  leader: string | null,
  instances: InstanceView[],
  plan: TakeoverPlan | undefined,
  settings: ReturnType<FleetSettings['current']>,
): FleetView {
  return {
    router,
    leader,
    frozen: plan?.frozen ?? null,
    unfrozen: settings.unfrozen,
    waiting: plan?.waiting ?? [],
    quarantined: [...settings.quarantined].sort(),
    draining: [...settings.draining].sort(),
    alarms: plan?.alarms ?? [],
    instances,
  };
}
