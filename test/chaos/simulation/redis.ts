import type { Coordination, Move } from '../../../fleet/coordination.ts';
import { memoryCoordination } from '../../../fleet/memory-coordination.ts';
import type { Environment } from './environment.ts';
import type { Process } from './process.ts';

/** Redis as a process on a host reaches it: each step goes there over the network, and its answer comes back. */
export function coordinationOn(env: Environment, process: Process, host: string): Coordination {
  const target = env.rules.coordination(memoryCoordination(env.redis));
  return new Proxy(target, {
    get(_target, name: keyof Coordination) {
      if (name === 'onPoke') return async () => async () => {};
      if (name === 'poke')
        return (instance: string) =>
          env.network.ask(process, host, env.redisServer, () => {
            env.network.carry('redis', instance, () => env.neighbour(instance)?.poke());
          });
      if (name === 'saveMove')
        return (move: Move, before: Move['state'] | null) =>
          env.network.ask(process, host, env.redisServer, async () => {
            const { moves } = env.redis.state;
            const known = moves.get(move.id);
            const written = await target.saveMove(move, before);
            env.checker.moveSaved(known, moves.get(move.id));
            return written;
          });
      const method = target[name] as (...given: unknown[]) => Promise<unknown>;
      return (...given: unknown[]) =>
        env.network.ask(process, host, env.redisServer, () => method.apply(target, given));
    },
  });
}
