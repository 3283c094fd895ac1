import { describe, expect, it } from 'vitest';
import { SmallFleet } from './small-fleet.ts';

/** Three instances, two routers, time enough for Redis to be believed. */
async function threeInstances(each = 10): Promise<SmallFleet> {
  const fleet = new SmallFleet();
  fleet.addInstances('instance-1', 'instance-2', 'instance-3');
  fleet.addRouter('router-1');
  fleet.addRouter('router-2');
  await fleet.clock.pass(1000);
  for (const [index, id] of ['instance-1', 'instance-2', 'instance-3'].entries())
    await fleet.own(id, index * each, index * each + each);
  await fleet.clock.pass(15_000);
  return fleet;
}

function story(fleet: SmallFleet, index = 0): string {
  return (fleet.routers[index]?.leader.events() ?? []).map(({ text }) => text).join('\n');
}

describe('an instance that dies', () => {
  it('is noticed within 12 s, and its workspaces are up elsewhere within 22 s, spread', async () => {
    const fleet = await threeInstances();
    fleet.instance('instance-2').kill();
    const [router] = fleet.routers;
    const verdict = () =>
      router?.leader.status().instances.find(({ instance }) => instance === 'instance-2')?.verdict;
    expect(await fleet.clock.until(() => verdict() === 'dead', 20_000)).toBeLessThanOrEqual(12_000);
    await fleet.clock.until(() => fleet.recorded.takenOver === 10, 1000);
    // The small fleet's workers start at once; real ones wait until their grant's start, 8 s after the claim.
    await fleet.clock.until(
      () => fleet.running()['instance-1'] === 15 && fleet.running()['instance-3'] === 15,
      3000,
    );
    await fleet.clock.pass(2000);
    expect(fleet.recorded.readyAfter).toHaveLength(10);
    for (const index of [0, 1])
      expect(story(fleet, index)).toMatch(
        /instance-2 is dead: lease gone for .*; 10 workspaces go to instance-1 \(5\) and instance-3 \(5\)\n10 workspaces of instance-2 went to instance-1 \(5\) and instance-3 \(5\)/,
      );
  });

  it('and comes back, gets none of them back by itself, and no workspace ever runs twice', async () => {
    const fleet = await threeInstances();
    fleet.instance('instance-2').kill();
    await fleet.clock.until(() => fleet.running()['instance-1'] === 15, 20_000);
    fleet.instance('instance-2').start();
    await fleet.clock.pass(60_000);
    expect(fleet.running()).toEqual({ 'instance-1': 15, 'instance-2': 0, 'instance-3': 15 });
    for (let workspace = 0; workspace < 30; workspace += 1)
      expect(fleet.runners(String(workspace))).toHaveLength(1);
    expect(story(fleet)).toMatch(/instance-2 is back/);
  });

  it('while the leading router dies too, is taken over by the other', async () => {
    const fleet = await threeInstances();
    const leader = fleet.routers.find(({ id, leader: each }) => each.status().leader === id);
    if (!leader) throw new Error('nobody leads');
    leader.faults.dead = true;
    fleet.instance('instance-2').kill();
    await fleet.clock.until(() => fleet.running()['instance-1'] === 15, 30_000);
    expect(fleet.recorded.takenOver).toBe(10);
  });

  it('with another at a time waits, frozen, until an operator says so', async () => {
    const fleet = await threeInstances();
    fleet.instance('instance-2').kill();
    fleet.instance('instance-3').kill();
    fleet.instance('instance-1').capacity = 100;
    await fleet.clock.pass(120_000);
    expect(fleet.running()['instance-1']).toBe(20);
    const status = fleet.routers[0]?.operations.status();
    expect(status?.frozen).toMatchObject({ limit: 1 });
    expect(status?.alarms.map(({ kind }) => kind)).toContain('mass_failure');
    await fleet.routers[1]?.operations.unfreeze();
    await fleet.clock.until(() => fleet.running()['instance-1'] === 30, 5000);
    await fleet.clock.pass(2000);
    expect(fleet.settings.current().unfrozen).toBe(false);
    expect(story(fleet)).toMatch(/frozen: instance-. wait.*\n(.*\n)*no longer frozen/);
  });

  it('with nowhere to go waits with an alarm, and goes on when there is room', async () => {
    const fleet = await threeInstances();
    for (const id of ['instance-1', 'instance-3']) fleet.instance(id).capacity = 12;
    fleet.instance('instance-2').kill();
    await fleet.clock.pass(40_000);
    expect(fleet.running()).toEqual({ 'instance-1': 12, 'instance-2': 0, 'instance-3': 12 });
    const alarms = fleet.routers[0]?.operations.status().alarms ?? [];
    expect(alarms.find(({ kind }) => kind === 'no_capacity')?.text).toMatch(/^6 workspace/);
    fleet.addInstances('instance-4');
    await fleet.clock.until(() => fleet.running()['instance-4'] === 6, 10_000);
  });
});

