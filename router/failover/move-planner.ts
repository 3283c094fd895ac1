import type { ErrorCode } from '../../common/errors.ts';
import type { Move } from '../../fleet/coordination.ts';
import { byId, hasEnded } from '../../fleet/coordination-rules.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import { homeOf, type ShardStrategy } from '../../fleet/placement.ts';
import type { Assignment } from '../../fleet/records.ts';
import type { FleetFacts } from './facts.ts';
import type { PlannedMove } from './move-ids.ts';
import {
  type Candidate,
  compareIds,
  faultOf,
  isOlder,
  Places,
  type TargetFault,
  takesWorkspaces,
  weightOf,
} from './targets.ts';
import type { Verdict } from './verdict.ts';

/** How many moves are under way at once. */
export interface MoveLimits {
  perSource: number;
  perTarget: number;
  inAll: number;
}

/** Each costs a browser's end and another's start: a few at a time keep the others' gaps short. */
export const MOVE_LIMITS: Readonly<MoveLimits> = Object.freeze({ perSource: 4, perTarget: 4, inAll: 16 });

/** Why something asked for is not begun. */
export interface Refusal {
  code: Extract<ErrorCode, 'not_found' | 'invalid_state' | 'no_capacity'>;
  text: string;
}

/** What is known when a move is asked for. */
export interface MoveRequest {
  workspace: WorkspaceId;
  assignment: Assignment;
  to: string;
  candidates: readonly Candidate[];
  facts: FleetFacts;
}

/** Why a workspace cannot be moved to an instance now, or nothing where it can. Pure. */
export function refuseMove({
  workspace,
  assignment,
  to,
  candidates,
  facts,
}: MoveRequest): Refusal | undefined {
  const target = candidates.find(({ id }) => id === to);
  if (!target) return { code: 'not_found', text: `There is no instance ${to}. GET /api/fleet lists them.` };
  if (assignment.instance === to)
    return { code: 'invalid_state', text: `Workspace ${workspace} is on ${to} already.` };
  const weight = weightOf(facts, workspace);
  const fault = faultOf(target, weight, chromiumOf(candidates, assignment.instance));
  return fault && { code: CODES[fault], text: faultText(fault, target, workspace, weight) };
}

const CODES = {
  dead: 'invalid_state',
  draining: 'invalid_state',
  older_chromium: 'invalid_state',
  full: 'no_capacity',
} as const;

function faultText(fault: TargetFault, target: Candidate, workspace: WorkspaceId, weight: number): string {
  const places = `${target.load} of ${target.capacity} places taken`;
  switch (fault) {
    case 'full':
      return `${target.id} has no room for the ${weight} session(s) of workspace ${workspace} (${places}). Move others away first, or choose another instance.`;
    case 'draining':
      return `${target.id} is draining and takes no workspaces. Choose another instance, or undrain it.`;
    case 'older_chromium':
      return `${target.id} has Chromium ${target.chromium}, older than the one that wrote the profiles of workspace ${workspace}: it could damage them. Update it, or choose another instance.`;
    case 'dead':
      return `${target.id} takes no workspaces now (${whyNot(target)}). Choose another instance, or wait until it is healthy: GET /api/fleet.`;
  }
}

/** One that lives may not have said yet that it takes any. */
function whyNot({ verdict }: Candidate): string {
  return verdict === 'healthy' ? 'it lives, but has just come up, or says that it is not well' : verdict;
}

/** What is known when an instance is to be drained. */
export interface DrainRequest {
  instance: string;
  candidates: readonly Candidate[];
  assignments: readonly Assignment[];
  moves: readonly Move[];
  facts: FleetFacts;
}

