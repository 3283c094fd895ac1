import { mendAll } from './faults.ts';
import { ANYTHING, type Plan } from './plans.ts';
import { RULES, type Rules } from './rules.ts';
import { World } from './world.ts';

/** The fleet of a run. */
const INSTANCES = 4;
const ROUTERS = 2;
const WORKSPACES = 8;

/** Everything comes up before the first fault, milliseconds. */
const WARM_UP = 15_000;
/** Faults come for so long. */
const FAULTS = 60_000;
/** After all is mended each workspace has to run within so long: what Redis's return, a lease, and an unclaimed assignment tried twice take together. */
const SETTLE = 240_000;
/** And go on undisturbed for so long. */
const QUIET = 10_000;

/** What a run came to. */
export interface RunResult {
  seed: number;
  violations: string[];
  faults: number;
  starts: number;
  /** The longest time two browsers of one session were connected at once, milliseconds. */
  overlap: number;
  /** The longest time that a session was without a connected browser, milliseconds. */
  longestGap: number;
  /** Simulated milliseconds, and the events in them. */
  simulated: number;
  events: number;
}

/**
 * Runs a fleet through the faults that a seed names, and checks the invariants all the while. The same seed runs the same way each time.
 *
 * @param options `listen` hears the story
 */
export async function runSeed(
  seed: number,
  options: { rules?: Rules; plan?: Plan; listen?: (line: string) => void } = {},
): Promise<RunResult> {
  const { rules = RULES, plan = ANYTHING, listen } = options;
  const world = new World({
    seed,
    instances: INSTANCES,
    routers: ROUTERS,
    workspaces: WORKSPACES,
    capacity: WORKSPACES,
    rules,
    ...(listen === undefined ? {} : { listen }),
  });
  await world.begin();
  await world.time.runUntil(WARM_UP);
  world.checker.calm = plan.calm;
  const faults = plan.schedule(world, WARM_UP, FAULTS);
  await world.time.runUntil(WARM_UP + FAULTS + 5000);
  world.tell('fault', 'all is mended');
  mendAll(world);
  const end = world.time.now + SETTLE;
  let since = world.time.now;
  while (world.time.now < end && world.time.now - since < QUIET && world.checker.violations.length === 0) {
    await world.time.runUntil(world.time.now + 1000);
    if (!world.workspaces.every((workspace) => world.running(workspace) === 1)) since = world.time.now;
  }
  world.checker.settled(world.workspaces, (workspace) => world.running(workspace));
  return {
    seed,
    violations: world.checker.violations,
    faults,
    starts: world.checker.starts,
    overlap: world.checker.longestOverlap,
    longestGap: Math.max(0, ...world.checker.gaps),
    simulated: world.time.now,
    events: world.time.ran,
  };
}
