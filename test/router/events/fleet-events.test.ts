import { beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '../../../common/logger.ts';
import type { WharfEvent } from '../../../fleet/events/event.ts';
import type { Assignment } from '../../../fleet/records.ts';
import { FleetEvents, type FleetScene } from '../../../router/events/fleet-events.ts';
import type { InstanceView } from '../../../router/failover/view.ts';
import { DrivenClock } from '../../helpers/driven-clock.ts';

let clock: DrivenClock;
let away: boolean;
/** What the log keeps: by id, as it does. */
let kept: Map<string, WharfEvent>;

const log = {
  append: async (events: readonly WharfEvent[]) => {
    if (away) throw new Error('away');
    for (const event of events) if (!kept.has(event.id)) kept.set(event.id, event);
  },
};
const router = () => new FleetEvents(log, clock, createLogger('silent', {}));

beforeEach(() => {
  clock = new DrivenClock();
  away = false;
  kept = new Map();
});

function owned(instance: string, epoch: number, changes: Partial<Assignment> = {}): Assignment {
  return {
    workspace_id: '7',
    epoch,
    instance,
    incarnation: `${instance}-a`,
    claimed: true,
    since: 0,
    ...changes,
  };
}

function instance(verdict: InstanceView['verdict'], changes: Partial<InstanceView> = {}): InstanceView {
  return {
    instance: 'instance-1',
    verdict,
    reason: '',
    since: '2026-01-01T00:00:00.000Z',
    lease: 'held',
    lease_age_ms: 0,
    incarnation: 'a',
    silent_ms: 0,
    deaths: 0,
    left_alone_ms: 0,
    draining: false,
    ...changes,
  };
}

const scene = (changes: Partial<FleetScene>): FleetScene => ({
  assignments: [],
  moves: [],
  instances: [],
  leads: true,
  ...changes,
});

async function told(): Promise<object[]> {
  await clock.pass(3000);
  return [...kept.values()].map(({ type, workspace_id, data }) => ({ type, workspace_id, ...data }));
}

describe('events of the fleet', () => {
  it('tell that a workspace was taken over once it is claimed there, and once for all routers', async () => {
    const routers = [router(), router(), router()];
    for (const assignments of [
      [owned('instance-1', 3)],
      [owned('instance-2', 4, { claimed: false, incarnation: '' })],
      [owned('instance-2', 4)],
      [owned('instance-2', 4)],
      [owned('instance-2', 5)],
    ])
      for (const each of routers) each.see(scene({ assignments, leads: false }));
    expect(await told()).toEqual([
      {
        type: 'workspace.moved',
        workspace_id: '7',
        from: 'instance-1',
        to: 'instance-2',
        epoch: 4,
        why: 'takeover',
      },
    ]);
  });

  it('tell only where a workspace came to in the end', async () => {
    const one = router();
    for (const assignments of [
      [owned('instance-1', 3)],
      [owned('instance-2', 4, { claimed: false, incarnation: '' })],
      [owned('instance-3', 5, { claimed: false, incarnation: '' })],
      [owned('instance-3', 5)],
    ])
      one.see(scene({ assignments }));
    expect(await told()).toMatchObject([{ from: 'instance-1', to: 'instance-3', epoch: 5 }]);
  });

  it('name the reason of a planned move', async () => {
    const one = router();
    one.see(scene({ assignments: [owned('instance-1', 3)] }));
    const move = { workspace: '7', to: 'instance-2', reason: 'drain', state: 'done' };
    one.see(scene({ assignments: [owned('instance-2', 4)], moves: [move] }));
    expect(await told()).toMatchObject([{ why: 'drain' }]);
  });

  it('tell nothing of a workspace that is new', async () => {
    const one = router();
    one.see(scene({ instances: [instance('healthy')] }));
    one.see(scene({ instances: [instance('healthy')], assignments: [owned('instance-1', 1)] }));
    expect(await told()).toEqual([]);
  });

  it('tell by the leader alone what becomes of an instance', async () => {
    const leader = router();
    const other = router();
    const verdicts = ['healthy', 'dead', 'unknown', 'dead'] as const;
    for (const verdict of verdicts) {
      leader.see(scene({ instances: [instance(verdict)] }));
      other.see(scene({ instances: [instance(verdict)], leads: false }));
    }
    leader.see(scene({ instances: [instance('healthy', { incarnation: 'b' })] }));
    expect(await told()).toMatchObject([
      {
        type: 'instance.status',
        workspace_id: null,
        instance: 'instance-1',
        status: 'dead',
        previous: 'healthy',
      },
      { status: 'healthy', previous: 'dead' },
    ]);
  });

  it('are told by the next leader where the last one died before it could, and not twice where it could', async () => {
    const last = router();
    const next = router();
    for (const each of [last, next]) each.see(scene({ instances: [instance('healthy')], leads: false }));
    const dead = [instance('dead')];
    next.see(scene({ instances: dead, leads: false }));
    next.see(scene({ instances: dead, leads: true }));
    expect(await told()).toMatchObject([{ status: 'dead' }]);
    last.see(scene({ instances: dead, leads: true }));
    expect(await told()).toHaveLength(1);
  });

  it('are not told long after by who leads then', async () => {
    const one = router();
    one.see(scene({ instances: [instance('healthy')], leads: false }));
    one.see(scene({ instances: [instance('dead')], leads: false }));
    await clock.pass(60_000);
    one.see(scene({ instances: [instance('dead')], leads: true }));
    expect(await told()).toEqual([]);
  });

  it('wait while the log is away, and keep their order', async () => {
    const one = router();
    one.see(scene({ assignments: [owned('instance-1', 1)] }));
    away = true;
    one.see(scene({ assignments: [owned('instance-2', 2)] }));
    await clock.pass(60_000);
    one.see(scene({ assignments: [owned('instance-3', 3)] }));
    expect(await told()).toEqual([]);
    away = false;
    expect(await told()).toMatchObject([{ to: 'instance-2' }, { to: 'instance-3' }]);
  });

  it('hold up no stop while the log is away', async () => {
    const one = router();
    one.see(scene({ assignments: [owned('instance-1', 1)] }));
    away = true;
    one.see(scene({ assignments: [owned('instance-2', 2)] }));
    await one.stop();
    expect(kept.size).toBe(0);
  });
});
