import type { WorkspaceId } from '../../fleet/ids.ts';
import type { Assignment } from '../../fleet/records.ts';
import type { FleetFacts } from './facts.ts';
import type { Verdict } from './verdict.ts';
import type { InstanceView } from './view.ts';

/** An instance as a place for workspaces. */
export interface Candidate {
  id: string;
  verdict: Verdict;
  /** False where it says that it stops, or that it is not well. */
  accepting: boolean;
  draining: boolean;
  capacity: number;
  /** The sessions of all workspaces assigned to it, or what it says it has where that is more. */
  load: number;
  chromium: string | null;
  /** Deaths within the last hour. */
  deaths: number;
  /** Milliseconds for which nothing is brought to it that has another place. */
  leftAlone: number;
}

/** Why an instance does not take a workspace. */
export type TargetFault = 'dead' | 'draining' | 'full' | 'older_chromium';

/** How many places a workspace takes. One without sessions, or of which nothing is known, is counted as one. */
export function weightOf(facts: Pick<FleetFacts, 'workspace'>, workspace: WorkspaceId): number {
  return Math.max(1, facts.workspace(workspace).sessions);
}

/** What makes candidates. */
export interface CandidateSources {
  views: readonly Pick<InstanceView, 'instance' | 'verdict' | 'deaths' | 'left_alone_ms'>[];
  facts: FleetFacts;
  assignments: readonly Assignment[];
  draining: ReadonlySet<string>;
}

/** The instances as places for workspaces, in the order of their ids. */
export function candidatesOf({ views, facts, assignments, draining }: CandidateSources): Candidate[] {
  const known = new Map(facts.instances().map((each) => [each.id, each]));
  const loads = new Map<string, number>();
  for (const { workspace_id, instance } of assignments)
    loads.set(instance, (loads.get(instance) ?? 0) + weightOf(facts, workspace_id));
  return views
    .map(({ instance: id, verdict, deaths, left_alone_ms }): Candidate => {
      const fact = known.get(id);
      return {
        id,
        verdict,
        accepting: fact?.accepting ?? false,
        draining: draining.has(id),
        capacity: fact?.capacity ?? 0,
        load: Math.max(loads.get(id) ?? 0, fact?.sessions ?? 0),
        chromium: fact?.chromium ?? null,
        deaths,
        leftAlone: left_alone_ms,
      };
    })
    .sort((a, b) => compareIds(a.id, b.id));
}

/** Whether an instance takes workspaces at all. */
export function takesWorkspaces(candidate: Candidate): boolean {
  return candidate.verdict === 'healthy' && candidate.accepting && !candidate.draining;
}

/**
 * Why an instance does not take a workspace, or nothing where it does.
 *
 * @param weight places it takes
 * @param chromium the version its profiles were last opened with: an older one may not open them again
 */
export function faultOf(
  candidate: Candidate,
  weight: number,
  chromium: string | null,
): TargetFault | undefined {
  if (candidate.draining) return 'draining';
  if (!takesWorkspaces(candidate)) return 'dead';
  if (isOlder(candidate.chromium, chromium)) return 'older_chromium';
  if (candidate.load + weight > candidate.capacity) return 'full';
  return undefined;
}

/** Gives places out one after the other, each to the instance with the most room left; those that died lately come last. */
export class Places {
  readonly #candidates: Candidate[];

  constructor(candidates: readonly Candidate[]) {
    this.#candidates = candidates.map((candidate) => ({ ...candidate }));
  }

  /** The place for a workspace, which is then taken; or why there is none. */
  take(
    weight: number,
    chromium: string | null,
    except: (id: string) => boolean,
  ): { to: string } | { none: TargetFault } {
    const faults = new Set<TargetFault>();
    let best: Candidate | undefined;
    for (const candidate of this.#candidates) {
      if (except(candidate.id)) continue;
      const fault = faultOf(candidate, weight, chromium);
      if (fault) faults.add(fault);
      else if (!best || isBetter(candidate, best)) best = candidate;
    }
    if (best) {
      best.load += weight;
      return { to: best.id };
    }
    const [first] = (['full', 'older_chromium', 'draining', 'dead'] as const).filter((each) =>
      faults.has(each),
    );
    return { none: first ?? 'dead' };
  }

  /** Takes a certain place, where it can be taken. */
  takeAt(id: string, weight: number, chromium: string | null): TargetFault | undefined {
    const candidate = this.#candidates.find((each) => each.id === id);
    if (!candidate) return 'dead';
    const fault = faultOf(candidate, weight, chromium);
    if (!fault) candidate.load += weight;
    return fault;
  }
}

function isBetter(a: Candidate, b: Candidate): boolean {
  const [coolA, coolB] = [a.leftAlone > 0, b.leftAlone > 0];
  if (coolA !== coolB) return coolB;
  if (coolA && a.deaths !== b.deaths) return a.deaths < b.deaths;
  const [freeA, freeB] = [a.capacity - a.load, b.capacity - b.load];
  if (freeA !== freeB) return freeA > freeB;
  return compareIds(a.id, b.id) < 0;
}

/** Made once: thousands of ids are compared in a plan, and `localeCompare` makes one each time. */
const COLLATOR = new Intl.Collator('en', { numeric: true });

/** `instance-2` before `instance-10`. */
export function compareIds(a: string, b: string): number {
  return COLLATOR.compare(a, b) || (a < b ? -1 : Number(a > b));
}

/** Whether the first version is older than the second; what is not known is not. */
export function isOlder(version: string | null, than: string | null): boolean {
  if (version === than) return false;
  const [a, b] = [numbersOf(version), numbersOf(than)];
  if (!a || !b) return false;
  const at = a.findIndex((number, index) => number !== (b[index] ?? 0));
  return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0);
}

function numbersOf(version: string | null): number[] | undefined {
  const found = /\d+(?:\.\d+)+/.exec(version ?? '')?.[0];
  return found?.split('.').map(Number);
}
