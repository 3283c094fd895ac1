import type { WorkspaceId } from '../../fleet/ids.ts';
import { type Admitted, judgeLosses } from './freeze.ts';
import { type Candidate, compareIds, Places, takesWorkspaces } from './targets.ts';
import type { Alarm, WaitingView } from './view.ts';

/** A workspace with an assignment, as the planner sees it. */
export interface PlannedWorkspace {
  workspace: WorkspaceId;
  epoch: number;
  instance: string;
  claimed: boolean;
  /** Milliseconds it has been seen unclaimed at this epoch; 0 where it is claimed. */
  unclaimedFor: number;
  /** How often its instance was asked again to claim it at this epoch. */
  driven: number;
  /** Places it takes, 1 at least. */
  weight: number;
  /** The Chromium that opened its profiles last. */
  chromium: string | null;
  queued: number;
  /** Milliseconds since 1970. */
  lastActivity: number;
  quarantined: boolean;
  /** An operator's move brings it to an instance that is well. */
  reserved: boolean;
}

/** How much is begun at once. */
export interface TakeoverLimits {
  /** Assignments in one plan. */
  perPlan: number;
  /** Assigned to an instance and not yet claimed by it. */
  perTarget: number;
}

/** A claim takes some milliseconds of the storage: so many keep an instance busy, and leave the next plan something to decide by. */
export const TAKEOVER_LIMITS: Readonly<TakeoverLimits> = Object.freeze({ perPlan: 200, perTarget: 50 });

/** An assignment that is not claimed for so long is driven again; after two tries it goes elsewhere. Milliseconds. */
export const CLAIM_PATIENCE = 60_000;

/** What takeovers are planned by. */
export interface TakeoverInput {
  /** Milliseconds on the monotonic clock. */
  now: number;
  /** All instances known, lost ones too. */
  candidates: readonly Candidate[];
  /** When each lost instance was seen to be, on the monotonic clock. */
  lostAt: ReadonlyMap<string, number>;
  workspaces: readonly PlannedWorkspace[];
  admitted: readonly Admitted[];
  unfrozen: boolean;
  limits: TakeoverLimits;
}

/** A workspace that goes from a lost instance to another. */
export interface Takeover {
  workspace: WorkspaceId;
  epoch: number;
  from: string;
  to: string;
  /** Its owner still answers by HTTP: it is asked to release first, for a while. */
  afterRelease: boolean;
}

/** An assignment that was not claimed in time. */
export type Redirect =
  | { kind: 'drive'; workspace: WorkspaceId; epoch: number; to: string }
  | { kind: 'elsewhere'; workspace: WorkspaceId; epoch: number; from: string; to: string };

/** What is to be done about lost instances, and why about the rest nothing is. */
export interface TakeoverPlan {
  takeovers: Takeover[];
  redirects: Redirect[];
  waiting: WaitingView[];
  /** Instances that are to hand all they have over by orders through Redis. */
  handOvers: string[];
  frozen: { instances: string[]; limit: number } | null;
  admitted: Admitted[];
  alarms: Alarm[];
}

const LOST = new Set(['dead', 'revoke', 'hand_over_by_http', 'hand_over_by_redis']);

/**
 * Plans what happens to the workspaces of lost instances. Pure, and the same for the same input.
 *
 * - A mass failure freezes: see {@link judgeLosses}. That binds hand-overs too.
 * - Those with queued messages come first, then those with recent activity, then by id.
 * - Each goes to the instance with the most free places; never beyond its maximum, never to one that is not healthy or drains, never to an
 *   older Chromium; to one that died lately only where no other has room.
 * - A quarantined workspace is placed by operators only.
 */