/** The moves that empty an instance, or why it is not drained. Pure. */
export function planDrain(request: DrainRequest): { moves: PlannedMove[] } | Refusal {
  const { instance, candidates, assignments, moves, facts } = request;
  if (!candidates.some(({ id }) => id === instance))
    return { code: 'not_found', text: `There is no instance ${instance}. GET /api/fleet lists them.` };
  const others = candidates.filter((each) => each.id !== instance && takesWorkspaces(each));
  const here = assignments.filter((each) => each.instance === instance);
  if (others.length === 0)
    return {
      code: 'invalid_state',
      text: `${instance} is the last instance that takes workspaces: there is no other to drain it to. Start another, or undrain one.`,
    };
  const chromium = chromiumOf(candidates, instance);
  const able = others.filter((each) => !isOlder(each.chromium, chromium));
  if (here.length > 0 && able.length === 0)
    return {
      code: 'invalid_state',
      text: `${instance} has Chromium ${chromium}, and all others that take workspaces have an older one, which could damage its profiles: nothing on it can go anywhere. Give another instance Chromium ${chromium} or newer.`,
    };
  const needed = here.reduce((sum, { workspace_id }) => sum + weightOf(facts, workspace_id), 0);
  const free = able.reduce((sum, { capacity, load }) => sum + Math.max(0, capacity - load), 0);
  if (needed > free) {
    const older = others.length - able.length;
    return {
      code: 'no_capacity',
      text: `${instance} has ${needed} sessions, and the others have room for ${free}${older > 0 ? ` (${older} with a Chromium older than ${chromium} not counted)` : ''}. Add an instance, or remove sessions.`,
    };
  }
  return { moves: drainMoves(instance, here, moves, facts) };
}

/** The moves for what is on a draining instance and not on its way yet; what is in use comes first, so that its gap falls first. */
export function drainMoves(
  instance: string,
  assignments: readonly Assignment[],
  moves: readonly Move[],
  facts: FleetFacts,
): PlannedMove[] {
  const onTheWay = new Set(moves.filter((move) => !hasEnded(move)).map(({ workspace }) => workspace));
  return assignments
    .filter((each) => each.instance === instance && !onTheWay.has(each.workspace_id))
    .map(({ workspace_id }) => workspace_id)
    .sort(byUrgency(facts))
    .map((workspace) => ({ workspace, from: instance, to: null, reason: 'drain' }));
}

/** Queued messages first, then recent activity, then the id. */
function byUrgency(facts: Pick<FleetFacts, 'workspace'>) {
  return (a: WorkspaceId, b: WorkspaceId): number => {
    const [factsA, factsB] = [facts.workspace(a), facts.workspace(b)];
    return (
      Number(factsB.queued > 0) - Number(factsA.queued > 0) ||
      factsB.lastActivity - factsA.lastActivity ||
      compareIds(a, b)
    );
  };
}

/** What is known when a fleet is to be rebalanced. */
export interface RebalanceRequest extends Omit<DrainRequest, 'instance'> {
  instanceCount: number;
  shardStrategy: ShardStrategy;
}

/**
 * The moves that bring home what is elsewhere: exactly those whose home takes them and has room, and has not died lately. Pure.
 *
 * Room is what home has left when those that leave it have left.
 */
export function planRebalance(request: RebalanceRequest): { moves: PlannedMove[] } {
  const { candidates, assignments, moves, facts, instanceCount, shardStrategy } = request;
  const onTheWay = new Set(moves.filter((move) => !hasEnded(move)).map(({ workspace }) => workspace));
  const away = assignments
    .filter(({ workspace_id }) => !onTheWay.has(workspace_id))
    .map((each) => ({ ...each, home: homeOf(each.workspace_id, instanceCount, shardStrategy) }))
    .filter(({ home, instance }) => home !== instance)
    .sort((a, b) => byUrgency(facts)(a.workspace_id, b.workspace_id));
  const open = new Set(
    candidates.filter((each) => takesWorkspaces(each) && each.leftAlone <= 0).map(({ id }) => id),
  );
  let wanted = away.filter(({ home }) => open.has(home));
  for (;;) {
    const leaving = new Map<string, number>();
    for (const { workspace_id, instance } of wanted)
      leaving.set(instance, (leaving.get(instance) ?? 0) + weightOf(facts, workspace_id));
    const places = new Places(
      candidates.map((each) => ({ ...each, load: each.load - (leaving.get(each.id) ?? 0) })),
    );
    const placed = wanted.filter(
      ({ workspace_id, home, instance }) =>
        places.takeAt(home, weightOf(facts, workspace_id), chromiumOf(candidates, instance)) === undefined,
    );
    // What finds no room at home stays where it is, and so leaves none to others.
    if (placed.length === wanted.length) break;
    wanted = placed;
  }
  return {
    moves: wanted.map(({ workspace_id: workspace, home: to, instance: from }) => ({
      workspace,
      from,
      to,
      reason: 'rebalance',
    })),
  };
}

