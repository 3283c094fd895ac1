import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '../../common/logger.ts';
import { connectRedis, parseRedisUrl, type Redis } from '../../common/redis.ts';
import type { Coordination } from '../../fleet/coordination.ts';
import { redisKeys } from '../../fleet/keys.ts';
import { redisCoordination } from '../../fleet/redis-coordination.ts';
import { redisRegistry } from '../../fleet/redis-registry.ts';
import { testsCoordination } from '../conformance/coordination.ts';
import { eventually } from '../helpers/eventually.ts';
import { assignmentOf, leaseHolder, moveOf, orderFor, routerNote } from '../helpers/fleet-values.ts';
import { type PrivateRedis, startRedis } from '../helpers/redis.ts';

const log = createLogger('silent', {});
const TTL = 60_000;
/** Long enough for a machine under load; those who wait for no answer take a shorter one. */
const TIMEOUT = 10_000;

/** By default Redis may have written an answered command nowhere yet when it is killed. */
const DURABLE = ['--appendfsync', 'always'];

const connect = (server: PrivateRedis) => connectRedis(parseRedisUrl(server.url), log);

/** Every question there is, each of which Redis must be able to answer. */
function questions(fleet: Coordination): Record<string, () => Promise<unknown>> {
  return {
    acquire: () => fleet.acquire(leaseHolder('instance-1', 'a'), TTL, []),
    renew: () => fleet.renew('instance-1', 'a', TTL),
    release: () => fleet.release('instance-1', 'a', 0),
    leases: () => fleet.leases(),
    assignment: () => fleet.assignment('7'),
    assignments: () => fleet.assignments(),
    recordAssignment: () => fleet.recordAssignment(assignmentOf('7', 1, 'instance-1')),
    takeOver: () => fleet.takeOver('7', 1, 'instance-2'),
    handOver: () => fleet.handOver('7', 1, 'a', 'instance-2'),
    redirect: () => fleet.redirect('7', 1, 'instance-2'),
    forgetAssignment: () => fleet.forgetAssignment('7', 1),
    order: () => fleet.order('instance-1', orderFor('7', 1)),
    withdrawOrder: () => fleet.withdrawOrder('instance-1', '7'),
    lead: () => fleet.lead('router-1', TTL),
    resign: () => fleet.resign('router-1'),
    noteRouter: () => fleet.noteRouter(routerNote('router-1'), TTL),
    routers: () => fleet.routers(),
    forgetRouter: () => fleet.forgetRouter('router-1'),
    saveMove: () => fleet.saveMove(moveOf('m1'), null),
    moves: () => fleet.moves(),
    poke: () => fleet.poke('instance-1'),
  };
}

async function expectAway(fleet: Coordination, why: RegExp): Promise<void> {
  for (const [name, ask] of Object.entries(questions(fleet))) {
    const answer = await ask().catch((error: unknown) => error);
    expect(answer, name).toMatchObject({
      code: 'redis_unavailable',
      message: expect.stringMatching(why),
    });
  }
}

