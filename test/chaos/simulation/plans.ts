import type { WorkspaceId } from '../../../fleet/ids.ts';
import { breakSomething } from './faults.ts';
import type { World } from './world.ts';

/** What goes wrong in a run, and when. */
export interface Plan {
  /** Schedules faults from `from` on, for `span` milliseconds at the most. How many. */
  schedule(world: World, from: number, span: number): number;
  /** True where nothing may be taken over, and no browser may end: only what Wharf can do without fails. */
  calm: boolean;
}

/** How long routers may not reach an instance before anything follows from that alone, milliseconds. */
const UNREACHED = 50_000;

/** From one fault to eight, of any kind, whenever. */
export const ANYTHING: Plan = {
  calm: false,
  schedule(world, from, span) {
    const faults = world.random.int(1, 8);
    for (let fault = 0; fault < faults; fault += 1) {
      world.time.at(from + world.random.between(0, span), () => world.tell('fault', breakSomething(world)));
    }
    return faults;
  },
};

/** A whole instance stands still for longer than its lease and a takeover, and goes on. */
export const LONG_STOP: Plan = {
  calm: false,
  schedule(world, from) {
    const instance = world.random.oneOf(world.instances);
    world.time.at(from + world.random.between(0, 3000), () => {
      instance.stop(['supervisor', 'instance', 'browsers']);
      world.tell('fault', `stopped all of ${instance.id}`);
    });
    world.time.at(from + world.random.between(19_000, 40_000), () => {
      instance.resume();
      world.tell('fault', `${instance.id} goes on`);
    });
    return 1;
  },
};

/** The same, and the storage is slow for it from then on: it cannot look for long whether it still owns anything. */
export const SLOW_RETURN: Plan = {
  calm: false,
  schedule(world, from, span) {
    const instance = world.random.oneOf(world.instances);
    world.time.at(from, () => {
      instance.stop(['supervisor', 'instance', 'browsers']);
      world.network.slow('storage', instance.id, 8000);
      world.tell('fault', `stopped all of ${instance.id}, and made the storage slow for it`);
    });
    world.time.at(from + world.random.between(22_000, 35_000), () => {
      instance.resume();
      world.tell('fault', `${instance.id} goes on`);
    });
    world.time.at(from + span, () => world.network.healAll());
    return 2;
  },
};

/** The instance's process alone is stopped, and its supervisor is lost: the browsers are on their own. */
const ORPHANS: Plan = {
  calm: false,
  schedule(world, from) {
    const instance = world.random.oneOf(world.instances);
    world.time.at(from, () => {
      instance.stop(['instance']);
      instance.killSupervisor();
      world.tell('fault', `stopped the process of ${instance.id} and killed its supervisor`);
    });
    world.time.at(from + world.random.between(25_000, 45_000), () => instance.start());
    return 1;
  },
};

/**
 * An instance that Redis and the routers no longer reach goes on by looks at a storage whose answers take long, until that is cut too,
 * about when its workspaces are taken over.
 */
export const SLOW_LOOKS: Plan = {
  calm: false,
  schedule(world, from, span) {
    const { id } = world.random.oneOf(world.instances);
    world.time.at(from, () => {
      for (const other of ['redis', ...world.routers.map((router) => router.id)]) {
        world.network.cut(id, other);
        world.network.cut(other, id);
      }
      world.network.slow('storage', id, 2900);
      world.tell('fault', `cut ${id} from Redis and the routers, and made its looks slow`);
    });
    world.time.at(from + world.random.between(7000, 16_000), () => {
      world.network.cut('storage', id);
      world.network.cut(id, 'storage');
      world.tell('fault', `cut ${id} from the storage`);
    });
    world.time.at(from + span, () => world.network.healAll());
    return 2;
  },
};

/** An instance that Redis and the routers no longer reach, and the storage does: it learns of the takeover from there alone. */
export const ISLAND: Plan = {
  calm: false,
  schedule(world, from, span) {
    const { id } = world.random.oneOf(world.instances);
    world.time.at(from + world.random.between(0, 3000), () => {
      for (const other of ['redis', ...world.routers.map((router) => router.id)]) {
        world.network.cut(id, other);
        world.network.cut(other, id);
      }
      world.tell('fault', `cut ${id} from Redis and the routers`);
    });
    world.time.at(from + span, () => world.network.healAll());
    return 1;
  },
};

/**
 * An island again. Whoever takes its workspaces over lets go of them while it still waits for the owner before: it is stopped cleanly and comes
 * back, or is told to hand over what it has. The island loses the storage too just then, and so does not learn of the claim.
 */
