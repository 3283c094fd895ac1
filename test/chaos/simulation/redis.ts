import type { Coordination } from '../../../fleet/coordination.ts';
import { memoryCoordination } from '../../../fleet/memory-coordination.ts';
import type { Process } from './process.ts';
import type { World } from './world.ts';

/** Redis as a process on a host reaches it: each step goes there over the network, and its answer comes back. */
export function coordinationOn(world: World, process: Process, host: string): Coordination {
  const target = world.rules.coordination(memoryCoordination(world.redis));
  return new Proxy(target, {
    get(_target, name: keyof Coordination) {
      if (name === 'onPoke') return async () => async () => {};
      if (name === 'poke')
        return (instance: string) =>
          world.network.ask(process, host, world.redisServer, () => {
            world.network.carry('redis', instance, () => world.instance(instance)?.poke());
          });
      const method = target[name] as (...given: unknown[]) => Promise<unknown>;
      return (...given: unknown[]) =>
        world.network.ask(process, host, world.redisServer, () => method.apply(target, given));
    },
  });
}
