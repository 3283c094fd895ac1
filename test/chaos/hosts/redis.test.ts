import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../../helpers/eventually.ts';
import { describeHosts } from './describe-hosts.ts';
import { HostRedis } from './redis-server.ts';
import { Sentinels } from './sentinels.ts';
import { World } from './world.ts';

await describeHosts('Redis on a host of its own', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.make(['redis-1', 'redis-2', 'redis-3', 'client']);
  });
  afterAll(() => world.close());

  it('keeps what it answered for over kill -9, and loses it when emptied or started without its file', async () => {
    const redis = await HostRedis.start(world.host('redis-1'));
    const client = world.host('client');
    const ask = (...words: string[]) =>
      client.run('redis-cli', ['-e', '-h', redis.host.address, '-p', `${redis.port}`, ...words]);
    await ask('SET', 'name', 'wharf');
    await redis.kill();
    await redis.startAgain();
    expect(await ask('GET', 'name')).toBe('wharf\n');

    await redis.empty();
    expect(await ask('EXISTS', 'name')).toBe('0\n');
    await ask('SET', 'name', 'wharf');
    await redis.kill();
    await redis.startAgain(false);
    expect(await ask('EXISTS', 'name')).toBe('0\n');

    redis.pause();
    const waiting = ask('PING');
    redis.resume();
    expect(await waiting).toBe('PONG\n');
    await redis.kill();
  });

  it('fails over to a replica that lags, and what only the master had is lost', async () => {
    const [first, second, third] = ['redis-1', 'redis-2', 'redis-3'].map((name) => world.host(name));
    if (!first || !second || !third) throw new Error('three hosts are needed');
    const master = await HostRedis.start(first);
    const replica = await HostRedis.start(second, master);
    const sentinels = await Sentinels.start([first, second, third], master, 1);
    await master.command('SET', 'early', '1');
    await eventually(async () => (await replica.command('EXISTS', 'early')) === '1');

    await world.network.cutOneWay(first, second);
    await master.command('SET', 'late', '1');
    await world.network.isolate(first);
    await first.killAll();
    await world.network.healAll();
    const address = await sentinels.failedOver(master, [second, third]);
    expect(address).toBe(second.address);
    await eventually(async () => (await replica.role()) === 'master');
    expect(await replica.command('MGET', 'early', 'late')).toBe('1');

    // The old master comes back, is told, and has lost it too.
    await master.startAgain();
    await eventually(async () => (await master.role()) === 'slave');
    await eventually(async () => (await master.command('EXISTS', 'late')) === '0');
  });
});
