import type { Move } from '../../fleet/coordination.ts';
import { hasEnded } from '../../fleet/coordination-rules.ts';
import type { Assignment } from '../../fleet/records.ts';
import type { Takeover } from './planner.ts';
import { compareIds } from './targets.ts';
import type { Verdict } from './verdict.ts';
import type { FleetEvent, FleetView } from './view.ts';

/** How many events are kept. */
const KEPT = 200;

/** What a router sees at one moment. */
export interface Scene {
  view: FleetView;
  /** False while Redis does not answer; the rest is then as it was. */
  redisAnswers: boolean;
  assignments: readonly Assignment[];
  moves: readonly Move[];
  /** What is about to be done, or would be by whoever leads. */
  takeovers: readonly Takeover[];
}

type Told = Omit<FleetEvent, 'at'>;

/**
 * Tells what happens, from the differences between what is seen: so every router tells the same story, whoever leads, and nothing is told that
 * was only meant to be done.
 */
export class Story {
  readonly #events: FleetEvent[] = [];
  readonly #tell: (event: FleetEvent) => void;
  #last: Scene | undefined;
  /** Instances that something bad was told of, and not yet that they are back. */
  readonly #lost = new Set<string>();

  /** @param tell is told each event as it happens */
  constructor(tell: (event: FleetEvent) => void) {
    this.#tell = tell;
  }

  get events(): readonly FleetEvent[] {
    return this.#events;
  }