describe('in Redis', () => {
  let server: PrivateRedis;
  let redis: Redis;
  let fleet: Coordination;
  const closing: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    server = await startRedis({ appendonly: true, settings: DURABLE });
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    redis = await connect(server);
    await redis.flushall();
    fleet = redisCoordination(redis, TIMEOUT);
  });
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
    redis.disconnect();
  });

  testsCoordination('in Redis', async () => {
    return {
      coordination: fleet,
      runOut: async (what) => {
        const key =
          what === 'leader'
            ? redisKeys.leader
            : 'lease' in what
              ? redisKeys.lease(what.lease)
              : redisKeys.router(what.router);
        await redis.pexpire(key, 1);
        await eventually(async () => (await redis.exists(key)) === 0);
      },
      empty: async () => {
        await redis.flushall();
      },
      restart: async () => {
        await server.kill();
        await server.start();
        await eventually(() => redis.status === 'ready');
      },
      onChange: async (told) => {
        closing.push(await redisRegistry(redis).subscribe(told, () => {}));
      },
      close: async () => {},
    };
  });

  describe('what cannot be read there', () => {
    it.each([
      '',
      'not json',
      'null',
      '[]',
      '7',
      '{}',
      '{"epoch":"x"}',
      '{"epoch":{}}',
      JSON.stringify({ ...assignmentOf('7', 99, 'instance-9'), epoch: 1e300 }),
      JSON.stringify({ ...assignmentOf('7', 99, 'instance-9'), epoch: 99.5 }),
      JSON.stringify({ ...assignmentOf('7', 99, 'instance-9'), claimed: null }),
      JSON.stringify({ ...assignmentOf('7', 99, 'instance-9'), since: 'long' }),
      JSON.stringify({ ...assignmentOf('7', 99, 'instance-9'), instance: 9 }),
      JSON.stringify(assignmentOf('8', 99, 'instance-9')),
    ])('as an assignment, %j, is none, and keeps no owner out', async (text) => {
      await fleet.acquire(leaseHolder('instance-2', 'a'), TTL, []);
      await fleet.recordAssignment(assignmentOf('7', 3, 'instance-1'));
      await fleet.order('instance-1', orderFor('7', 3));
      await redis.hset(redisKeys.assignments, '7', text);
      expect(await fleet.assignment('7')).toBeUndefined();
      expect(await fleet.takeOver('7', 99, 'instance-2')).toBe('epoch_changed');
      expect(await fleet.recordAssignment(assignmentOf('7', 1, 'instance-2'))).toBe(true);
      expect(await fleet.assignment('7')).toEqual(assignmentOf('7', 1, 'instance-2'));
      // Whose it was could not be read: nobody else is told that it is theirs.
      const before = await fleet.renew('instance-1', 'a', TTL);
      expect(before).toMatchObject({ assigned: new Map(), orders: [] });
    });

    it('is read where an older version wrote it: claimed, at no known time', async () => {
      const { claimed: _, since: __, ...older } = assignmentOf('7', 3, 'instance-1');
      await redis.hset(redisKeys.assignments, '7', JSON.stringify({ ...older, workspace_id: 7 }));
      expect(await fleet.assignment('7')).toEqual(assignmentOf('7', 3, 'instance-1', { since: 0 }));
      expect(await fleet.recordAssignment(assignmentOf('7', 2, 'instance-1'))).toBe(false);
      expect(await fleet.recordAssignment(assignmentOf('7', 3, 'instance-2'))).toBe(false);
    });

    it('is passed over among what can', async () => {
      const order = orderFor('7', 3);
      await fleet.recordAssignment(assignmentOf('7', 3, 'instance-1'));
      await fleet.order('instance-1', order);
      await fleet.noteRouter(routerNote('router-1'), TTL);
      await fleet.saveMove(moveOf('m1'), null);
      await redis.hset(redisKeys.assignments, '8', 'odd');
      await redis.hset(redisKeys.assigned('instance-1'), { '8': 'odd', '9': '1:2', '007': '1:1', '10': '' });
      await redis.hset(redisKeys.orders('instance-1'), { '8': 'odd', '9': '{}' });
      await redis.set(redisKeys.router('router-2'), '{"router":7}');
      await redis.sadd(redisKeys.routers, 'router-2');
      await redis.hset(redisKeys.moves, 'm0', '{"state":"dreaming"}');
      expect(await fleet.assignments()).toEqual([assignmentOf('7', 3, 'instance-1')]);
      expect(await fleet.renew('instance-1', 'a', TTL)).toMatchObject({
        assigned: new Map([['7', { epoch: 3, claimed: true }]]),
        orders: [order],
      });
      expect(await fleet.routers()).toEqual([routerNote('router-1')]);
      expect(await fleet.moves()).toEqual([moveOf('m1')]);
    });

    it('as the holder of a lease holds it all the same', async () => {
      await fleet.acquire(leaseHolder('instance-1', 'a'), TTL, []);
      await fleet.acquire(leaseHolder('instance-2', 'a'), TTL, []);
      await fleet.recordAssignment(assignmentOf('7', 3, 'instance-1'));
      for (const text of ['odd', JSON.stringify(leaseHolder('instance-3', 'a'))]) {
        await redis.hset(redisKeys.lease('instance-1'), 'holder', text);
        const unreadable = { instance: 'instance-1', incarnation: 'a', protocol: 0 };
        expect(await fleet.acquire(leaseHolder('instance-1', 'b'), TTL, [])).toMatchObject({
          acquired: false,
          holder: unreadable,
        });
        const { leases } = await fleet.leases();
        expect(leases.map(({ holder }) => holder)).toContainEqual(expect.objectContaining(unreadable));
        expect(await fleet.takeOver('7', 3, 'instance-2')).toBe('lease_held');
      }
    });

    it('stops nothing where every key is of another type', async () => {
      const { assignments, known, era, leader, routers, moves, endedMoves } = redisKeys;
      const ofInstance = (instance: string) =>
        [redisKeys.assigned, redisKeys.orders, redisKeys.lease].map((key) => key(instance));
      const keys = [assignments, known, era, leader, routers, moves, endedMoves];
      const all = [...keys, ...ofInstance('instance-1'), ...ofInstance('instance-2')];
      for (const [name, ask] of Object.entries(questions(fleet))) {
        await redis.flushall();
        for (const key of [...all, redisKeys.router('router-1')]) await redis.rpush(key, 'a list');
        await expect(ask(), name).resolves.toSatisfy(() => true);
      }
      await redis.flushall();
      for (const key of all) await redis.rpush(key, 'a list');
      await fleet.acquire(leaseHolder('instance-1', 'a'), TTL, []);
      await fleet.recordAssignment(assignmentOf('7', 3, 'instance-1'));
      await fleet.order('instance-1', orderFor('7', 3));
      await fleet.saveMove(moveOf('m1', { state: 'done' }), null);
      const renewal = await fleet.renew('instance-1', 'a', TTL);
      expect(renewal).toMatchObject({ held: true, orders: [orderFor('7', 3)] });
      expect(renewal.identity.era).not.toBe('');
      expect((await fleet.leases()).leases).toHaveLength(1);
      expect(await fleet.moves()).toHaveLength(1);
    });
  });

  it('goes on where the scripts it had loaded are gone', async () => {
    await fleet.acquire(leaseHolder('instance-1', 'a'), TTL, []);
    await redis.script('FLUSH');
    expect((await fleet.renew('instance-1', 'a', TTL)).held).toBe(true);
  });

  it('keeps no key for an instance, router or move that is gone', async () => {
    await fleet.acquire(leaseHolder('instance-1', 'a'), TTL, []);
    await fleet.recordAssignment(assignmentOf('7', 3, 'instance-1'));
    await fleet.order('instance-1', orderFor('7', 3));
    await fleet.noteRouter(routerNote('router-1'), TTL);
    await fleet.lead('router-1', TTL);
    await fleet.forgetAssignment('7', 3);
    await fleet.release('instance-1', 'a', 0);
    await fleet.forgetRouter('router-1');
    await fleet.resign('router-1');
    expect((await redis.keys('*')).sort()).toEqual([redisKeys.era, redisKeys.known].sort());
  });
});

