import { describe, expect, it, vi } from 'vitest';
import { homeOf } from '../../../fleet/placement.ts';
import { moveOf } from '../../helpers/fleet-values.ts';
import { SmallFleet } from './small-fleet.ts';

/** Three instances, the workspaces spread by `workspace % 3`, as their homes are. */
async function threeInstances(workspaces = 15) {
  const fleet = new SmallFleet();
  fleet.addInstances('instance-1', 'instance-2', 'instance-3');
  const { operations } = fleet.addRouter('router-1');
  fleet.addRouter('router-2');
  await fleet.clock.pass(1000);
  for (let workspace = 0; workspace < workspaces; workspace += 1)
    await fleet.own(homeOf(String(workspace), 3), workspace, workspace + 1);
  await fleet.clock.pass(15_000);
  return { fleet, operations };
}

async function ended(fleet: SmallFleet): Promise<boolean> {
  return (await fleet.moves()).every(({ state }) => state === 'done' || state === 'failed');
}

describe('a move', () => {
  it('closes, hands over, and is done when the target has claimed', async () => {
    const { fleet, operations } = await threeInstances();
    const move = await operations.requestMove('3', 'instance-2');
    expect(move).toMatchObject({ workspace: '3', from: 'instance-1', to: 'instance-2', state: 'queued' });
    expect(await fleet.clock.until(() => ended(fleet), 20_000)).toBeLessThanOrEqual(3000);
    expect(await operations.moves()).toMatchObject([
      { id: move.id, state: 'done', from_epoch: 1, to_epoch: 2, error: null },
    ]);
    expect(fleet.runners('3')).toEqual(['instance-2']);
    await fleet.clock.pass(6000);
    expect(operations.events().map(({ text }) => text)).toEqual([
      'workspace 3 is to move from instance-1 to instance-2',
      expect.stringMatching(/^workspace 3 moved from instance-1 to instance-2 in \d+\.\d s$/),
    ]);
  });

  it('asked for twice is one; another target meanwhile is refused', async () => {
    const { operations } = await threeInstances();
    const move = await operations.requestMove('3', 'instance-2');
    expect(await operations.requestMove('3', 'instance-2')).toEqual(move);
    await expect(operations.requestMove('3', 'instance-3')).rejects.toMatchObject({
      code: 'invalid_state',
      message: expect.stringContaining('on its way from instance-1 to instance-2'),
    });
  });

  it.each<[string, string, string, string, RegExp, ((fleet: SmallFleet) => void)?]>([
    ['to an unknown instance', '3', 'instance-9', 'not_found', /no instance instance-9/],
    ['of a workspace on no instance', '99', 'instance-2', 'not_found', /has no sessions yet/],
    ['to where it is', '3', 'instance-1', 'invalid_state', /is on instance-1 already/],
    [
      'to a full instance',
      '3',
      'instance-2',
      'no_capacity',
      /no room for the 1 session.*5 of 5 places taken/,
      (fleet) => {
        fleet.instance('instance-2').capacity = 5;
      },
    ],
    [
      'to a draining instance',
      '3',
      'instance-2',
      'invalid_state',
      /is draining/,
      (fleet) => void fleet.settings.setDraining('instance-2', true),
    ],
    [
      'to a dead instance',
      '3',
      'instance-2',
      'invalid_state',
      /takes no workspaces now \(dead\)/,
      (fleet) => fleet.instance('instance-2').kill(),
    ],
  ])('%s is refused', async (_, workspace, to, code, text, before) => {
    const { fleet, operations } = await threeInstances();
    before?.(fleet);
    await fleet.clock.pass(12_000);
    await expect(operations.requestMove(workspace, to)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(text),
    });
  });

  it('whose target dies before it begins fails, and the workspace stays', async () => {
    const { fleet, operations } = await threeInstances();
    for (const { faults } of fleet.routers) faults.cutFromRedis = true;
    fleet.instance('instance-2').kill();
    await fleet.coordination.saveMove(
      moveOf('move_1', { workspace: '3', from: 'instance-1', to: 'instance-2' }),
      null,
    );
    for (const { faults } of fleet.routers) faults.cutFromRedis = false;
    await fleet.clock.until(() => ended(fleet), 60_000);
    expect(await operations.moves()).toMatchObject([
      { state: 'failed', error: expect.stringMatching(/takes no workspaces/) },
    ]);
    expect(fleet.runners('3')).toEqual(['instance-1']);
  });

  it('whose owner dies while it closes fails, and the takeover brings it elsewhere', async () => {
    const { fleet, operations } = await threeInstances();
    fleet.instance('instance-1').faults.cutFromRedis = true;
    await operations.requestMove('3', 'instance-2');
    await fleet.clock.pass(2000);
    fleet.instance('instance-1').kill();
    await fleet.clock.until(() => fleet.runners('3').length === 1, 30_000);
    await fleet.clock.until(() => ended(fleet), 5000);
    expect((await operations.moves())[0]).toMatchObject({ state: expect.stringMatching(/failed|done/) });
  });

  it('that its owner never follows is given up after two minutes, and its order taken back', async () => {
    const { fleet, operations } = await threeInstances();
    fleet.instance('instance-1').neverCloses = true;
    await operations.requestMove('3', 'instance-2');
    await fleet.clock.pass(118_000);
    expect(await ended(fleet)).toBe(false);
    await fleet.clock.until(() => ended(fleet), 10_000);
    expect((await operations.moves())[0]?.error).toBe(
      'instance-1 did not release it in 120 s; it stays there',
    );
    expect(fleet.redis.state.orders.get('instance-1')?.size ?? 0).toBe(0);
    expect(fleet.runners('3')).toEqual(['instance-1']);
  });

  it('goes on after the leader that drove it died at any of its steps', async () => {
    for (const afterMs of [0, 200, 500, 800, 1200]) {
      const { fleet, operations } = await threeInstances();
      await operations.requestMove('3', 'instance-2');
      await fleet.clock.pass(afterMs);
      const leader = fleet.routers.find(({ id, leader: each }) => each.status().leader === id);
      if (leader) leader.faults.dead = true;
      await fleet.clock.until(() => ended(fleet), 30_000);
      expect((await fleet.moves())[0]).toMatchObject({ state: 'done' });
      expect(fleet.runners('3')).toEqual(['instance-2']);
    }
  });
});

