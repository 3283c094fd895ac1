import { describe, expect, it } from 'vitest';
import { redisKeys } from '../../fleet/keys.ts';
import { memoryCoordination } from '../../fleet/memory-coordination.ts';
import { MemoryRedis } from '../../fleet/memory-redis.ts';
import { testsCoordination } from '../conformance/coordination.ts';
import { assignmentOf, leaseHolder } from '../helpers/fleet-values.ts';
import { HandClock } from '../helpers/hand-clock.ts';

function memoryRedis() {
  const clock = new HandClock();
  let names = 0;
  const redis = new MemoryRedis(clock, () => `name-${++names}`);
  return { clock, redis, fleet: memoryCoordination(redis) };
}

testsCoordination('in memory', async () => {
  const { clock, redis, fleet } = memoryRedis();
  return {
    coordination: fleet,
    runOut: async (what) => {
      const { leases, leader, routers } = redis.state;
      const found =
        what === 'leader' ? leader : 'lease' in what ? leases.get(what.lease) : routers.get(what.router);
      if (found) found.until = clock.monotonic();
    },
    empty: async () => redis.flush(),
    restart: async () => redis.restart(redis.snapshot()),
    onChange: async (told) => {
      redis.subscribe(redisKeys.changes, (text) => told(JSON.parse(text)));
    },
    close: async () => {},
  };
});

describe('a Redis in memory', () => {
  it('lets leases, leaders and notes run out by its clock', async () => {
    const { clock, fleet } = memoryRedis();
    await fleet.acquire(leaseHolder('instance-1', 'a'), 10_000, []);
    await fleet.lead('router-1', 10_000);
    clock.pass(9999);
    expect((await fleet.renew('instance-1', 'a', 10_000)).held).toBe(true);
    expect((await fleet.lead('router-2', 10_000)).leader).toBe('router-1');
    clock.pass(1);
    expect((await fleet.lead('router-2', 10_000)).leader).toBe('router-2');
    clock.pass(9999);
    expect((await fleet.renew('instance-1', 'a', 10_000)).held).toBe(false);
  });

  it('goes back to what a replica had, as another server of the same era', async () => {
    const { redis, fleet } = memoryRedis();
    const before = await fleet.acquire(leaseHolder('instance-1', 'a'), 10_000, []);
    await fleet.recordAssignment(assignmentOf('7', 1, 'instance-1'));
    const replica = redis.snapshot();
    await fleet.recordAssignment(assignmentOf('7', 2, 'instance-1', { incarnation: 'b' }));
    redis.restart(replica);
    expect(await fleet.assignment('7')).toEqual(assignmentOf('7', 1, 'instance-1'));
    const { identity } = await fleet.renew('instance-1', 'a', 10_000);
    expect(identity.era).toBe(before.identity.era);
    expect(identity.server).not.toBe(before.identity.server);
    // What is written now does not reach the copy.
    await fleet.recordAssignment(assignmentOf('7', 3, 'instance-1'));
    redis.restart(replica);
    expect((await fleet.assignment('7'))?.epoch).toBe(1);
    redis.restart();
    expect(await fleet.assignments()).toEqual([]);
    expect((await fleet.leases()).identity.era).toBe('');
  });

  it('gives away copies: who changes what it got changes nothing here', async () => {
    const { fleet } = memoryRedis();
    await fleet.recordAssignment(assignmentOf('7', 1, 'instance-1'));
    const got = await fleet.assignment('7');
    if (got) got.epoch = 9;
    for (const each of await fleet.assignments()) each.epoch = 9;
    expect((await fleet.assignment('7'))?.epoch).toBe(1);
  });
});
