import { hasEnded } from '../../../fleet/coordination-rules.ts';
import { memoryCoordination } from '../../../fleet/memory-coordination.ts';
import { homeOf } from '../../../fleet/placement.ts';
import { RULES } from './rules.ts';
import { World } from './world.ts';

/** What a scene with a large fleet came to. */
export interface Scene {
  name: string;
  violations: string[];
  /** Workspaces whose owner is another instance than in the beginning. */
  moved: number;
  /** Workspaces that were taken over or moved though they need not have been. */
  needless: number;
  /** Workspaces without a browser at the end. */
  down: number;
  /** Seconds from the fault until the last session was connected again, and how long each was away: median, p99. */
  seconds: number;
  gaps: number[];
  note: string;
}

const INSTANCES = 8;
const MINUTE = 60_000;

async function begin(seed: number, workspaces: number, instances = INSTANCES): Promise<World> {
  const world = new World({
    seed,
    instances,
    homes: INSTANCES,
    routers: 2,
    workspaces,
    capacity: Math.ceil((workspaces / INSTANCES) * 2),
    rules: RULES,
  });
  await world.begin();
  await world.time.runUntil(MINUTE / 2);
  return world;
}

async function owners(world: World): Promise<Map<string, string>> {
  const assignments = await memoryCoordination(world.redis).assignments();
  return new Map(assignments.map(({ workspace_id, instance }) => [workspace_id, instance]));
}

/** Runs until all that are named run, or a time is over. */
async function untilRunning(world: World, names: readonly string[], patience: number): Promise<void> {
  const end = world.time.now + patience;
  while (world.time.now < end && !names.every((name) => world.running(name) === 1))
    await world.time.runUntil(world.time.now + 1000);
}

async function scene(
  name: string,
  world: World,
  act: (world: World) => Promise<string>,
  mayMove: (from: string, workspace: string) => boolean,
): Promise<Scene> {
  const before = await owners(world);
  const began = world.time.now;
  world.checker.gaps.length = 0;
  const note = await act(world);
  const after = await owners(world);
  const moved = world.workspaces.filter((workspace) => after.get(workspace) !== before.get(workspace));
  return {
    name,
    violations: world.checker.violations,
    moved: moved.length,
    needless: moved.filter((workspace) => !mayMove(before.get(workspace) ?? '', workspace)).length,
    down: world.workspaces.filter((workspace) => world.running(workspace) !== 1).length,
    seconds: (world.time.now - began) / 1000,
    gaps: world.checker.gaps.map((gap) => gap / 1000),
    note,
  };
}

/** So many instances die at one moment, and stay dead. */
export async function die(seed: number, workspaces: number, count: number): Promise<Scene> {
  const world = await begin(seed, workspaces);
  const dead = new Set(world.instances.slice(0, count).map(({ id }) => id));
  return await scene(
    `${count} of ${INSTANCES} instances die`,
    world,
    async () => {
      for (const instance of world.instances) if (dead.has(instance.id)) instance.killAll();
      await untilRunning(world, world.workspaces, 5 * MINUTE);
      return '';
    },
    (from) => dead.has(from),
  );
}

/** More die than may be taken over at a time; later those that wait come back. */
export async function freeze(seed: number, workspaces: number, count: number): Promise<Scene> {
  const world = await begin(seed, workspaces);
  const dead = world.instances.slice(0, count);
  const names = new Set(dead.map(({ id }) => id));
  return await scene(
    `${count} of ${INSTANCES} instances die, and come back after 5 minutes`,
    world,
    async () => {
      for (const instance of dead) instance.killAll();
      await world.time.runUntil(world.time.now + 5 * MINUTE);
      const view = world.routers.map(({ leader }) => leader?.status()).find((status) => status?.frozen);
      const waiting = world.workspaces.filter((workspace) => world.running(workspace) === 0).length;
      for (const instance of dead) instance.start();
      await untilRunning(world, world.workspaces, 5 * MINUTE);
      return `frozen: ${view ? 'yes' : 'no'}; ${waiting} waited until the instances were back`;
    },
    (from) => names.has(from),
  );
}

/** Redis does not answer for ten minutes, and then is there again. */
export async function redisAway(seed: number, workspaces: number): Promise<Scene> {
  const world = await begin(seed, workspaces);
  return await scene(
    'Redis is away for ten minutes',
    world,
    async () => {
      world.checker.calm = true;
      world.redisServer.stop();
      await world.time.runUntil(world.time.now + 10 * MINUTE);
      world.redisServer.up();
      await world.time.runUntil(world.time.now + MINUTE);
      return `browsers that ended: ${world.checker.gaps.length}`;
    },
    () => false,
  );
}

/** A ninth instance joins, and workspaces are brought home. */
export async function scaleOut(seed: number, workspaces: number): Promise<Scene> {
  const world = await begin(seed, workspaces, INSTANCES + 1);
  const count = INSTANCES + 1;
  const wrong = world.workspaces.filter(
    (workspace) => homeOf(workspace, INSTANCES) !== homeOf(workspace, count),
  );
  return await scene(
    `${INSTANCES} instances become ${count}, and are rebalanced`,
    world,
    async () => {
      const coordination = memoryCoordination(world.redis);
      const operations = world.routers[0]?.operations(count);
      // Writing down thousands of moves takes a while of the world's time.
      const rebalance = async () => {
        let written = false;
        const asked = operations?.rebalance().finally(() => {
          written = true;
        });
        while (!written) await world.time.runUntil(world.time.now + 1000);
        await asked;
      };
      await rebalance();
      const end = world.time.now + 60 * MINUTE;
      for (;;) {
        await world.time.runUntil(world.time.now + 5000);
        const left = (await coordination.moves()).filter((move) => !hasEnded(move)).length;
        if (world.time.now > end) break;
        if (left > 0) continue;
        const after = await owners(world);
        if (wrong.every((workspace) => after.get(workspace) === homeOf(workspace, count))) break;
        // Home had no room yet, since its own were not gone: once more.
        await rebalance();
      }
      await untilRunning(world, world.workspaces, MINUTE);
      const after = await owners(world);
      const home = world.workspaces.filter((workspace) => after.get(workspace) === homeOf(workspace, count));
      return `home changed for ${wrong.length}; at home now: ${home.length}`;
    },
    (_from, workspace) => wrong.includes(workspace),
  );
}
