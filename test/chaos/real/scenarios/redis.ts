import { eventually } from '../../../helpers/eventually.ts';
import type { Scenario } from '../scene.ts';

/** Redis that is lost, in every way in which it can be. */
export const REDIS_SCENARIOS: readonly Scenario[] = [
  {
    name: 'redis-killed',
    what: 'Redis is killed and away for longer than a lease; it starts again with its file',
    async run(scene) {
      await scene.undisturbed(async () => {
        const redis = scene.fleet.redis.first;
        scene.fault('kill -9 of Redis');
        await redis.kill();
        await scene.waitBeyondTheLease();
        await redis.startAgain();
        scene.note('Redis is there again');
        await scene.recovers();
      });
    },
  },
  {
    name: 'redis-paused',
    what: 'Redis is stopped for longer than a lease and goes on: all leases have lapsed in the same era',
    async run(scene) {
      await scene.undisturbed(async () => {
        const redis = scene.fleet.redis.first;
        scene.fault('SIGSTOP of Redis');
        redis.pause();
        await scene.waitBeyondTheLease();
        redis.resume();
        scene.note('Redis goes on');
        await scene.recovers();
      });
    },
  },
  {
    name: 'redis-emptied',
    what: 'FLUSHALL',
    async run(scene) {
      await scene.undisturbed(async () => {
        scene.fault('FLUSHALL');
        await scene.fleet.redis.first.empty();
        await scene.wait(12_000, 20_000);
        await scene.recovers();
      });
    },
  },
  {
    name: 'redis-without-its-file',
    what: 'Redis is killed and starts empty; an instance is killed before it is back',
    async run(scene) {
      const redis = scene.fleet.redis.first;
      const { instance } = await scene.victim();
      scene.fault('kill -9 of Redis, and its file is lost');
      await redis.kill();
      await scene.wait(0, 4000);
      scene.fault(`kill -9 of supervisor, instance and browsers of ${instance.id}`);
      await instance.supervisor.killTree();
      await scene.wait(0, 8000);
      await redis.startAgain(false);
      scene.note('Redis is there again, empty');
      await scene.leaves(instance);
      await scene.recovers();
    },
  },
  {
    name: 'redis-cut-off-from-one',
    what: 'one instance is cut off from Redis alone, for longer than a lease',
    async run(scene) {
      const { network } = scene.fleet.world;
      const { instance } = await scene.victim();
      const redis = scene.fleet.redis.first.host;
      scene.fault(`${instance.id} is cut off from Redis`);
      if (scene.random.chance(0.5)) await network.cut(instance.host, redis);
      else await network.cutOneWay(redis, instance.host);
      // Longer than one that answers is left alone without a lease: it is asked by HTTP to hand over.
      await scene.wait(15_000, 90_000);
      await scene.recovers();
      scene.note('it reaches Redis again');
      await network.heal(instance.host, redis);
      await scene.wait(3000, 8000);
      await scene.recovers();
    },
  },
  {
    name: 'sentinels-master-killed',
    what: 'the master is killed, sentinels make its replica the master; then the old one is back',
    shape: { redis: 'sentinels' },
    async run(scene) {
      await scene.undisturbed(async () => {
        const { redis } = scene.fleet;
        const { master } = await redis.roles();
        scene.fault('kill -9 of the master');
        await master.kill();
        await redis.sentinels?.failedOver(master);
        await scene.wait(12_000, 20_000);
        await scene.recovers();
        await master.startAgain();
        scene.note('the old master is back');
        await scene.wait(12_000, 20_000);
        await scene.recovers();
      });
    },
  },
  {
    name: 'sentinels-replica-lags',
    what: 'the replica is cut off from its master, an instance is taken over, the master is lost: the new one knows nothing of the takeover',
    shape: { redis: 'sentinels' },
    async run(scene) {
      const { redis, world } = scene.fleet;
      const { master, replicas } = await redis.roles();
      for (const replica of replicas) {
        scene.fault(`${replica.host.name} hears no more of its master`);
        await world.network.cut(master.host, replica.host);
      }
      await scene.wait(1000, 3000);
      const { instance } = await scene.victim();
      scene.fault(`kill -9 of supervisor, instance and browsers of ${instance.id}`);
      await instance.supervisor.killTree();
      await scene.leaves(instance);
      scene.fault('the master loses its power');
      await world.network.isolate(master.host);
      await master.host.killAll();
      for (const replica of replicas) await world.network.heal(master.host, replica.host);
      await redis.sentinels?.failedOver(master);
      await scene.wait(12_000, 20_000);
      await scene.recovers();
      await world.network.rejoin(master.host);
      await master.startAgain();
      await eventually(async () => (await master.role()) === 'slave', 60_000);
    },
  },
];