export function planTakeovers(input: TakeoverInput): TakeoverPlan {
  const { now, candidates, lostAt, workspaces, unfrozen, limits } = input;
  const verdicts = new Map(candidates.map(({ id, verdict }) => [id, verdict]));
  const owners = new Set(workspaces.map(({ instance }) => instance));
  const lost = candidates
    .filter(({ id, verdict }) => LOST.has(verdict) && owners.has(id))
    .map(({ id }) => id)
    .sort((a, b) => (lostAt.get(a) ?? now) - (lostAt.get(b) ?? now) || compareIds(a, b));
  const back = new Set(
    candidates.filter(({ verdict }) => verdict === 'healthy' || verdict === 'restarting').map(({ id }) => id),
  );
  const known = new Set([...candidates.map(({ id }) => id), ...owners]).size;
  const { admitted, waiting, limit } = judgeLosses({ ...input, known, lost, back, unfrozen });
  const isAdmitted = new Set(admitted.map(({ instance }) => instance));

  const placing = new Placing(candidates, workspaces, limits);
  const redirects = planRedirects(workspaces, verdicts, placing);
  const waits: WaitingView[] = [];
  const takeovers: Takeover[] = [];
  let withoutRoom = 0;
  const isLost = new Set(lost);
  for (const each of workspaces.filter(({ instance }) => isLost.has(instance)).sort(byUrgency)) {
    const { workspace, epoch, instance: from } = each;
    const verdict = verdicts.get(from);
    const wait = (why: string) => waits.push({ workspace, instance: from, why });
    if (each.quarantined)
      wait('quarantined: its instances died while it was starting; move it to let it run');
    else if (!isAdmitted.has(from))
      wait(
        `frozen: more than ${limit} of ${known} instances are lost; they come back, or POST /api/fleet/unfreeze`,
      );
    else if (each.reserved) wait('an operator moves it');
    // Its own move brings it away; what finds no place is told by the move.
    else if (verdict === 'hand_over_by_redis') continue;
    else if (takeovers.length >= limits.perPlan) wait('others go first');
    else {
      const place = placing.place(each);
      if ('to' in place)
        takeovers.push({
          workspace,
          epoch,
          from,
          to: place.to,
          afterRelease: verdict === 'hand_over_by_http',
        });
      else {
        wait(place.why);
        if (place.noRoom) withoutRoom += 1;
      }
    }
  }
  return {
    takeovers,
    redirects,
    waiting: waits,
    handOvers: lost.filter((id) => isAdmitted.has(id) && verdicts.get(id) === 'hand_over_by_redis'),
    frozen: waiting.length === 0 ? null : { instances: waiting, limit },
    admitted,
    alarms: alarmsOf({ waiting, limit, known, withoutRoom, workspaces, candidates }),
  };
}

function planRedirects(
  workspaces: readonly PlannedWorkspace[],
  verdicts: ReadonlyMap<string, string>,
  placing: Placing,
): Redirect[] {
  const triesOf = ({ unclaimedFor }: PlannedWorkspace) => Math.floor(unclaimedFor / CLAIM_PATIENCE);
  const due = workspaces.filter(
    (each) =>
      !each.claimed &&
      !each.quarantined &&
      triesOf(each) > each.driven &&
      !LOST.has(verdicts.get(each.instance) ?? 'dead'),
  );
  // In an order of their own: who takes the last place must not hang on the order of a listing.
  return due.sort(byUrgency).flatMap((each): Redirect[] => {
    const { workspace, epoch, instance } = each;
    const tries = triesOf(each);
    const place = tries >= 2 ? placing.place(each) : undefined;
    if (place && 'to' in place)
      return [{ kind: 'elsewhere', workspace, epoch, from: instance, to: place.to }];
    return [{ kind: 'drive', workspace, epoch, to: instance }];
  });
}

/** Finds places within the limits. */
class Placing {
  readonly #places: Places;
  readonly #inFlight = new Map<string, number>();
  readonly #limits: TakeoverLimits;

  constructor(
    candidates: readonly Candidate[],
    workspaces: readonly PlannedWorkspace[],
    limits: TakeoverLimits,
  ) {
    this.#places = new Places(candidates);
    this.#limits = limits;
    for (const { claimed, instance } of workspaces) if (!claimed) this.#count(instance);
  }