describe('while Redis is away', () => {
  it('nothing is taken over, and for one lease after it is back', async () => {
    const fleet = await threeInstances();
    for (const { faults } of fleet.routers) faults.cutFromRedis = true;
    for (const { faults } of fleet.instances.values()) faults.cutFromRedis = true;
    await fleet.clock.pass(600_000);
    expect(fleet.running()).toEqual({ 'instance-1': 10, 'instance-2': 10, 'instance-3': 10 });
    expect(fleet.routers[0]?.leader.status().leader).toBeNull();
    fleet.instance('instance-2').kill();
    for (const { faults } of fleet.routers) faults.cutFromRedis = false;
    for (const { faults } of fleet.instances.values()) faults.cutFromRedis = false;
    await fleet.clock.pass(9000);
    expect(fleet.recorded.takenOver).toBe(0);
    await fleet.clock.until(() => fleet.recorded.takenOver === 10, 10_000);
    expect(story(fleet)).toMatch(/Redis is away.*\nRedis is back/);
  });

  it('for one instance alone, it is told by HTTP to release, and then its workspaces are taken over', async () => {
    const fleet = await threeInstances();
    fleet.instance('instance-2').faults.cutFromRedis = true;
    await fleet.clock.pass(60_000);
    expect(fleet.running()['instance-2']).toBe(10);
    await fleet.clock.until(() => fleet.running()['instance-1'] === 15, 30_000);
    expect(fleet.running()).toEqual({ 'instance-1': 15, 'instance-2': 0, 'instance-3': 15 });
    const highest = await fleet.storage.state.workspaces.get('10');
    expect([...(highest?.released.keys() ?? [])]).toEqual([1]);
  });

  it('and emptied with an instance dead, what that owned is found on the storage and taken over', async () => {
    const fleet = await threeInstances();
    fleet.instance('instance-2').kill();
    fleet.redis.flush();
    await fleet.clock.until(() => fleet.running()['instance-1'] === 15, 60_000);
    expect(fleet.running()).toEqual({ 'instance-1': 15, 'instance-2': 0, 'instance-3': 15 });
  });
});

describe('an instance that lives', () => {
  it('and is reached by no router hands over cleanly, through Redis', async () => {
    const fleet = await threeInstances();
    fleet.instance('instance-2').faults.cutFromRouters = true;
    await fleet.clock.pass(58_000);
    expect(fleet.running()['instance-2']).toBe(10);
    await fleet.clock.until(() => fleet.running()['instance-2'] === 0, 60_000);
    await fleet.clock.pass(2000);
    expect(fleet.running()).toEqual({ 'instance-1': 15, 'instance-2': 0, 'instance-3': 15 });
    expect(fleet.recorded.takenOver).toBe(0);
    expect(fleet.recorded.moves.filter((each) => each === 'hand_over done')).toHaveLength(10);
  });

  it('with a storage that is bad for it alone loses its lease and its workspaces', async () => {
    const fleet = await threeInstances();
    fleet.instance('instance-2').faults.storageBad = true;
    await fleet.clock.pass(29_000);
    expect(fleet.recorded.takenOver).toBe(0);
    await fleet.clock.until(() => fleet.running()['instance-1'] === 15, 20_000);
    // Neither Redis nor the storage proves what it owns: its authority ends before anybody's wait does.
    await fleet.clock.pass(7000);
    expect(fleet.running()).toEqual({ 'instance-1': 15, 'instance-2': 0, 'instance-3': 15 });
  });

  it('is left alone where the storage is bad for most', async () => {
    const fleet = await threeInstances();
    for (const { faults } of fleet.instances.values()) faults.storageBad = true;
    await fleet.clock.pass(120_000);
    expect(fleet.running()).toEqual({ 'instance-1': 10, 'instance-2': 10, 'instance-3': 10 });
  });
});
