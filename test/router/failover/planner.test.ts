import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeLosses } from '../../../router/failover/freeze.ts';
import { CLAIM_PATIENCE, type PlannedWorkspace } from '../../../router/failover/planner.ts';
import { candidate, plan, workspace, workspaces } from './given.ts';

/** How many go to each. */
function counts(takeovers: readonly { to: string }[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const { to } of takeovers) found[to] = (found[to] ?? 0) + 1;
  return found;
}

const DEAD = { verdict: 'dead' } as const;

describe('the workspaces of a dead instance', () => {
  it('are spread over the others by their free places', () => {
    const planned = plan({
      candidates: [
        candidate('instance-1', { load: 5 }),
        candidate('instance-2', { ...DEAD, load: 25 }),
        candidate('instance-3', { load: 6 }),
      ],
      workspaces: workspaces(0, 25, 'instance-2'),
    });
    expect(counts(planned.takeovers)).toEqual({ 'instance-1': 13, 'instance-3': 12 });
    expect(planned.takeovers[0]).toEqual({
      workspace: '0',
      epoch: 1,
      from: 'instance-2',
      to: 'instance-1',
      afterRelease: false,
    });
    expect(planned.waiting).toEqual([]);
    expect(planned.frozen).toBeNull();
  });

  it('come in the order of queued messages, recent activity, id', () => {
    const planned = plan({
      candidates: [candidate('instance-1'), candidate('instance-2', DEAD)],
      workspaces: [
        workspace('10', 'instance-2'),
        workspace('9', 'instance-2'),
        workspace('recent', 'instance-2', { lastActivity: 200 }),
        workspace('older', 'instance-2', { lastActivity: 100 }),
        workspace('queued', 'instance-2', { queued: 3 }),
      ],
    });
    expect(planned.takeovers.map((takeover) => takeover.workspace)).toEqual([
      'queued',
      'recent',
      'older',
      '9',
      '10',
    ]);
  });

  it('wait with an alarm where there is no room, and say why', () => {
    const planned = plan({
      candidates: [candidate('instance-1', { capacity: 2, load: 1 }), candidate('instance-2', DEAD)],
      workspaces: [workspace('1', 'instance-2', { weight: 2 }), workspace('2', 'instance-2')],
    });
    expect(planned.takeovers.map((takeover) => takeover.workspace)).toEqual(['2']);
    expect(planned.waiting).toEqual([
      { workspace: '1', instance: 'instance-2', why: 'no_capacity: no instance has 2 place(s) left for it' },
    ]);
    expect(planned.alarms.map(({ kind }) => kind)).toContain('no_capacity');
  });

  it.each([
    ['drains', { draining: true }],
    ['stops', { accepting: false }],
    ['is restarting', { verdict: 'restarting' as const }],
    ['is not known to be well', { verdict: 'unknown' as const }],
    ['has an older Chromium', { chromium: '155.9.9999.99' }],
  ])('never go to one that %s', (_, changes) => {
    const planned = plan({
      candidates: [candidate('instance-1', changes), candidate('instance-2', DEAD)],
      workspaces: workspaces(0, 3, 'instance-2'),
    });
    expect(planned.takeovers).toEqual([]);
    expect(planned.waiting).toHaveLength(3);
  });

  it('go to one that died lately only where no other has room', () => {
    const planned = plan({
      candidates: [
        candidate('instance-1', { deaths: 2, leftAlone: 60_000 }),
        candidate('instance-2', DEAD),
        candidate('instance-3', { load: 24 }),
      ],
      workspaces: workspaces(0, 3, 'instance-2'),
    });
    expect(planned.takeovers.map(({ to }) => to)).toEqual(['instance-3', 'instance-1', 'instance-1']);
  });

  it('are assigned some at a time: what is not claimed yet counts', () => {
    const planned = plan({
      candidates: [candidate('instance-1', { capacity: 750 }), candidate('instance-2', DEAD)],
      workspaces: [
        ...workspaces(0, 100, 'instance-2'),
        workspace('x', 'instance-1', { claimed: false, unclaimedFor: 10 }),
      ],
    });
    expect(planned.takeovers).toHaveLength(49);
    expect(planned.waiting).toHaveLength(51);
    expect(planned.waiting[0]?.why).toBe('others go first');
    expect(planned.alarms).toEqual([]);
  });

  it('stay where they are while quarantined', () => {
    const planned = plan({
      candidates: [candidate('instance-1'), candidate('instance-2', DEAD)],
      workspaces: [workspace('7', 'instance-2', { quarantined: true }), workspace('8', 'instance-2')],
    });
    expect(planned.takeovers.map((takeover) => takeover.workspace)).toEqual(['8']);
    expect(planned.waiting[0]?.why).toMatch(/quarantined/);
    expect(planned.alarms.map(({ kind }) => kind)).toContain('quarantined');
  });
});

