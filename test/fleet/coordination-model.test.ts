import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLogger } from '../../common/logger.ts';
import { connectRedis, parseRedisUrl, type Redis } from '../../common/redis.ts';
import type { Coordination } from '../../fleet/coordination.ts';
import { redisKeys } from '../../fleet/keys.ts';
import { memoryCoordination } from '../../fleet/memory-coordination.ts';
import { MemoryRedis } from '../../fleet/memory-redis.ts';
import type { Assignment } from '../../fleet/records.ts';
import { redisCoordination } from '../../fleet/redis-coordination.ts';
import { assignmentOf, leaseHolder, moveOf, orderFor, routerNote } from '../helpers/fleet-values.ts';
import { HandClock } from '../helpers/hand-clock.ts';
import { type PrivateRedis, startRedis } from '../helpers/redis.ts';

const TTL = 600_000;

/** One side of the comparison: a coordination, and what can be done to the Redis behind it. */
interface Side {
  fleet: Coordination;
  lapse(instance: string): Promise<unknown>;
  deposeLeader(): Promise<unknown>;
  forgetNote(router: string): Promise<unknown>;
  empty(): Promise<unknown>;
}

/** Something done to both sides; what it answers is compared. */
type Command = (side: Side) => Promise<unknown>;

const instance = fc.constantFrom('instance-1', 'instance-2', 'instance-3');
const incarnation = fc.constantFrom('a', 'b', '');
const workspace = fc.constantFrom('7', 'acme');
const epoch = fc.integer({ min: 1, max: 6 });
const router = fc.constantFrom('router-1', 'router-2');
const state = fc.constantFrom('queued' as const, 'closing' as const, 'done' as const, 'failed' as const);

const assignment = fc
  .tuple(workspace, epoch, instance, incarnation, fc.boolean(), fc.constantFrom(0, 1000))
  .map(
    ([id, number, owner, by, claimed, since]): Assignment =>
      assignmentOf(id, number, owner, { incarnation: by, claimed, since }),
  );

/** A command, with a name that a counterexample shows. */
function named<Given extends unknown[]>(
  name: string,
  given: { [Index in keyof Given]: fc.Arbitrary<Given[Index]> },
  run: (side: Side, ...values: Given) => Promise<unknown>,
): fc.Arbitrary<{ shown: string; run: Command }> {
  return fc.tuple<Given>(...given).map((values) => ({
    shown: `${name}(${values.map((value) => JSON.stringify(value)).join(', ')})`,
    run: (side) => run(side, ...values),
  }));
}

const often = [
  named(
    'acquire',
    [instance, incarnation, fc.array(incarnation, { maxLength: 2 })],
    (side, id, mine, others) => side.fleet.acquire(leaseHolder(id, mine), TTL, others),
  ),
  named('renew', [instance, incarnation], (side, id, mine) => side.fleet.renew(id, mine, TTL)),
  named('record', [assignment], (side, value) => side.fleet.recordAssignment(value)),
  named('takeOver', [workspace, epoch, instance], (side, ...given) => side.fleet.takeOver(...given)),
  named('handOver', [workspace, epoch, incarnation, instance], (side, ...given) =>
    side.fleet.handOver(...given),
  ),
  named('redirect', [workspace, epoch, instance], (side, ...given) => side.fleet.redirect(...given)),
  named('order', [instance, workspace, epoch], (side, id, ...given) =>
    side.fleet.order(id, orderFor(...given)),
  ),
  named('lapse', [instance], (side, id) => side.lapse(id)),
];
const seldom = [
  named('release', [instance, incarnation, fc.constantFrom(0, TTL)], (side, ...given) =>
    side.fleet.release(...given),
  ),
  named('forget', [workspace, epoch], (side, ...given) => side.fleet.forgetAssignment(...given)),
  named('withdraw', [instance, workspace], (side, ...given) => side.fleet.withdrawOrder(...given)),
  named('leases', [], (side) => side.fleet.leases()),
  named('assignment', [workspace], (side, id) => side.fleet.assignment(id)),
  named('lead', [router], (side, id) => side.fleet.lead(id, TTL)),
  named('resign', [router], (side, id) => side.fleet.resign(id)),
  named('depose', [], (side) => side.deposeLeader()),
  named('note', [router, epoch], (side, id, count) =>
    side.fleet.noteRouter(routerNote(id, { instance_count: count }), TTL),
  ),
  named('routers', [], (side) => side.fleet.routers()),
  named('forgetNote', [router], (side, id) => side.forgetNote(id)),
  named('forgetRouter', [router], (side, id) => side.fleet.forgetRouter(id)),
  named(
    'move',
    [fc.constantFrom('m1', 'm2'), state, fc.option(state, { freq: 1 })],
    (side, id, now, before) => side.fleet.saveMove(moveOf(id, { state: now }), before),
  ),
  named('moves', [], (side) => side.fleet.moves()),
  named('empty', [], (side) => side.empty()),
];