/** What is known when it is decided which moves begin. */
export interface BeginRequest {
  moves: readonly Move[];
  candidates: readonly Candidate[];
  facts: FleetFacts;
  limits: MoveLimits;
}

/** A queued move, and what becomes of it now. */
export type Beginning =
  | { kind: 'begin'; move: Move; to: string }
  /** It stays queued; `stuck`: until something else changes than the moves that are under way. */
  | { kind: 'wait'; move: Move; why: string; stuck: boolean }
  /** Its target will not take it. */
  | { kind: 'refuse'; move: Move; why: string };

/** What a target is not waited for. */
const WILL_NOT_TAKE: ReadonlySet<Verdict> = new Set<Verdict>([
  'dead',
  'revoke',
  'hand_over_by_http',
  'hand_over_by_redis',
]);

const WHY_NOT: Readonly<Record<TargetFault, string>> = {
  dead: 'not well',
  draining: 'draining',
  older_chromium: 'an older Chromium than the one that wrote its profiles',
  full: 'full',
};

/** Which queued moves begin now, and where those go that have no target yet. Pure; oldest first. */
export function planBeginnings({ moves, candidates, facts, limits }: BeginRequest): Beginning[] {
  const running = moves.filter((move) => move.state === 'closing' || move.state === 'adopting');
  const places = new Places(candidates);
  const sources = countBy(running, ({ from }) => from);
  const targets = countBy(running, ({ to }) => to);
  let inAll = running.length;
  // What is closing still counts where it comes from, and not yet where it goes to.
  for (const move of running) {
    if (move.state === 'closing' && move.to !== null)
      places.takeAt(move.to, weightOf(facts, move.workspace), null);
  }
  const queued = moves.filter((move) => move.state === 'queued').sort(byId);
  return queued.map((move): Beginning => {
    const wait = (why: string, stuck = false): Beginning => ({ kind: 'wait', move, why, stuck });
    if (inAll >= limits.inAll) return wait('others are under way');
    if ((sources.get(move.from) ?? 0) >= limits.perSource) return wait(`others leave ${move.from}`);
    const weight = weightOf(facts, move.workspace);
    const chromium = chromiumOf(candidates, move.from);
    const isBusy = (id: string) => (targets.get(id) ?? 0) >= limits.perTarget;
    let to = move.to;
    if (to === null) {
      const place = places.take(weight, chromium, (id) => id === move.from || isBusy(id));
      // Whether one that is busy would take it shows when it is not.
      const isOneBusy = candidates.some(({ id }) => id !== move.from && isBusy(id));
      if ('none' in place) return wait(`no instance takes it now (${WHY_NOT[place.none]})`, !isOneBusy);
      to = place.to;
    } else {
      const target = candidates.find(({ id }) => id === to);
      if (!target || WILL_NOT_TAKE.has(target.verdict) || target.draining)
        return {
          kind: 'refuse',
          move,
          why: `${to} takes no workspaces (${target?.draining ? 'it drains' : (target?.verdict ?? 'it is gone')})`,
        };
      if (isBusy(to)) return wait(`others go to ${to}`);
      const fault = places.takeAt(to, weight, chromium);
      if (fault) return wait(`${to} does not take it now (${WHY_NOT[fault]})`, true);
    }
    inAll += 1;
    sources.set(move.from, (sources.get(move.from) ?? 0) + 1);
    targets.set(to, (targets.get(to) ?? 0) + 1);
    return { kind: 'begin', move, to };
  });
}

/** The Chromium that opened a workspace's profiles last: that of the instance it is on. */
function chromiumOf(candidates: readonly Candidate[], instance: string): string | null {
  return candidates.find(({ id }) => id === instance)?.chromium ?? null;
}

function countBy(moves: readonly Move[], key: (move: Move) => string | null): Map<string, number> {
  const counts = new Map<string, number>();
  for (const move of moves) {
    const of = key(move);
    if (of !== null) counts.set(of, (counts.get(of) ?? 0) + 1);
  }
  return counts;
}