describe('other ways to be lost', () => {
  it('answering by HTTP only: released first, then taken over', () => {
    const planned = plan({
      candidates: [candidate('instance-1'), candidate('instance-2', { verdict: 'hand_over_by_http' })],
      workspaces: [workspace('7', 'instance-2')],
    });
    expect(planned.takeovers).toMatchObject([{ workspace: '7', to: 'instance-1', afterRelease: true }]);
  });

  it('reached through Redis only: told to hand over, nothing taken', () => {
    const planned = plan({
      candidates: [candidate('instance-1'), candidate('instance-2', { verdict: 'hand_over_by_redis' })],
      workspaces: [workspace('7', 'instance-2')],
    });
    expect(planned).toMatchObject({ takeovers: [], handOvers: ['instance-2'] });
  });
});

describe('a mass failure', () => {
  const candidates = Array.from({ length: 8 }, (_, index) =>
    candidate(`instance-${index + 1}`, index < 5 ? { ...DEAD, capacity: 750 } : { capacity: 750 }),
  );
  const lostAt = new Map(candidates.map(({ id }, index) => [id, 900_000 + (index === 3 ? 0 : index + 1)]));
  const all = candidates.flatMap(({ id }, index) => workspaces(index * 10, index * 10 + 10, id));

  it('takes over a quarter at a time, the longest lost first, and lets the others wait with an alarm', () => {
    const planned = plan({ candidates, lostAt, workspaces: all });
    expect(new Set(planned.takeovers.map(({ from }) => from))).toEqual(new Set(['instance-4', 'instance-1']));
    expect(planned.frozen).toEqual({ instances: ['instance-2', 'instance-3', 'instance-5'], limit: 2 });
    expect(planned.waiting).toHaveLength(30);
    expect(planned.alarms[0]).toMatchObject({ kind: 'mass_failure' });
  });

  it('goes on when an operator says so', () => {
    const planned = plan({ candidates, lostAt, workspaces: all, unfrozen: true });
    expect(planned.frozen).toBeNull();
    expect(planned.takeovers).toHaveLength(50);
  });

  it('goes on by itself when enough are back, not when the first ones are done with', () => {
    const first = plan({ candidates, lostAt, workspaces: all });
    const rest = all.filter(({ instance }) => !['instance-1', 'instance-4'].includes(instance));
    const hours = plan({ now: 9_000_000, candidates, lostAt, workspaces: rest, admitted: first.admitted });
    expect(hours.frozen?.instances).toHaveLength(3);
    const back = candidates.map((each) =>
      ['instance-1', 'instance-4', 'instance-2'].includes(each.id)
        ? candidate(each.id, { capacity: 750 })
        : each,
    );
    const after = plan({
      now: 9_000_500,
      candidates: back,
      lostAt,
      workspaces: rest,
      admitted: hours.admitted,
    });
    expect(after.frozen).toBeNull();
    expect(new Set(after.takeovers.map(({ from }) => from))).toEqual(new Set(['instance-3', 'instance-5']));
  });

  it('is over for later losses some minutes after the last workspace found a place', () => {
    const admitted = [{ instance: 'instance-1', emptyAt: 1_000_000 }];
    const judged = (now: number) =>
      judgeLosses({ now, known: 3, lost: [], back: new Set(), admitted, unfrozen: false }).admitted;
    expect(judged(1_299_000)).toHaveLength(1);
    expect(judged(1_301_000)).toHaveLength(0);
    const soon = judgeLosses({
      now: 1_200_000,
      known: 3,
      lost: ['instance-2'],
      back: new Set(),
      admitted,
      unfrozen: false,
    });
    expect(soon.waiting).toEqual(['instance-2']);
  });

  it('of a fleet of one, two or three is more than one', () => {
    for (const known of [1, 2, 3])
      expect(
        judgeLosses({ now: 0, known, lost: ['a', 'b'], back: new Set(), admitted: [], unfrozen: false }),
      ).toMatchObject({ waiting: ['b'], limit: 1 });
  });
});

describe('an assignment that is not claimed', () => {
  const given = (unclaimedFor: number, driven: number) =>
    plan({
      candidates: [candidate('instance-1'), candidate('instance-2', { load: 1 })],
      workspaces: [workspace('7', 'instance-2', { claimed: false, unclaimedFor, driven })],
    });

  it('is driven again after a minute, once', () => {
    expect(given(CLAIM_PATIENCE - 1, 0).redirects).toEqual([]);
    expect(given(CLAIM_PATIENCE, 0).redirects).toEqual([
      { kind: 'drive', workspace: '7', epoch: 1, to: 'instance-2' },
    ]);
    expect(given(CLAIM_PATIENCE + 500, 1).redirects).toEqual([]);
    expect(given(CLAIM_PATIENCE, 0).alarms.map(({ kind }) => kind)).toContain('not_claimed');
  });

  it('goes elsewhere after two tries', () => {
    expect(given(2 * CLAIM_PATIENCE, 1).redirects).toEqual([
      { kind: 'elsewhere', workspace: '7', epoch: 1, from: 'instance-2', to: 'instance-1' },
    ]);
  });
});

