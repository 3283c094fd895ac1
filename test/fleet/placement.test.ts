import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { homeOf, type InstanceRoom, placeWorkspace } from '../../fleet/placement.ts';

describe('the home of a workspace', () => {
  it.each([
    ['0', 4, 'instance-1'],
    ['7', 4, 'instance-4'],
    ['8', 4, 'instance-1'],
    ['9007199254740991', 1000, 'instance-992'],
  ])('is for the number %s of %i instances %s', (workspace, count, home) => {
    expect(homeOf(workspace, count)).toBe(home);
  });

  it('is always one of the instances, and the same each time', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.maxSafeNat().map(String), fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/)),
        fc.integer({ min: 1, max: 1000 }),
        fc.constantFrom('workspace_modulo' as const, 'workspace_hash' as const),
        (workspace, count, strategy) => {
          const home = homeOf(workspace, count, strategy);
          const number = Number(/^instance-(\d+)$/.exec(home)?.[1]);
          expect(number).toBeGreaterThanOrEqual(1);
          expect(number).toBeLessThanOrEqual(count);
          expect(homeOf(workspace, count, strategy)).toBe(home);
        },
      ),
    );
  });

  it.each(['workspace_hash', 'workspace_modulo'] as const)('spreads workspaces evenly by %s', (strategy) => {
    const counts = new Map<string, number>();
    for (let index = 0; index < 4000; index += 1) {
      const home = homeOf(strategy === 'workspace_hash' ? String(index) : `tenant-${index}`, 4, strategy);
      counts.set(home, (counts.get(home) ?? 0) + 1);
    }
    expect(counts.size).toBe(4);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});

describe('placing a workspace', () => {
  const room = (id: string, free: number, accepting = true): InstanceRoom => ({
    id,
    sessions: 10 - free,
    capacity: 10,
    accepting,
  });

  it('takes its home while that accepts and has room', () => {
    expect(placeWorkspace('instance-2', [room('instance-1', 9), room('instance-2', 1)])).toBe('instance-2');
  });

  it('else takes the one with most room, the lowest number among equals', () => {
    const others = [room('instance-10', 5), room('instance-3', 5), room('instance-4', 2)];
    expect(placeWorkspace('instance-2', [...others, room('instance-2', 0)])).toBe('instance-3');
    expect(placeWorkspace('instance-2', [...others, room('instance-2', 9, false)])).toBe('instance-3');
    expect(placeWorkspace('instance-2', others)).toBe('instance-3');
  });

  it('takes none that is full or accepts nothing', () => {
    expect(placeWorkspace('instance-1', [])).toBeUndefined();
    expect(
      placeWorkspace('instance-1', [
        room('instance-1', 0),
        room('instance-2', 5, false),
        room('instance-3', -1),
      ]),
    ).toBeUndefined();
  });
});
