import { beforeEach, describe, expect, it } from 'vitest';
import { assignmentOf, orderFor } from '../../helpers/fleet-values.ts';
import { type CoordinationScene, TWENTY } from './scene.ts';

/** Each way a workspace comes to another instance: exactly one wins, at the next epoch. */
export function testsChangesOfOwner(scene: CoordinationScene): void {
  describe('a takeover', () => {
    beforeEach(async () => {
      await scene.fleet.recordAssignment(assignmentOf('7', 3, 'instance-1'));
      await scene.acquire('instance-2');
    });

    it('assigns the workspace of a dead instance at the next epoch, unclaimed, and says since when', async () => {
      expect(await scene.fleet.takeOver('7', 3, 'instance-2')).toBe(4);
      const assignment = await scene.fleet.assignment('7');
      expect(assignment).toEqual({
        ...assignmentOf('7', 4, 'instance-2', { incarnation: '', claimed: false }),
        since: expect.any(Number),
      });
      expect(assignment?.since).toBeGreaterThan(1000);
      expect(await scene.told('instance-1')).toEqual({ assigned: {}, orders: [] });
      expect((await scene.told('instance-2')).assigned).toEqual({ '7': { epoch: 4, claimed: false } });
    });

    it('is refused while the lease is held, running or restarting', async () => {
      await scene.acquire('instance-1');
      expect(await scene.fleet.takeOver('7', 3, 'instance-2')).toBe('lease_held');
      await scene.fleet.release('instance-1', 'a', 60_000);
      expect(await scene.fleet.takeOver('7', 3, 'instance-2')).toBe('lease_held');
      await scene.harness.runOut({ lease: 'instance-1' });
      expect(await scene.fleet.takeOver('7', 3, 'instance-2')).toBe(4);
    });

    it('is refused at another epoch, and where nothing is known of the workspace', async () => {
      for (const epoch of [2, 4])
        expect(await scene.fleet.takeOver('7', epoch, 'instance-2')).toBe('epoch_changed');
      expect(await scene.fleet.takeOver('8', 1, 'instance-2')).toBe('epoch_changed');
      expect(await scene.fleet.assignment('8')).toBeUndefined();
    });

    it('is refused to an instance that holds no running lease', async () => {
      expect(await scene.fleet.takeOver('7', 3, 'instance-3')).toBe('target_gone');
      await scene.fleet.release('instance-2', 'a', 60_000);
      expect(await scene.fleet.takeOver('7', 3, 'instance-2')).toBe('target_gone');
      expect(await scene.fleet.assignment('7')).toEqual(assignmentOf('7', 3, 'instance-1'));
    });

    it('is of one of twenty who try at once', async () => {
      const targets = TWENTY.slice(1);
      await Promise.all(targets.map((instance) => scene.acquire(instance)));
      const tries = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          scene.fleet.takeOver('7', 3, targets[index % targets.length] ?? ''),
        ),
      );
      expect(tries.filter((outcome) => outcome === 4)).toHaveLength(1);
      expect(tries.filter((outcome) => outcome === 'epoch_changed')).toHaveLength(19);
      const winner = targets[tries.indexOf(4) % targets.length];
      expect((await scene.fleet.assignment('7'))?.instance).toBe(winner);
      const holders = await Promise.all(targets.map(async (one) => (await scene.told(one)).assigned['7']));
      expect(holders.filter((one) => one !== undefined)).toEqual([{ epoch: 4, claimed: false }]);
    });
  });

  describe('a hand-over', () => {
    beforeEach(async () => {
      await scene.fleet.recordAssignment(assignmentOf('7', 3, 'instance-1'));
      await scene.acquire('instance-1');
      await scene.acquire('instance-2');
    });

    it('assigns the workspace to another although the lease is held, and ends its order', async () => {
      await scene.fleet.order('instance-1', orderFor('7', 3, 'instance-2'));
      expect(await scene.fleet.handOver('7', 3, 'a', 'instance-2')).toBe(4);
      expect(await scene.told('instance-1')).toEqual({ assigned: {}, orders: [] });
      expect((await scene.told('instance-2')).assigned).toEqual({ '7': { epoch: 4, claimed: false } });
    });

    it('is refused to another incarnation, at another epoch, to an instance that is gone', async () => {
      expect(await scene.fleet.handOver('7', 3, 'b', 'instance-2')).toBe('not_yours');
      expect(await scene.fleet.handOver('7', 2, 'a', 'instance-2')).toBe('epoch_changed');
      expect(await scene.fleet.handOver('7', 3, 'a', 'instance-3')).toBe('target_gone');
      expect(await scene.fleet.assignment('7')).toEqual(assignmentOf('7', 3, 'instance-1'));
    });

    it('is refused where the epoch is not claimed', async () => {
      await scene.fleet.handOver('7', 3, 'a', 'instance-2');
      expect(await scene.fleet.handOver('7', 4, '', 'instance-1')).toBe('not_yours');
    });

    it('goes to who hands over as well, at the next epoch', async () => {
      expect(await scene.fleet.handOver('7', 3, 'a', 'instance-1')).toBe(4);
      expect((await scene.told('instance-1')).assigned).toEqual({ '7': { epoch: 4, claimed: false } });
    });
  });

  describe('a redirection', () => {
    beforeEach(async () => {
      await scene.fleet.recordAssignment(assignmentOf('7', 3, 'instance-1'));
      for (const instance of ['instance-2', 'instance-3']) await scene.acquire(instance);
      await scene.fleet.takeOver('7', 3, 'instance-2');
    });

    it('gives what nobody claimed to another, although the lease is held', async () => {
      expect(await scene.fleet.redirect('7', 4, 'instance-3')).toBe(5);
      expect((await scene.told('instance-2')).assigned).toEqual({});
      expect((await scene.told('instance-3')).assigned).toEqual({ '7': { epoch: 5, claimed: false } });
    });

    it('is refused once it was claimed, at another epoch, to an instance that is gone', async () => {
      expect(await scene.fleet.redirect('7', 3, 'instance-3')).toBe('epoch_changed');
      expect(await scene.fleet.redirect('7', 4, 'instance-9')).toBe('target_gone');
      await scene.fleet.recordAssignment(assignmentOf('7', 4, 'instance-2'));
      expect(await scene.fleet.redirect('7', 4, 'instance-3')).toBe('not_yours');
    });
  });
}