describe('a drain', () => {
  it('for which the room went away says what it waits for, and goes on when there is room', async () => {
    const { fleet, operations } = await threeInstances();
    const resize = (capacity: number) => {
      for (const id of ['instance-2', 'instance-3']) fleet.instance(id).capacity = capacity;
    };
    await operations.drain('instance-1');
    resize(5);
    await fleet.clock.pass(30_000);
    const waiting = { state: 'queued', error: 'no instance takes it now (full)' };
    expect(await operations.moves()).toMatchObject(Array.from({ length: 5 }, () => waiting));
    resize(25);
    await fleet.clock.until(() => ended(fleet), 60_000);
    const done = { state: 'done', error: null };
    expect(await operations.moves()).toMatchObject(Array.from({ length: 5 }, () => done));
  });

  it('taken back at the moment at which the leader writes what it waits for leaves nothing queued', async () => {
    const { fleet, operations } = await threeInstances();
    for (const id of ['instance-2', 'instance-3']) fleet.instance(id).capacity = 5;
    const save = fleet.coordination.saveMove.bind(fleet.coordination);
    let goOn = () => {};
    const undrained = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    let held = 0;
    vi.spyOn(fleet.coordination, 'saveMove').mockImplementation(async (move, before) => {
      if (move.state === 'queued' && move.error !== null) {
        held += 1;
        await undrained;
      }
      return save(move, before);
    });
    fleet.instance('instance-2').capacity = 25;
    await operations.drain('instance-1');
    fleet.instance('instance-2').capacity = 5;
    await fleet.clock.until(async () => held > 0, 5000);
    await operations.undrain('instance-1');
    goOn();
    await fleet.clock.pass(10_000);
    const moves = await operations.moves();
    expect(moves).toHaveLength(5);
    for (const { state, error } of moves)
      expect([state, error]).toEqual(['failed', 'instance-1 is no longer drained']);
    expect(fleet.running()['instance-1']).toBe(5);
  });

  it('taken back at the moment at which a move begins lets that one go on', async () => {
    const { fleet, operations } = await threeInstances();
    const save = fleet.coordination.saveMove.bind(fleet.coordination);
    let begun: string | undefined;
    vi.spyOn(fleet.coordination, 'saveMove').mockImplementation(async (move, before) => {
      if (begun === undefined && move.error?.includes('no longer drained')) {
        begun = move.id;
        const closing = { state: 'closing', to: 'instance-2', from_epoch: 1, error: null } as const;
        expect(await save({ ...move, ...closing, ended_at: null }, 'queued')).toBe(true);
      }
      return save(move, before);
    });
    await operations.drain('instance-1');
    await operations.undrain('instance-1');
    await fleet.clock.until(() => ended(fleet), 30_000);
    const move = (await operations.moves()).find(({ id }) => id === begun);
    expect(move).toMatchObject({ state: 'done', to: 'instance-2', error: null });
    expect(fleet.runners(move?.workspace ?? '')).toEqual(['instance-2']);
  });

  it('empties the instance, a few at a time, and keeps it empty until undrained', async () => {
    const { fleet, operations } = await threeInstances(60);
    for (const instance of fleet.instances.values()) instance.capacity = 40;
    const { moves } = await operations.drain('instance-1');
    expect(moves).toHaveLength(20);
    let most = 0;
    await fleet.clock.until(async () => {
      const running = (await fleet.moves()).filter(
        ({ state }) => state === 'closing' || state === 'adopting',
      );
      most = Math.max(most, running.length);
      return ended(fleet);
    }, 120_000);
    expect(most).toBeLessThanOrEqual(4);
    expect(fleet.running()).toEqual({ 'instance-1': 0, 'instance-2': 30, 'instance-3': 30 });
    expect(operations.status().draining).toEqual(['instance-1']);
    await operations.undrain('instance-1');
    await fleet.clock.pass(10_000);
    expect(operations.status().draining).toEqual([]);
    expect(fleet.running()['instance-1']).toBe(0);
  });

  it('taken back leaves what has not begun where it is', async () => {
    const { fleet, operations } = await threeInstances(60);
    for (const instance of fleet.instances.values()) instance.capacity = 40;
    await operations.drain('instance-1');
    await operations.undrain('instance-1');
    await fleet.clock.until(() => ended(fleet), 30_000);
    expect(fleet.running()['instance-1']).toBeGreaterThan(10);
    expect(
      (await operations.moves()).filter(({ error }) => error?.includes('no longer drained')).length,
    ).toBeGreaterThan(10);
  });

  it.each<[string, string, string, RegExp, ((fleet: SmallFleet) => void)?]>([
    ['of an unknown instance', 'instance-9', 'not_found', /no instance instance-9/],
    [
      'of the last instance that takes workspaces',
      'instance-1',
      'invalid_state',
      /the last instance that takes workspaces/,
      (fleet) => {
        void fleet.settings.setDraining('instance-2', true);
        void fleet.settings.setDraining('instance-3', true);
      },
    ],
    [
      'for which the others have no room',
      'instance-1',
      'no_capacity',
      /has 5 sessions, and the others have room for 2/,
      (fleet) => {
        for (const id of ['instance-2', 'instance-3']) fleet.instance(id).capacity = 6;
      },
    ],
  ])('%s is refused', async (_, instance, code, text, before) => {
    const { fleet, operations } = await threeInstances();
    before?.(fleet);
    await expect(operations.drain(instance)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(text),
    });
    expect(fleet.settings.current().draining.has('instance-1')).toBe(false);
  });
});

