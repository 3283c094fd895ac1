import type { World } from './world.ts';

/** Something that goes wrong at a time, and is mended by itself or at the end. */
type Fault = (world: World) => string;

const both = (a: string, b: string): [string, string][] => [
  [a, b],
  [b, a],
];

/** Cuts one way, the other, or both, and mends it later. */
function partition(world: World, a: string, b: string): string {
  const ways = world.random.oneOf([both(a, b), [[a, b]], [[b, a]]] as [string, string][][]);
  const seconds = world.random.between(1, 40);
  for (const [from, to] of ways) world.network.cut(from, to);
  world.time.after(seconds * 1000, () => {
    for (const [from, to] of ways) world.network.heal(from, to);
  });
  return `cut ${ways.map((way) => way.join('>')).join(' ')} for ${seconds.toFixed(1)} s`;
}

function host(world: World) {
  return world.random.oneOf(world.instances);
}

function router(world: World) {
  return world.random.oneOf(world.routers);
}

function again(world: World, least: number, most: number, start: () => void): string {
  const seconds = world.random.between(least, most);
  world.time.after(seconds * 1000, start);
  return `back after ${seconds.toFixed(1)} s`;
}

const FAULTS: readonly (readonly [weight: number, fault: Fault])[] = [
  [
    3,
    (world) => {
      const instance = host(world);
      instance.killAll();
      return `lost ${instance.id}, ${again(world, 0.5, 40, () => instance.start())}`;
    },
  ],
  [
    2,
    (world) => {
      const instance = host(world);
      instance.killSupervisor();
      return `killed the supervisor of ${instance.id}, ${again(world, 0.1, 6, () => instance.start())}`;
    },
  ],
  [
    2,
    (world) => {
      const instance = host(world);
      instance.killInstance();
      return `killed the process of ${instance.id}`;
    },
  ],
  [
    5,
    (world) => {
      const instance = host(world);
      const what = world.random.oneOf([
        ['supervisor'],
        ['instance'],
        ['browsers'],
        ['supervisor', 'instance'],
        ['supervisor', 'instance', 'browsers'],
        ['supervisor', 'instance', 'browsers'],
      ] as const);
      instance.stop(what);
      return `stopped ${what.join(', ')} of ${instance.id}, ${again(world, 0.5, 35, () => instance.resume())}`;
    },
  ],
  [4, (world) => partition(world, host(world).id, 'redis')],
  [3, (world) => partition(world, host(world).id, 'storage')],
  [
    1,
    (world) => {
      const { id } = host(world);
      return `${partition(world, id, 'redis')}, ${partition(world, id, 'storage')}`;
    },
  ],
  [2, (world) => partition(world, router(world).id, 'redis')],
  [2, (world) => partition(world, router(world).id, host(world).id)],
  [
    2,
    (world) => {
      const { id } = host(world);
      const [to, slow] = world.random.oneOf([
        ['storage', 4000],
        ['redis', 2500],
      ] as const);
      for (const [from, way] of both(id, to)) world.network.slow(from, way, slow);
      const mend = again(world, 2, 40, () => {
        for (const [from, way] of both(id, to)) world.network.heal(from, way);
      });
      return `made the way from ${id} to ${to} slow, ${mend}`;
    },
  ],
  [
    1,
    (world) => {
      world.redis.flush();
      return 'emptied Redis';
    },
  ],
  [
    2,
    (world) => {
      world.redisServer.stop();
      return `stopped Redis, ${again(world, 0.5, 30, () => world.redisServer.up())}`;
    },
  ],
  [
    2,
    (world) => {
      world.redisServer.down();
      const kept = world.random.chance(0.6) ? world.redis.snapshot() : undefined;
      const mend = again(world, 0.2, 30, () => {
        world.redis.restart(kept);
        world.redisServer.up();
      });
      return `killed Redis, ${kept ? '' : 'with nothing kept, '}${mend}`;
    },
  ],
  [
    3,
    (world) => {
      const lag = world.random.between(0.1, 12);
      const kept = world.redis.snapshot();
      world.time.after(lag * 1000, () => {
        if (world.redisServer.state !== 'up') return;
        world.redis.restart(kept);
        world.tell('redis', `a replica took over that lagged by ${lag.toFixed(1)} s`);
      });
      return `a replica begins to lag for ${lag.toFixed(1)} s`;
    },
  ],
  [
    1,
    (world) => {
      const instance = host(world);
      const milliseconds = world.random.oneOf([-3_600_000, 3_600_000, 5000]);
      instance.stepWallClock(milliseconds);
      return `stepped the clock of ${instance.id} by ${milliseconds} ms`;
    },
  ],
  [
    2,
    (world) => {
      const one = router(world);
      one.kill();
      return `killed ${one.id}, ${again(world, 0.5, 30, () => one.start())}`;
    },
  ],
  [
    2,
    (world) => {
      const one = router(world);
      one.stop();
      return `stopped ${one.id}, ${again(world, 0.5, 30, () => one.resume())}`;
    },
  ],
];

/** What operators do in the middle of it all. */
const OPERATIONS: readonly (readonly [weight: number, fault: Fault])[] = [
  [
    3,
    (world) => {
      const workspace = world.random.oneOf(world.workspaces);
      const to = host(world).id;
      void world.move(workspace, to);
      return `asked to move ${workspace} to ${to}`;
    },
  ],
  [
    2,
    (world) => {
      const { id } = host(world);
      void world.settings.setDraining(id, true);
      return `drained ${id}, ${again(world, 5, 60, () => void world.settings.setDraining(id, false))}`;
    },
  ],
  [
    2,
    (world) => {
      const instance = host(world);
      instance.stopCleanly();
      return `stopped ${instance.id} cleanly, ${again(world, 2, 30, () => instance.start())}`;
    },
  ],
];

const ALL = [...FAULTS, ...OPERATIONS];
const WEIGHT = ALL.reduce((sum, [weight]) => sum + weight, 0);

/** Breaks something. Says what. */
export function breakSomething(world: World): string {
  let left = world.random.between(0, WEIGHT);
  for (const [weight, fault] of ALL) {
    left -= weight;
    if (left < 0) return fault(world);
  }
  return 'nothing';
}

/** Mends everything that may still be broken. */
export function mendAll(world: World): void {
  world.network.healAll();
  world.redisServer.up();
  for (const { id } of world.instances) void world.settings.setDraining(id, false);
  for (const instance of world.instances) {
    instance.resume();
    instance.start();
  }
  for (const one of world.routers) {
    one.resume();
    one.start();
  }
}