  place({ weight, chromium, instance }: PlannedWorkspace): { to: string } | { why: string; noRoom: boolean } {
    let passed = false;
    const place = this.#places.take(weight, chromium, (id) => {
      const isBusy = (this.#inFlight.get(id) ?? 0) >= this.#limits.perTarget;
      passed ||= isBusy;
      return isBusy || id === instance;
    });
    if ('to' in place) {
      this.#count(place.to);
      return place;
    }
    if (passed) return { why: 'others go first', noRoom: false };
    const why = {
      full: `no_capacity: no instance has ${weight} place(s) left for it`,
      older_chromium: `no_capacity: only instances with a Chromium older than ${chromium} have room`,
      draining: 'no_capacity: only instances that drain have room',
      dead: 'no_capacity: no other instance is healthy',
    }[place.none];
    return { why, noRoom: true };
  }

  #count(id: string): void {
    this.#inFlight.set(id, (this.#inFlight.get(id) ?? 0) + 1);
  }
}

function byUrgency(a: PlannedWorkspace, b: PlannedWorkspace): number {
  return (
    Number(b.queued > 0) - Number(a.queued > 0) ||
    b.lastActivity - a.lastActivity ||
    compareIds(a.workspace, b.workspace)
  );
}

interface AlarmSources {
  waiting: readonly string[];
  limit: number;
  known: number;
  withoutRoom: number;
  workspaces: readonly PlannedWorkspace[];
  candidates: readonly Candidate[];
}

function alarmsOf({ waiting, limit, known, withoutRoom, workspaces, candidates }: AlarmSources): Alarm[] {
  const alarms: Alarm[] = [];
  if (waiting.length > 0)
    alarms.push({
      kind: 'mass_failure',
      text: `Frozen: ${waiting.join(', ')} wait(s), since at most ${limit} of ${known} instances are taken over at a time. Look whether they are dead, or only not seen: then bring them back, or unfreeze.`,
    });
  if (withoutRoom > 0)
    alarms.push({
      kind: 'no_capacity',
      text: `${withoutRoom} workspace(s) have no live instance, and no instance has room for them. Add an instance, or bring one back.`,
    });
  const quarantined = workspaces.filter((each) => each.quarantined);
  if (quarantined.length > 0)
    alarms.push({
      kind: 'quarantined',
      text: `Workspace(s) ${quarantined.map(({ workspace }) => workspace).join(', ')}: instances died while they were starting. They are placed by hand only: wharf move.`,
    });
  const late = workspaces.filter(({ unclaimedFor }) => unclaimedFor >= CLAIM_PATIENCE);
  if (late.length > 0)
    alarms.push({
      kind: 'not_claimed',
      text: `${late.length} workspace(s) were assigned over a minute ago and not claimed: ${names(late.map(({ instance }) => instance))}. Look at the log there: does the shared storage answer?`,
    });
  const reserve = missingReserve(candidates);
  if (reserve) alarms.push(reserve);
  return alarms;
}

/** The fleet should bear the loss of any one instance. */
function missingReserve(candidates: readonly Candidate[]): Alarm | undefined {
  const open = candidates.filter(takesWorkspaces);
  const free = ({ capacity, load }: Candidate) => Math.max(0, capacity - load);
  const total = open.reduce((sum, each) => sum + free(each), 0);
  const worst = open
    .map((each) => ({ ...each, missing: each.load - (total - free(each)) }))
    .filter(({ missing }) => missing > 0)
    .sort((a, b) => b.missing - a.missing || compareIds(a.id, b.id))[0];
  if (!worst || open.length < 2) return undefined;
  return {
    kind: 'no_reserve',
    text: `If ${worst.id} were lost, ${worst.missing} of its ${worst.load} sessions would find no room elsewhere. Add an instance before that.`,
  };
}

function names(instances: readonly string[]): string {
  return [...new Set(instances)].sort(compareIds).join(', ');
}