const HANDED_ON_IN_WAIT: Plan = {
  calm: false,
  schedule(world, from, span) {
    const island = world.random.oneOf(world.instances);
    const cut = (other: string) => {
      world.network.cut(island.id, other);
      world.network.cut(other, island.id);
    };
    const stops = world.random.chance(0.5);
    const letGo = (id: string, workspace: WorkspaceId, epoch: number) => {
      cut('storage');
      const adopter = world.instances.find((instance) => instance.id === id);
      const after = world.random.between(50, 1500);
      if (stops) {
        world.time.after(after, () => adopter?.stopCleanly());
        for (let again = 500; again <= 3000; again += 500)
          world.time.after(after + again, () => adopter?.start());
      } else {
        const to =
          world.instances.find((instance) => instance !== island && instance !== adopter)?.id ?? null;
        world.time.after(after, () => adopter?.order({ workspace, epoch, to, move: null }));
      }
      world.tell('fault', `${id} ${stops ? 'is stopped' : `hands ${workspace} on`} soon after it claimed it`);
    };
    const watch = () => {
      for (const [workspace, { claims }] of world.storage.claims.state.workspaces) {
        const epochs = [...claims.keys()].sort((a, b) => b - a);
        const [last, before] = epochs.map((epoch) => claims.get(epoch)?.claim);
        if (!last || before?.instance !== island.id || last.instance === island.id) continue;
        letGo(last.instance, workspace, last.epoch);
        return;
      }
      if (world.time.now < from + span - 15_000) world.time.after(20, watch);
    };
    world.time.at(from + world.random.between(0, 3000), () => {
      for (const other of ['redis', ...world.routers.map((router) => router.id)]) cut(other);
      world.tell('fault', `cut ${island.id} from Redis and the routers`);
      watch();
    });
    world.time.at(from + span, () => world.network.healAll());
    return 2;
  },
};

/** Redis fails in every way it can, while routers do not reach some of the instances: nothing moves, and nothing stops. */
export const REDIS_ONLY: Plan = {
  calm: true,
  schedule(world, from) {
    const { id } = world.random.oneOf(world.instances);
    world.time.at(from, () => {
      for (const router of world.routers) world.network.cut(router.id, id);
      world.tell('fault', `cut the routers from ${id}`);
    });
    // After a minute it would be told to hand over.
    world.time.at(from + UNREACHED, () => world.network.healAll());
    const faults = world.random.int(1, 3);
    for (let fault = 0; fault < faults; fault += 1) {
      world.time.at(
        from + 3000 + (world.random.between(0, 1) + fault) * ((UNREACHED - 20_000) / faults),
        () => {
          const kind = world.random.oneOf([
            'emptied',
            'killed, with nothing kept',
            'stopped for long',
            'replaced by a replica that lagged for longer than a lease',
            'replaced by a replica that lagged for longer than a lease',
          ]);
          world.tell('fault', `Redis: ${kind}`);
          if (kind === 'emptied') world.redis.flush();
          else if (kind.startsWith('replaced')) {
            const kept = world.redis.snapshot();
            world.time.after(world.random.between(10_500, 14_000), () => {
              if (world.redisServer.state === 'up') world.redis.restart(kept);
            });
          } else if (kind === 'stopped for long') {
            world.redisServer.stop();
            world.time.after(world.random.between(11_000, 20_000), () => world.redisServer.up());
          } else {
            world.redisServer.down();
            world.time.after(world.random.between(500, 20_000), () => {
              world.redis.restart();
              world.redisServer.up();
            });
          }
        },
      );
    }
    return faults;
  },
};

/** Operators drain instances and take that back at once, or while some of the moves are under way. */
export const DRAINS_TAKEN_BACK: Plan = {
  calm: false,
  schedule(world, from, span) {
    const drains = 12;
    for (let drain = 0; drain < drains; drain += 1) {
      world.time.at(from + (drain / drains) * span, () => {
        const { id } = world.random.oneOf(world.instances);
        const [drainer, undrainer] = [0, 1].map(() =>
          world.random.oneOf(world.routers).operations(world.instances.length),
        );
        const after = world.random.between(0, 3000);
        world.tell('fault', `drained ${id}, and took that back after ${after.toFixed(0)} ms`);
        // What cannot be done is refused.
        void drainer?.drain(id).catch(() => {});
        world.time.after(after, () => void undrainer?.undrain(id).catch(() => {}));
      });
    }
    return drains;
  },
};

export const PLANS: Readonly<Record<string, Plan>> = {
  anything: ANYTHING,
  'long stop': LONG_STOP,
  'slow return': SLOW_RETURN,
  orphans: ORPHANS,
  'slow looks': SLOW_LOOKS,
  island: ISLAND,
  'handed on in the wait': HANDED_ON_IN_WAIT,
  'Redis only': REDIS_ONLY,
  'drains taken back': DRAINS_TAKEN_BACK,
};