describe('room for the loss of one', () => {
  it('is warned of before it is used', () => {
    const planned = plan({
      candidates: [candidate('instance-1', { load: 20 }), candidate('instance-2', { load: 20 })],
    });
    expect(planned.alarms).toEqual([
      {
        kind: 'no_reserve',
        text: 'If instance-1 were lost, 15 of its 20 sessions would find no room elsewhere. Add an instance before that.',
      },
    ]);
  });
});

describe('any plan', () => {
  const verdict = fc.constantFrom(
    'healthy' as const,
    'healthy' as const,
    'healthy' as const,
    'dead' as const,
    'unknown' as const,
    'revoke' as const,
    'hand_over_by_http' as const,
    'restarting' as const,
  );
  const anyInput = fc
    .record({
      instances: fc.array(
        fc.record({
          verdict,
          capacity: fc.nat(20),
          draining: fc.boolean(),
          chromium: fc.constantFrom('155.0.1.1', '156.0.1.1', null),
          leftAlone: fc.constantFrom(0, 60_000),
        }),
        { minLength: 1, maxLength: 9 },
      ),
      owned: fc.array(
        fc.record({
          at: fc.nat(8),
          weight: fc.integer({ min: 1, max: 4 }),
          claimed: fc.boolean(),
          quarantined: fc.constantFrom(false, false, false, true),
          queued: fc.nat(2),
          lastActivity: fc.nat(3),
          unclaimedFor: fc.nat(200_000),
          chromium: fc.constantFrom('155.0.1.1', '156.0.1.1', null),
        }),
        { maxLength: 60 },
      ),
      unfrozen: fc.boolean(),
    })
    .map(({ instances, owned, unfrozen }) => {
      const all: PlannedWorkspace[] = owned.map(({ at, ...each }, index) =>
        workspace(String(index), `instance-${(at % instances.length) + 1}`, {
          ...each,
          unclaimedFor: each.claimed ? 0 : each.unclaimedFor,
        }),
      );
      const candidates = instances.map((each, index) => {
        const id = `instance-${index + 1}`;
        const mine = all.filter(({ instance }) => instance === id);
        return candidate(id, { ...each, load: mine.reduce((sum, { weight }) => sum + weight, 0) });
      });
      return { candidates, workspaces: all, unfrozen };
    });

  it('never fills an instance beyond its maximum, and places only where workspaces are taken', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const planned = plan(input);
        const weights = new Map(input.workspaces.map((each) => [each.workspace, each.weight]));
        const loads = new Map(input.candidates.map(({ id, load }) => [id, load]));
        const elsewhere = planned.redirects.filter(({ kind }) => kind === 'elsewhere');
        for (const { workspace: id, to } of [...planned.takeovers, ...elsewhere]) {
          loads.set(to, (loads.get(to) ?? 0) + (weights.get(id) ?? 0));
          const target = input.candidates.find((each) => each.id === to);
          expect(target).toMatchObject({ verdict: 'healthy', draining: false });
          expect(loads.get(to)).toBeLessThanOrEqual(target?.capacity ?? 0);
        }
      }),
    );
  });

  it('places each workspace of a lost instance, or lets it wait with a reason, and touches no other', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const planned = plan(input);
        const lost = new Set(
          input.candidates
            .filter((each) => ['dead', 'revoke', 'hand_over_by_http'].includes(each.verdict))
            .map(({ id }) => id),
        );
        const told = [...planned.takeovers, ...planned.waiting].map((each) => each.workspace).sort();
        const expected = input.workspaces
          .filter(({ instance }) => lost.has(instance))
          .map((each) => each.workspace);
        expect(told).toEqual(expected.sort());
        expect(planned.waiting.every(({ why }) => why !== '')).toBe(true);
      }),
    );
  });

  it('takes over no more than a quarter of the instances unless an operator says so', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const planned = plan({ ...input, unfrozen: false });
        const from = new Set(planned.takeovers.map((each) => each.from));
        expect(from.size).toBeLessThanOrEqual(Math.max(1, Math.floor(input.candidates.length / 4)));
      }),
    );
  });

  it('is the same for the same input, whatever its order', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const turned = {
          ...input,
          candidates: [...input.candidates].reverse(),
          workspaces: [...input.workspaces].reverse(),
        };
        expect(plan(turned).takeovers).toEqual(plan(input).takeovers);
      }),
    );
  });
});