describe('a rebalance', () => {
  it('brings home exactly what is elsewhere', async () => {
    const { fleet, operations } = await threeInstances();
    fleet.instance('instance-2').kill();
    await fleet.clock.until(() => fleet.recorded.takenOver === 5, 20_000);
    await fleet.clock.pass(5000);
    fleet.instance('instance-2').start();
    await fleet.clock.pass(20_000);
    expect((await operations.rebalance()).moves).toEqual([]);
    // It died a moment ago: it is left alone for two minutes.
    await fleet.clock.pass(120_000);
    const { moves } = await operations.rebalance();
    expect(moves.map(({ workspace }) => workspace).sort()).toEqual(['1', '10', '13', '4', '7']);
    await fleet.clock.until(() => ended(fleet), 60_000);
    for (let workspace = 0; workspace < 15; workspace += 1)
      expect(fleet.runners(String(workspace))).toEqual([homeOf(String(workspace), 3)]);
    expect((await operations.rebalance()).moves).toEqual([]);
  });
});

describe('a restart', () => {
  it('is passed on to the instance', async () => {
    const { fleet, operations } = await threeInstances();
    await operations.restart('instance-2');
    expect(fleet.restarted).toEqual(['instance-2']);
    await expect(operations.restart('instance-9')).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('a quarantined workspace', () => {
  it('of a dead instance is placed where an operator moves it', async () => {
    const { fleet, operations } = await threeInstances();
    await fleet.settings.setQuarantined('4', true);
    fleet.instance('instance-2').kill();
    await fleet.clock.pass(30_000);
    expect(fleet.runners('4')).toEqual([]);
    expect(operations.status().waiting).toMatchObject([
      { workspace: '4', why: expect.stringMatching(/quarantined/) },
    ]);
    await operations.requestMove('4', 'instance-3');
    await fleet.clock.until(() => ended(fleet), 20_000);
    expect(fleet.runners('4')).toEqual(['instance-3']);
    expect(operations.status().quarantined).toEqual([]);
    expect((await operations.moves())[0]).toMatchObject({ state: 'done', to: 'instance-3' });
  });
});
