import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { homeOf } from '../../../fleet/placement.ts';
import {
  MOVE_LIMITS,
  planBeginnings,
  planDrain,
  planRebalance,
} from '../../../router/failover/move-planner.ts';
import { beginMove, type MoveSituation, stepMove } from '../../../router/failover/move-steps.ts';
import { assignmentOf, moveOf } from '../../helpers/fleet-values.ts';
import { candidate, factsOf } from './given.ts';

describe('the moves that begin', () => {
  const queued = (count: number, changes = {}) =>
    Array.from({ length: count }, (_, index) =>
      moveOf(`m${10 + index}`, { workspace: String(index), ...changes }),
    );
  const candidates = [1, 2, 3, 4].map((number) => candidate(`instance-${number}`));
  const begun = (moves: ReturnType<typeof queued>, places = candidates) =>
    planBeginnings({ moves, candidates: places, facts: factsOf(), limits: MOVE_LIMITS });

  it('are four from one instance, the oldest first', () => {
    const planned = begun(queued(6, { to: null }));
    expect(planned.map(({ kind }) => kind)).toEqual(['begin', 'begin', 'begin', 'begin', 'wait', 'wait']);
    expect(planned.flatMap((each) => (each.kind === 'begin' ? [each.to] : []))).toEqual([
      'instance-2',
      'instance-3',
      'instance-4',
      'instance-2',
    ]);
  });

  it('count those that run', () => {
    const running = queued(4, { state: 'adopting', to: 'instance-2', from: 'instance-3' });
    const planned = begun([...running, moveOf('m99', { workspace: 'x', to: 'instance-2' })]);
    expect(planned).toMatchObject([{ kind: 'wait', why: 'others go to instance-2', stuck: false }]);
    const anywhere = moveOf('m99', { workspace: 'x', to: null });
    const two = candidates.slice(0, 2);
    expect(begun([...running, anywhere], two)).toMatchObject([{ kind: 'wait', stuck: false }]);
  });

  it('wait for room, and for one that may be well again', () => {
    const full = candidates.map((each) => ({ ...each, load: each.capacity }));
    expect(begun(queued(1), full)).toMatchObject([
      { kind: 'wait', why: expect.stringContaining('full'), stuck: true },
    ]);
    expect(begun(queued(1, { to: null }), full)).toMatchObject([{ kind: 'wait', stuck: true }]);
    const unsure = candidates.map((each) => ({ ...each, verdict: 'unknown' as const }));
    expect(begun(queued(1), unsure)).toMatchObject([{ kind: 'wait' }]);
  });

  it('are refused where the target is dead, drains or is gone', () => {
    const dead = candidates.map((each) => ({ ...each, verdict: 'dead' as const }));
    const draining = candidates.map((each) => ({ ...each, draining: true }));
    for (const places of [dead, draining, []])
      expect(begun(queued(1), places)).toMatchObject([{ kind: 'refuse' }]);
  });
});

describe('a drain', () => {
  const assignments = [1, 2, 3].map((number) => assignmentOf(String(number), 1, 'instance-1'));
  const plan = (others: Parameters<typeof candidate>[1][], here = assignments) =>
    planDrain({
      instance: 'instance-1',
      candidates: [
        candidate('instance-1', { chromium: '156.0.8078.80', load: here.length }),
        ...others.map((changes, index) => candidate(`instance-${index + 2}`, changes)),
      ],
      assignments: here,
      moves: [],
      facts: factsOf(),
    });
  const older = { chromium: '156.0.8078.79' };
  const same = { chromium: '156.0.8078.80' };

  it('is refused where all others have an older Chromium: nothing could go anywhere', () => {
    expect(plan([older, older])).toMatchObject({
      code: 'invalid_state',
      text: expect.stringContaining('newer'),
    });
    expect(plan([older, older], [])).toEqual({ moves: [] });
  });

  it('counts no room at those with an older one', () => {
    expect(plan([older, { ...same, capacity: 3 }])).toMatchObject({ moves: { length: 3 } });
    expect(plan([older, { ...same, capacity: 2 }])).toMatchObject({
      code: 'no_capacity',
      text: expect.stringContaining('room for 2 (1 with a Chromium older than 156.0.8078.80 not counted)'),
    });
  });
});

describe('a rebalance from four to five instances', () => {
  it('moves exactly those whose home changed', () => {
    const assignments = Array.from({ length: 200 }, (_, index) =>
      assignmentOf(String(index), 1, homeOf(String(index), 4)),
    );
    const candidates = [1, 2, 3, 4, 5].map((number) =>
      candidate(`instance-${number}`, { capacity: 55, load: number === 5 ? 0 : 50 }),
    );
    const { moves } = planRebalance({
      candidates,
      assignments,
      moves: [],
      facts: factsOf(),
      instanceCount: 5,
      shardStrategy: 'workspace_modulo',
    });
    const changed = assignments.filter((each) => homeOf(each.workspace_id, 5) !== each.instance);
    expect(moves).toHaveLength(changed.length);
    for (const { workspace, to } of moves) expect(to).toBe(homeOf(workspace, 5));
  });

  it('moves nothing to a home that drains, is not well, is full or died lately, nor what is on its way', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            verdict: fc.constantFrom('healthy' as const, 'dead' as const, 'unknown' as const),
            draining: fc.boolean(),
            capacity: fc.nat(12),
            leftAlone: fc.constantFrom(0, 1000),
          }),
          { minLength: 1, maxLength: 6 },
        ),
        fc.array(fc.nat(5), { maxLength: 40 }),
        (instances, owners) => {
          const assignments = owners.map((at, index) =>
            assignmentOf(String(index), 1, `instance-${(at % instances.length) + 1}`),
          );
          const candidates = instances.map((each, index) => {
            const id = `instance-${index + 1}`;
            return candidate(id, {
              ...each,
              load: assignments.filter(({ instance }) => instance === id).length,
            });
          });
          const underWay = assignments
            .slice(0, 3)
            .map((each, index) =>
              moveOf(`m${index}`, { workspace: each.workspace_id, from: each.instance, to: 'instance-1' }),
            );
          const { moves } = planRebalance({
            candidates,
            assignments,
            moves: underWay,
            facts: factsOf(),
            instanceCount: instances.length,
            shardStrategy: 'workspace_modulo',
          });
          const busy = new Set(underWay.map(({ workspace }) => workspace));
          const loads = new Map(candidates.map(({ id, load }) => [id, load]));
          for (const { workspace, from, to } of moves) {
            expect(busy.has(workspace)).toBe(false);
            expect(to).toBe(homeOf(workspace, instances.length));
            expect(candidates.find(({ id }) => id === to)).toMatchObject({
              verdict: 'healthy',
              draining: false,
              leftAlone: 0,
            });
            loads.set(from, (loads.get(from) ?? 0) - 1);
            loads.set(to ?? '', (loads.get(to ?? '') ?? 0) + 1);
          }
          for (const { id, capacity } of candidates)
            if (moves.some(({ to }) => to === id)) expect(loads.get(id)).toBeLessThanOrEqual(capacity);
        },
      ),
    );
  });
});