  /** @param now milliseconds since 1970 */
  see(scene: Scene, now: number): void {
    const last = this.#last;
    this.#last = scene;
    if (!last) return;
    for (const told of difference(last, scene, this.#lost)) {
      const event = { at: new Date(now).toISOString(), ...told };
      this.#events.push(event);
      this.#tell(event);
    }
    this.#events.splice(0, Math.max(0, this.#events.length - KEPT));
    for (const { instance, verdict } of scene.view.instances) {
      if (verdict === 'healthy') this.#lost.delete(instance);
      else if (SPOKEN[verdict]) this.#lost.add(instance);
    }
  }
}

/** What happened between two moments. Pure. `lost`: the instances that something bad was told of before. */
function difference(before: Scene, after: Scene, lost: ReadonlySet<string>): Told[] {
  return [
    ...redisEvents(before, after),
    ...instanceEvents(before, after, lost),
    ...freezeEvents(before.view, after.view),
    ...ownerEvents(before, after),
    ...moveEvents(before.moves, after.moves),
    ...settingEvents(before.view, after.view),
  ];
}

function event(kind: FleetEvent['kind'], text: string, about: Partial<Told> = {}): Told {
  return { kind, instance: null, workspace: null, text, ...about };
}

function redisEvents(before: Scene, after: Scene): Told[] {
  const events: Told[] = [];
  if (before.redisAnswers && !after.redisAnswers)
    events.push(event('redis', 'Redis is away: nothing is taken over, and nothing stops'));
  if (!before.redisAnswers && after.redisAnswers)
    events.push(event('redis', 'Redis is back: nothing is taken over before it has been so for one lease'));
  const { leader } = after.view;
  if (leader !== null && leader !== before.view.leader)
    events.push(event('leader', `${leader} leads the routers now`));
  return events;
}

const SPOKEN: Partial<Record<Verdict, string>> = {
  dead: 'is dead',
  revoke: 'loses its lease',
  hand_over_by_http: 'is cut off from Redis, and is asked by HTTP to hand its workspaces over',
  hand_over_by_redis: 'is reached by no router, and is asked through Redis to hand its workspaces over',
  restarting: 'stopped',
};

function instanceEvents(before: Scene, after: Scene, lost: ReadonlySet<string>): Told[] {
  const known = new Map(before.view.instances.map((each) => [each.instance, each]));
  return after.view.instances.flatMap(({ instance, verdict, reason, incarnation }) => {
    const was = known.get(instance);
    if (!was) return [event('instance', `${instance} appeared: ${reason}`, { instance })];
    if (verdict !== was.verdict) {
      const spoken = SPOKEN[verdict];
      // Judged the same after a while in which nothing could be said of it: that was told.
      if (spoken && !(lost.has(instance) && was.verdict === 'unknown')) {
        const plan = destinations(after.takeovers.filter(({ from }) => from === instance));
        return [
          event('instance', `${instance} ${spoken}: ${reason}${plan === '' ? '' : `; ${plan}`}`, {
            instance,
          }),
        ];
      }
      if (verdict === 'healthy' && lost.has(instance))
        return [event('instance', `${instance} is back: ${reason}`, { instance })];
    }
    if (was.incarnation !== null && incarnation !== null && incarnation !== was.incarnation)
      return [event('instance', `${instance} began anew, as ${incarnation}`, { instance })];
    return [];
  });
}

function freezeEvents(before: FleetView, after: FleetView): Told[] {
  const [was, is] = [before.frozen?.instances.join(', '), after.frozen?.instances.join(', ')];
  if (was === is) return [];
  if (is === undefined) return [event('freeze', `no longer frozen: ${was} wait(s) no more`)];
  return [
    event(
      'freeze',
      `frozen: ${is} wait(s), since at most ${after.frozen?.limit} instance(s) are taken over at a time`,
    ),
  ];
}

/** Changes of owner, gathered by where they come from. */
function ownerEvents(before: Scene, after: Scene): Told[] {
  const was = new Map(before.assignments.map((each) => [each.workspace_id, each]));
  // Moves tell of themselves when they are done.
  const moved = new Map(
    after.moves.filter(({ state }) => state !== 'failed').map(({ workspace, to }) => [workspace, to]),
  );
  const gone = after.assignments.flatMap(({ workspace_id: workspace, instance: to, epoch }) => {
    const from = was.get(workspace);
    const changed = from && from.instance !== to && epoch > from.epoch;
    return changed && moved.get(workspace) !== to ? [{ workspace, from: from.instance, to }] : [];
  });
  return [...new Set(gone.map(({ from }) => from))].sort(compareIds).map((from) => {
    const those = gone.filter((each) => each.from === from);
    const [only] = those;
    const workspace = those.length === 1 && only ? only.workspace : null;
    const text = destinations(those)
      .replace(' go to ', ` of ${from} went to `)
      .replace(' goes to ', ` of ${from} went to `);
    return event('takeover', text, { instance: from, workspace });
  });
}

/** `25 workspaces go to instance-1 (13) and instance-3 (12)` */
function destinations(those: readonly { workspace: string; to: string }[]): string {
  if (those.length === 0) return '';
  const counts = new Map<string, number>();
  for (const { to } of those) counts.set(to, (counts.get(to) ?? 0) + 1);
  const parts = [...counts]
    .sort(([a], [b]) => compareIds(a, b))
    .map(([to, count]) => (counts.size === 1 ? to : `${to} (${count})`));
  const [only] = those;
  const who =
    those.length === 1 && only ? `workspace ${only.workspace} goes` : `${those.length} workspaces go`;
  return `${who} to ${listed(parts)}`;
}

function listed(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

function moveEvents(before: readonly Move[], after: readonly Move[]): Told[] {
  const was = new Map(before.map((move) => [move.id, move.state]));
  const ended = after.filter((move) => hasEnded(move) && was.has(move.id) && was.get(move.id) !== move.state);
  const begun = after.filter(({ id }) => !was.has(id));
  const groups = new Map<string, Move[]>();
  for (const move of [...begun, ...ended]) {
    const key = `${move.reason} ${move.from} ${hasEnded(move) ? move.state : 'wanted'}`;
    groups.set(key, [...(groups.get(key) ?? []), move]);
  }
  return [...groups.values()].map((moves) => {
    const [first] = moves as [Move, ...Move[]];
    const workspace = moves.length === 1 ? first.workspace : null;
    return event('move', moves.length === 1 ? moveText(first) : movesText(first, moves), {
      workspace,
      instance: first.from,
    });
  });
}

function moveText(move: Move): string {
  const { workspace, from, to, reason, state, error } = move;
  const why = reason === 'move' ? '' : ` (${reason})`;
  if (state === 'done') return `workspace ${workspace} moved from ${from} to ${to}${why}${tookText(move)}`;
  if (state === 'failed')
    return `workspace ${workspace} was not moved from ${from} to ${to ?? 'another'}${why}: ${error}`;
  return `workspace ${workspace} is to move from ${from} to ${to ?? 'where there is room'}${why}`;
}

function movesText({ from, reason, state, error }: Move, moves: readonly Move[]): string {
  const count = `${moves.length} workspaces`;
  if (state === 'done') return `${count} moved away from ${from} (${reason})`;
  if (state === 'failed') return `${count} were not moved away from ${from} (${reason}): ${error}`;
  return `${count} are to leave ${from} (${reason})`;
}

function tookText({ started_at, ended_at }: Move): string {
  if (started_at === null || ended_at === null) return '';
  return ` in ${((Date.parse(ended_at) - Date.parse(started_at)) / 1000).toFixed(1)} s`;
}

function settingEvents(before: FleetView, after: FleetView): Told[] {
  const added = (was: readonly string[], is: readonly string[]) => is.filter((each) => !was.includes(each));
  return [
    ...added(before.draining, after.draining).map((instance) =>
      event('operator', `${instance} is drained: it takes no workspaces`, { instance }),
    ),
    ...added(after.draining, before.draining).map((instance) =>
      event('operator', `${instance} takes workspaces again`, { instance }),
    ),
    ...added(before.quarantined, after.quarantined).map((workspace) =>
      event(
        'quarantine',
        `workspace ${workspace} is quarantined: instances died twice while it was starting`,
        {
          workspace,
        },
      ),
    ),
    ...added(after.quarantined, before.quarantined).map((workspace) =>
      event('quarantine', `workspace ${workspace} is no longer quarantined`, { workspace }),
    ),
    ...(after.unfrozen && !before.unfrozen
      ? [event('operator', 'an operator said: take over all that is lost')]
      : []),
  ];
}