const commands = fc.array(
  fc.oneof({ weight: 5, arbitrary: fc.oneof(...often) }, { weight: 1, arbitrary: fc.oneof(...seldom) }),
  { minLength: 1, maxLength: 60, size: 'max' },
);

/** Everything that can be asked without changing anything. */
async function everything({ fleet }: Side): Promise<unknown> {
  const instances = ['instance-1', 'instance-2', 'instance-3'];
  return {
    leases: await fleet.leases(),
    assignments: await fleet.assignments(),
    told: await Promise.all(instances.map((id) => fleet.renew(id, 'a stranger', TTL))),
    routers: await fleet.routers(),
    moves: await fleet.moves(),
  };
}

/** An answer without what differs between two servers: their names, their clocks, the order in which a hash is told. */
function comparable(answer: unknown): unknown {
  return JSON.parse(JSON.stringify(answer ?? null), (key, value: unknown) => {
    if (key === 'era') return value !== '';
    if (key === 'server') return typeof value;
    if (key === 'since') return value === 0 || value === 1000 ? value : 'noted';
    if (key === 'remaining') return Number(value) > 0;
    if (Array.isArray(value)) return value.map((one) => JSON.stringify(one)).sort();
    return value;
  });
}

/** Maps are told apart from nothing by JSON only as entries. */
function withEntries(answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null) return answer;
  if (answer instanceof Map) return [...answer];
  if (Array.isArray(answer)) return answer.map(withEntries);
  return Object.fromEntries(Object.entries(answer).map(([key, value]) => [key, withEntries(value)]));
}

const shown = (answer: unknown) => comparable(withEntries(answer));

let server: PrivateRedis;
let redis: Redis;
beforeAll(async () => {
  server = await startRedis();
  redis = await connectRedis(parseRedisUrl(server.url), createLogger('silent', {}));
});
afterAll(async () => {
  redis.disconnect();
  await server.close();
});

it('answers the same from Redis and from memory, whatever is done in whatever order', async () => {
  const real: Side = {
    fleet: redisCoordination(redis, 10_000),
    lapse: async (id) => void (await redis.del(redisKeys.lease(id))),
    deposeLeader: async () => void (await redis.del(redisKeys.leader)),
    forgetNote: async (id) => void (await redis.del(redisKeys.router(id))),
    empty: async () => void (await redis.flushall()),
  };
  let steps = 0;
  const answers = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(commands, async (sequence) => {
      await redis.flushall();
      const memory = memorySide();
      for (const [index, command] of sequence.entries()) {
        steps += 1;
        const [fromRedis, fromMemory] = [await command.run(real), await command.run(memory)];
        const story = sequence.slice(0, index + 1).map((one) => one.shown);
        expect(shown(fromMemory), story.join('\n')).toEqual(shown(fromRedis));
        if (typeof fromRedis === 'string') answers.set(fromRedis, (answers.get(fromRedis) ?? 0) + 1);
        else if (typeof fromRedis === 'number')
          answers.set('reassigned', (answers.get('reassigned') ?? 0) + 1);
      }
      const story = sequence.map((one) => one.shown).join('\n');
      expect(shown(await everything(memory)), story).toEqual(shown(await everything(real)));
    }),
    { numRuns: 250 },
  );
  // The choice of commands is worth something only where all outcomes come up.
  expect([...answers.keys()].sort()).toEqual([
    'epoch_changed',
    'lease_held',
    'not_yours',
    'reassigned',
    'target_gone',
  ]);
  expect(steps).toBeGreaterThan(1000);
});

function memorySide(): Side {
  let names = 0;
  const memory = new MemoryRedis(new HandClock(), () => `name-${++names}`);
  return {
    fleet: memoryCoordination(memory),
    lapse: async (id) => void memory.state.leases.delete(id),
    deposeLeader: async () => {
      memory.state.leader = null;
    },
    forgetNote: async (id) => void memory.state.routers.delete(id),
    empty: async () => memory.flush(),
  };
}
