import type { FleetFacts, WorkspaceFacts } from '../../../router/failover/facts.ts';
import {
  type PlannedWorkspace,
  planTakeovers,
  TAKEOVER_LIMITS,
  type TakeoverInput,
} from '../../../router/failover/planner.ts';
import type { Candidate } from '../../../router/failover/targets.ts';

/** An instance as a place, healthy and empty unless said otherwise. */
export function candidate(id: string, changes: Partial<Candidate> = {}): Candidate {
  return {
    id,
    verdict: 'healthy',
    accepting: true,
    draining: false,
    capacity: 25,
    load: 0,
    chromium: '156.0.8078.79',
    deaths: 0,
    leftAlone: 0,
    ...changes,
  };
}

/** A claimed workspace of one session at epoch 1. */
export function workspace(
  id: string,
  instance: string,
  changes: Partial<PlannedWorkspace> = {},
): PlannedWorkspace {
  return {
    workspace: id,
    epoch: 1,
    instance,
    claimed: true,
    unclaimedFor: 0,
    driven: 0,
    weight: 1,
    chromium: '156.0.8078.79',
    queued: 0,
    lastActivity: 0,
    quarantined: false,
    reserved: false,
    ...changes,
  };
}

/** Workspaces from one number to another. */
export function workspaces(from: number, to: number, instance: string): PlannedWorkspace[] {
  return Array.from({ length: to - from }, (_, index) => workspace(String(from + index), instance));
}

export function plan(changes: Partial<TakeoverInput>) {
  return planTakeovers({
    now: 1_000_000,
    candidates: [],
    lostAt: new Map(),
    workspaces: [],
    admitted: [],
    unfrozen: false,
    limits: TAKEOVER_LIMITS,
    ...changes,
  });
}

const NOTHING: WorkspaceFacts = { sessions: 1, ready: [], queued: 0, lastActivity: 0 };

/** Facts of workspaces; one session each unless said otherwise. */
export function factsOf(known: Record<string, Partial<WorkspaceFacts>> = {}): FleetFacts {
  return {
    instances: () => [],
    starting: () => new Map(),
    workspace: (id) => ({ ...NOTHING, ...known[id] }),
  };
}
