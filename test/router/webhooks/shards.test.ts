import { describe, expect, it, onTestFinished } from 'vitest';
import { createLogger } from '../../../common/logger.ts';
import { connectRedis, parseRedisUrl } from '../../../common/redis.ts';
import { RedisShardLeases } from '../../../fleet/events/redis-shard-leases.ts';
import { ShardKeeper, type ShardUser } from '../../../router/webhooks/shard-keeper.ts';
import { planShards, preferredRouter, SHARD_COUNT, shardOf } from '../../../router/webhooks/shards.ts';
import { eventually } from '../../helpers/eventually.ts';
import { HandClock } from '../../helpers/hand-clock.ts';
import { type PrivateRedis, startRedis } from '../../helpers/redis.ts';

const ALL = Array.from({ length: SHARD_COUNT }, (_, index) => index);

describe('shards', () => {
  it('are of the same number for all routers, for ever', () => {
    expect(['7', 'acme', '0'].map(shardOf)).toEqual(['7', 'acme', '0'].map(shardOf));
    expect(new Set(Array.from({ length: 2000 }, (_, index) => shardOf(String(index)))).size).toBe(
      SHARD_COUNT,
    );
  });

  it('are spread over routers, and one that ends moves no others', () => {
    const three = ['a', 'b', 'c'];
    const before = ALL.map((shard) => preferredRouter(shard, three));
    for (const router of three) expect(before.filter((each) => each === router).length).toBeGreaterThan(8);
    const after = ALL.map((shard) => preferredRouter(shard, ['a', 'c']));
    for (const shard of ALL) if (before[shard] !== 'b') expect(after[shard]).toBe(before[shard]);
  });

  it('go to their router only when nobody has them', () => {
    const holders = new Map(ALL.map((shard) => [shard, 'b']));
    expect(planShards('a', ['a'], holders, new Set())).toEqual({ hold: [], giveUp: [] });
    expect(planShards('a', ['a'], new Map(), new Set())).toEqual({ hold: ALL, giveUp: [] });
  });

  it('are given up for a router that comes', () => {
    const plan = planShards('a', ['a', 'b'], new Map(), new Set(ALL));
    expect([...plan.hold, ...plan.giveUp].sort((a, b) => a - b)).toEqual(ALL);
    expect(plan.giveUp).toEqual(ALL.filter((shard) => preferredRouter(shard, ['a', 'b']) === 'b'));
  });
});

/** A keeper whose user writes down what it is told. */
function startKeeper(redis: PrivateRedis, router: string) {
  const told = { taken: [] as number[], regained: [] as number[], lost: [] as number[] };
  const has = new Set<number>();
  let release: () => Promise<void> = async () => {};
  const user: ShardUser = {
    taken: (shard) => {
      told.taken.push(shard);
      has.add(shard);
    },
    regained: (shard) => void told.regained.push(shard),
    lost: (shard) => {
      told.lost.push(shard);
      has.delete(shard);
    },
    release: async (shard) => {
      await release();
      has.delete(shard);
    },
  };
  return (async () => {
    const log = createLogger('silent', {});
    const connection = await connectRedis(parseRedisUrl(redis.url), log);
    const hand = new HandClock();
    const clock = {
      now: () => hand.now(),
      monotonic: () => hand.monotonic(),
      // Renewals come one after the other, and time passes only as the test says.
      sleep: (_: number, signal?: AbortSignal) =>
        new Promise<void>((resolve, reject) => {
          const timer = setTimeout(resolve, 20);
          signal?.addEventListener('abort', () => {
            clearTimeout(timer);
            reject(signal.reason);
          });
        }),
    };
    const keeper = new ShardKeeper(router, new RedisShardLeases(connection), user, clock, log);
    keeper.start();
    let ended = false;
    const end = async () => {
      if (ended) return;
      ended = true;
      await keeper.stop();
      connection.disconnect();
    };
    onTestFinished(end);
    const holdBack = (until: Promise<void>) => {
      release = () => until;
    };
    return { keeper, told, has, hand, end, holdBack };
  })();
}

describe('the keeper of shards', () => {
  it('takes all where it is alone, and shares with one that comes', async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.close());
    const a = await startKeeper(redis, 'a');
    await eventually(() => a.has.size === SHARD_COUNT);
    const b = await startKeeper(redis, 'b');
    await eventually(() => a.has.size + b.has.size === SHARD_COUNT && b.has.size > 10);
    for (const shard of b.has) expect(a.keeper.mayWork(shard)).toBe(false);
    await b.end();
    await eventually(() => a.has.size === SHARD_COUNT);
  });

  it('gives a shard up only when nothing of it is under way', async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.close());
    const a = await startKeeper(redis, 'a');
    await eventually(() => a.has.size === SHARD_COUNT);
    let done = () => {};
    a.holdBack(
      new Promise((resolve) => {
        done = resolve;
      }),
    );
    const b = await startKeeper(redis, 'b');
    const leaving = ALL.filter((shard) => preferredRouter(shard, ['a', 'b']) === 'b');
    await eventually(() => leaving.every((shard) => !a.keeper.mayWork(shard)));
    expect(b.has.size).toBe(0);
    done();
    await eventually(() => b.has.size === leaving.length);
  });

  it('begins nothing on an old proof, and doubts what it has when it is proved again', async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.close());
    const a = await startKeeper(redis, 'a');
    await eventually(() => a.keeper.mayWork(0));
    redis.pause();
    a.hand.pass(6000);
    expect(a.keeper.mayWork(0)).toBe(false);
    redis.resume();
    await eventually(() => a.told.regained.includes(0));
    expect(a.keeper.mayWork(0)).toBe(true);
    expect(a.told.lost).toEqual([]);
  });
});
