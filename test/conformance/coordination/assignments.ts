import { beforeEach, describe, expect, it } from 'vitest';
import type { RegistryChange } from '../../../fleet/registry.ts';
import { eventually } from '../../helpers/eventually.ts';
import { assignmentOf, orderFor } from '../../helpers/fleet-values.ts';
import type { CoordinationScene } from './scene.ts';

/** Which instance a workspace is on, and what that one is told to do with it. */
export function testsAssignments(scene: CoordinationScene): void {
  describe('assignments', () => {
    it('are none at first, and are told as they were recorded', async () => {
      expect(await scene.fleet.assignment('7')).toBeUndefined();
      expect(await scene.fleet.assignments()).toEqual([]);
      const one = assignmentOf('7', 3, 'instance-1');
      const other = assignmentOf('acme', 1, 'instance-2', { incarnation: 'b' });
      expect(await scene.fleet.recordAssignment(one)).toBe(true);
      expect(await scene.fleet.recordAssignment(other)).toBe(true);
      expect(await scene.fleet.assignment('7')).toEqual(one);
      expect(await scene.fleet.assignment('acme')).toEqual(other);
      expect((await scene.fleet.assignments()).sort((a, b) => a.epoch - b.epoch)).toEqual([other, one]);
      expect((await scene.told('instance-1')).assigned).toEqual({ '7': { epoch: 3, claimed: true } });
      expect((await scene.told('instance-2')).assigned).toEqual({ acme: { epoch: 1, claimed: true } });
    });

    it('have the time they were recorded where they were given none', async () => {
      await scene.fleet.recordAssignment(assignmentOf('7', 1, 'instance-1', { since: 0 }));
      expect((await scene.fleet.assignment('7'))?.since).toBeGreaterThan(0);
    });

    it('of a higher epoch replace lower ones, never the other way', async () => {
      expect(await scene.fleet.recordAssignment(assignmentOf('7', 9, 'instance-1'))).toBe(true);
      expect(await scene.fleet.recordAssignment(assignmentOf('7', 10, 'instance-2'))).toBe(true);
      expect(await scene.fleet.recordAssignment(assignmentOf('7', 9, 'instance-1'))).toBe(false);
      expect(await scene.told('instance-1')).toEqual({ assigned: {}, orders: [] });
      expect((await scene.told('instance-2')).assigned).toEqual({ '7': { epoch: 10, claimed: true } });
      const highest = Number.MAX_SAFE_INTEGER;
      expect(await scene.fleet.recordAssignment(assignmentOf('7', highest, 'instance-1'))).toBe(true);
      expect(await scene.fleet.recordAssignment(assignmentOf('7', highest - 1, 'instance-2'))).toBe(false);
      expect(await scene.fleet.assignment('7')).toEqual(assignmentOf('7', highest, 'instance-1'));
      expect((await scene.told('instance-1')).assigned).toEqual({ '7': { epoch: highest, claimed: true } });
    });

    it('that are claimed stand against another at their epoch, and may be told again', async () => {
      const standing = assignmentOf('7', 3, 'instance-1');
      expect(await scene.fleet.recordAssignment(standing)).toBe(true);
      for (const changes of [{ instance: 'instance-2' }, { incarnation: 'b' }, { claimed: false }])
        expect(await scene.fleet.recordAssignment({ ...standing, ...changes })).toBe(false);
      expect(await scene.fleet.recordAssignment(standing)).toBe(true);
      expect(await scene.fleet.assignment('7')).toEqual(standing);
    });

    it('that are not claimed give way to who claimed their epoch, not to one who did not', async () => {
      const unclaimed = assignmentOf('7', 3, 'instance-1', { incarnation: '', claimed: false });
      expect(await scene.fleet.recordAssignment(unclaimed)).toBe(true);
      expect((await scene.told('instance-1')).assigned).toEqual({ '7': { epoch: 3, claimed: false } });
      expect(await scene.fleet.recordAssignment({ ...unclaimed, instance: 'instance-2' })).toBe(false);
      expect(await scene.fleet.recordAssignment(unclaimed)).toBe(true);
      expect(await scene.fleet.recordAssignment(assignmentOf('7', 3, 'instance-2'))).toBe(true);
      expect((await scene.told('instance-1')).assigned).toEqual({});
      expect((await scene.told('instance-2')).assigned).toEqual({ '7': { epoch: 3, claimed: true } });
    });

    it('have, whoever records what at once, the highest epoch in the end, and only rise', async () => {
      const epochs = Array.from({ length: 30 }, (_, index) => ((index * 7) % 30) + 1);
      const recorded: number[] = [];
      await Promise.all(
        epochs.map(async (epoch) => {
          if (await scene.fleet.recordAssignment(assignmentOf('7', epoch, `instance-${epoch}`)))
            recorded.push(epoch);
        }),
      );
      expect(recorded).toEqual([...recorded].sort((a, b) => a - b));
      expect((await scene.fleet.assignment('7'))?.epoch).toBe(30);
      for (const epoch of epochs.filter((one) => one !== 30))
        expect((await scene.told(`instance-${epoch}`)).assigned).toEqual({});
    });

    it('are forgotten at their epoch only', async () => {
      await scene.fleet.recordAssignment(assignmentOf('7', 3, 'instance-1'));
      await scene.fleet.order('instance-1', orderFor('7', 3));
      await scene.fleet.forgetAssignment('7', 2);
      expect(await scene.fleet.assignment('7')).toEqual(assignmentOf('7', 3, 'instance-1'));
      await scene.fleet.forgetAssignment('7', 3);
      expect(await scene.fleet.assignment('7')).toBeUndefined();
      expect(await scene.told('instance-1')).toEqual({ assigned: {}, orders: [] });
      await scene.fleet.forgetAssignment('7', 3);
    });

    it('are published as they change', async () => {
      const changes: RegistryChange[] = [];
      await scene.harness.onChange((change) => changes.push(change));
      for (const instance of ['instance-2', 'instance-3']) await scene.acquire(instance);
      await scene.fleet.recordAssignment(assignmentOf('7', 1, 'instance-1'));
      await scene.fleet.recordAssignment(assignmentOf('7', 1, 'instance-2'));
      await scene.fleet.takeOver('7', 1, 'instance-2');
      await scene.fleet.redirect('7', 2, 'instance-3');
      await scene.fleet.recordAssignment(assignmentOf('7', 3, 'instance-3'));
      await scene.fleet.handOver('7', 3, 'a', 'instance-2');
      await eventually(() => changes.length === 5);
      const epochs = changes.map((change) =>
        change.kind === 'assignment' ? [change.assignment.epoch, change.assignment.instance] : change.kind,
      );
      expect(epochs).toEqual([
        [1, 'instance-1'],
        [2, 'instance-2'],
        [3, 'instance-3'],
        [3, 'instance-3'],
        [4, 'instance-2'],
      ]);
    });
  });

  describe('orders', () => {
    beforeEach(async () => {
      await scene.fleet.recordAssignment(assignmentOf('7', 3, 'instance-1'));
    });

    it('are told at every renewal, the newest for a workspace, until they are taken back', async () => {
      await scene.fleet.order('instance-1', orderFor('7', 3));
      const order = { ...orderFor('7', 3, 'instance-2'), move: 'm1' };
      await scene.fleet.order('instance-1', order);
      for (let renewal = 0; renewal < 2; renewal += 1)
        expect((await scene.told('instance-1')).orders).toEqual([order]);
      expect((await scene.told('instance-2')).orders).toEqual([]);
      await scene.fleet.withdrawOrder('instance-1', '7');
      await scene.fleet.withdrawOrder('instance-1', '8');
      expect((await scene.told('instance-1')).orders).toEqual([]);
    });

    it('mean nothing at another epoch, and outlive the record of their own', async () => {
      await scene.fleet.order('instance-1', orderFor('7', 4));
      await scene.fleet.order('instance-1', orderFor('8', 1));
      expect((await scene.told('instance-1')).orders).toEqual([]);
      await scene.fleet.recordAssignment(assignmentOf('7', 4, 'instance-1'));
      expect((await scene.told('instance-1')).orders).toEqual([orderFor('7', 4)]);
      await scene.fleet.recordAssignment(assignmentOf('7', 4, 'instance-1'));
      expect((await scene.told('instance-1')).orders).toEqual([orderFor('7', 4)]);
    });

    it('outlive the record of an epoch of any size', async () => {
      const highest = Number.MAX_SAFE_INTEGER;
      await scene.fleet.order('instance-1', orderFor('7', highest));
      await scene.fleet.recordAssignment(assignmentOf('7', highest, 'instance-1'));
      expect((await scene.told('instance-1')).orders).toEqual([orderFor('7', highest)]);
    });

    it('die with their epoch, and do not come back when the workspace does', async () => {
      await scene.acquire('instance-2');
      await scene.fleet.order('instance-1', orderFor('7', 3));
      await scene.fleet.takeOver('7', 3, 'instance-2');
      await scene.fleet.order('instance-2', orderFor('7', 4));
      await scene.fleet.recordAssignment(assignmentOf('7', 5, 'instance-2', { incarnation: 'b' }));
      expect((await scene.told('instance-2')).orders).toEqual([]);
      await scene.fleet.recordAssignment(assignmentOf('7', 6, 'instance-1'));
      expect((await scene.told('instance-1')).orders).toEqual([]);
    });
  });
}