describe('a Redis that is away', () => {
  const servers: PrivateRedis[] = [];
  const connections: Redis[] = [];
  const closing: (() => Promise<void>)[] = [];

  async function start(options: Parameters<typeof startRedis>[0] = {}) {
    const server = await startRedis(options);
    servers.push(server);
    const redis = await connect(server);
    connections.push(redis);
    return { server, redis, fleet: redisCoordination(redis, TIMEOUT) };
  }

  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
    for (const connection of connections.splice(0)) connection.disconnect();
    for (const server of servers.splice(0)) await server.close();
  });

  it('is one that is read-only, full, or without its replicas: nothing is answered, and nothing done by half', async () => {
    const { redis, fleet } = await start();
    await fleet.acquire(leaseHolder('instance-1', 'a'), TTL, []);
    await fleet.recordAssignment(assignmentOf('7', 1, 'instance-1'));
    const held = await redis.dump(redisKeys.assignments);
    const states: [RegExp, [string, string], [string, string]][] = [
      [/READONLY/, ['replica-of', '127.0.0.1 1'], ['replica-of', 'no one']],
      [/OOM/, ['maxmemory', '1'], ['maxmemory', '0']],
      [/NOREPLICAS/, ['min-replicas-to-write', '1'], ['min-replicas-to-write', '0']],
    ];
    for (const [why, [name, value], [, back]] of states) {
      const set = async (to: string) => {
        const [host = '', port = ''] = to.split(' ');
        if (name === 'replica-of') await redis.replicaof(host, port);
        else await redis.config('SET', name, to);
      };
      await set(value);
      await expectAway(fleet, why);
      await set(back);
      expect(await redis.dump(redisKeys.assignments)).toEqual(held);
      expect((await fleet.renew('instance-1', 'a', TTL)).held).toBe(true);
    }
  });

  it('is one that cannot write to its disk', async () => {
    const { redis, fleet } = await start();
    const [, directory = ''] = (await redis.config('GET', 'dir')) as string[];
    await mkdir(join(directory, 'dump.rdb'));
    await redis.set('x', 'y');
    await redis.config('SET', 'save', '3600 1');
    await redis.bgsave();
    await eventually(async () => (await redis.info('persistence')).includes('rdb_last_bgsave_status:err'));
    await expectAway(fleet, /MISCONF/);
  });

  it('is one that still loads its data', async () => {
    const { server, redis } = await start({
      appendonly: true,
      settings: [...DURABLE, '--key-load-delay', '400'],
    });
    const filling = redis.pipeline();
    for (let index = 0; index < 5000; index += 1) filling.set(`x${index}`, 'y');
    await filling.exec();
    const eager = redis.duplicate({ enableReadyCheck: false, retryStrategy: () => 20 });
    eager.on('error', () => {});
    connections.push(eager);
    const fleet = redisCoordination(eager, TIMEOUT);
    await server.kill();
    const started = server.start();
    await eventually(async () => {
      const error = await fleet.leases().catch((caught: unknown) => caught);
      if (!(error instanceof Error)) throw new Error('it was loaded before it was asked');
      expect(error).toMatchObject({ code: 'redis_unavailable' });
      return /LOADING/.test(error.message);
    });
    await started;
    await eventually(async () => (await fleet.leases().catch(() => undefined)) !== undefined);
  });

  it('is one that does not answer in time, or is not there, until it is back', async () => {
    const { server, redis, fleet } = await start();
    await fleet.leases();
    const impatient = redisCoordination(redis, 30);
    server.pause();
    try {
      await expectAway(impatient, /no answer within 30 ms/);
    } finally {
      server.resume();
    }
    await eventually(async () => (await fleet.leases().catch(() => undefined)) !== undefined);
    await server.kill();
    await expectAway(fleet, /./);
    await expect(fleet.onPoke('instance-1', () => {})).rejects.toMatchObject({ code: 'redis_unavailable' });
    await server.start();
    await eventually(async () => (await fleet.leases().catch(() => undefined)) !== undefined);
  });

  it('is asked nothing again that it did not answer before it was lost', async () => {
    const { server, redis, fleet } = await start({ appendonly: true, settings: DURABLE });
    await fleet.recordAssignment(assignmentOf('7', 1, 'instance-1'));
    server.pause();
    const asked = fleet.forgetAssignment('7', 1).catch((error: unknown) => error);
    // Frozen, it has not read what was asked when it dies.
    await server.kill();
    await server.start();
    await eventually(() => redis.status === 'ready');
    expect(await asked).toMatchObject({ code: 'redis_unavailable' });
    expect(await fleet.assignment('7')).toEqual(assignmentOf('7', 1, 'instance-1'));
  });

  it('says, once it is back, that a poke may have been missed, and brings those that come then', async () => {
    const { server, fleet } = await start();
    let pokes = 0;
    closing.push(
      await fleet.onPoke('instance-1', () => {
        pokes += 1;
      }),
    );
    await server.kill();
    await server.start();
    await eventually(() => pokes === 1);
    await eventually(() =>
      fleet.poke('instance-1').then(
        () => true,
        () => false,
      ),
    );
    await eventually(() => pokes === 2);
  });
});