describe('a step of a move', () => {
  const given = (changes: Partial<MoveSituation> = {}): MoveSituation => ({
    move: moveOf('m1', { state: 'closing', from_epoch: 3 }),
    assignment: assignmentOf('7', 3, 'instance-1'),
    inState: 1000,
    orderedFor: null,
    fromVerdict: 'healthy',
    ...changes,
  });
  const adopting = moveOf('m1', { state: 'adopting', from_epoch: 3, to_epoch: 4 });

  it.each<[string, Partial<MoveSituation>, object]>([
    ['gives the order where nobody gave it', {}, { kind: 'order', epoch: 3, to: 'instance-2' }],
    ['waits while it is followed', { orderedFor: 1000 }, { kind: 'none' }],
    ['gives it again after a while: Redis may have been emptied', { orderedFor: 5000 }, { kind: 'order' }],
    [
      'sees it handed over',
      { assignment: assignmentOf('7', 4, 'instance-2', { claimed: false }) },
      { kind: 'change', changes: { state: 'adopting', to_epoch: 4 } },
    ],
    [
      'sees it claimed at once',
      { assignment: assignmentOf('7', 4, 'instance-2') },
      { kind: 'change', changes: { state: 'done' } },
    ],
    [
      'gives up after two minutes',
      { inState: 120_000 },
      { kind: 'change', changes: { state: 'failed' }, withdraw: true },
    ],
    [
      'leaves a dead owner to the failover',
      { fromVerdict: 'dead' },
      { kind: 'change', changes: { state: 'failed' }, withdraw: true },
    ],
    [
      'ends where the owner took it back',
      { assignment: assignmentOf('7', 4, 'instance-1') },
      { kind: 'change', changes: { state: 'failed' }, withdraw: true },
    ],
    [
      'ends where it went elsewhere',
      { assignment: assignmentOf('7', 4, 'instance-3') },
      { kind: 'change', changes: { state: 'failed', error: 'it is on instance-3 now, by other means' } },
    ],
    ['ends where it is gone', { assignment: undefined }, { kind: 'change', changes: { state: 'failed' } }],
    [
      'waits for the claim',
      { move: adopting, assignment: assignmentOf('7', 4, 'instance-2', { claimed: false }) },
      { kind: 'none' },
    ],
    [
      'gives up a claim after a minute',
      { move: adopting, inState: 60_000, assignment: assignmentOf('7', 4, 'instance-2', { claimed: false }) },
      { kind: 'change', changes: { state: 'failed' }, withdraw: false },
    ],
    [
      'is done at a later claim of the target too',
      { move: adopting, assignment: assignmentOf('7', 6, 'instance-2') },
      { kind: 'change', changes: { state: 'done', to_epoch: 6 } },
    ],
  ])('%s', (_, changes, step) => {
    expect(stepMove(given(changes))).toMatchObject(step);
  });

  const queued = moveOf('m1');
  it.each<[string, Partial<MoveSituation>, object]>([
    ['begins', {}, { kind: 'change', changes: { state: 'closing', to: 'instance-2', from_epoch: 3 } }],
    [
      'waits for the claim of its owner',
      { assignment: assignmentOf('7', 3, 'instance-1', { claimed: false }) },
      { kind: 'none' },
    ],
    [
      'is done where it is there already',
      { assignment: assignmentOf('7', 3, 'instance-2') },
      { kind: 'change', changes: { state: 'done' } },
    ],
    [
      'takes over from a dead owner where an operator asked for it',
      { fromVerdict: 'dead' },
      { kind: 'take_over', epoch: 3, to: 'instance-2' },
    ],
    [
      'of a drain is left to the failover where the owner is dead',
      { fromVerdict: 'dead', move: moveOf('m1', { reason: 'drain' }) },
      { kind: 'change', changes: { state: 'failed' } },
    ],
    [
      'of a drain is done where it has left by other means',
      { move: moveOf('m1', { reason: 'drain', to: null }), assignment: assignmentOf('7', 4, 'instance-3') },
      { kind: 'change', changes: { state: 'done', to: 'instance-3' } },
    ],
  ])('at its beginning %s', (_, changes, step) => {
    expect(beginMove(given({ move: queued, ...changes }), 'instance-2')).toMatchObject(step);
  });
});
