import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Coordination } from '../../fleet/coordination.ts';
import type { RegistryChange } from '../../fleet/registry.ts';
import { eventually } from '../helpers/eventually.ts';
import { assignmentOf, leaseHolder, moveOf, orderFor, routerNote } from '../helpers/fleet-values.ts';

/** A coordination and what a test does to the Redis behind it. */
export interface CoordinationHarness {
  coordination: Coordination;
  /** Lets something run out now: a lease, the leader, a router's note. */
  runOut(what: { lease: string } | { router: string } | 'leader'): Promise<void>;
  /** FLUSHALL. */
  empty(): Promise<void>;
  /** Another server in its place, with all that it held. */
  restart(): Promise<void>;
  /** Calls back at every change that is published. */
  onChange(told: (change: RegistryChange) => void): Promise<void>;
  close(): Promise<void>;
}

const TTL = 60_000;
const clients = Array.from({ length: 20 }, (_, index) => `instance-${index + 1}`);

/** What every {@link Coordination} does. */
export function testsCoordination(name: string, start: () => Promise<CoordinationHarness>): void {
  describe(`coordination ${name}`, () => {
    let harness: CoordinationHarness;
    let fleet: Coordination;
    beforeEach(async () => {
      harness = await start();
      fleet = harness.coordination;
    });
    afterEach(() => harness.close());

    const acquire = (instance: string, incarnation = 'a', replaces: string[] = []) =>
      fleet.acquire(leaseHolder(instance, incarnation), TTL, replaces);
    const told = async (instance: string) => {
      const { assigned, orders } = await fleet.renew(instance, 'nobody', TTL);
      return { assigned: Object.fromEntries(assigned), orders };
    };

    describe('leases', () => {
      it('are taken where nobody holds them, by one of twenty who try at once', async () => {
        const tries = await Promise.all(clients.map((incarnation) => acquire('instance-1', incarnation)));
        expect(tries.filter(({ acquired }) => acquired)).toHaveLength(1);
        const { leases } = await fleet.leases();
        expect(leases).toHaveLength(1);
        for (const [index, one] of tries.entries()) {
          if (one.acquired)
            expect(leases[0]?.holder).toEqual(leaseHolder('instance-1', `instance-${index + 1}`));
          else expect(one.holder).toEqual(leases[0]?.holder);
        }
      });

      it('are shown with who holds them and how long they last', async () => {
        const { identity } = await acquire('instance-1');
        await acquire('instance-2', 'b');
        const shown = await fleet.leases();
        expect(shown.identity).toEqual(identity);
        const sorted = shown.leases.sort((a, b) => (a.holder.instance < b.holder.instance ? -1 : 1));
        expect(sorted.map(({ holder, state }) => ({ holder, state }))).toEqual([
          { holder: leaseHolder('instance-1', 'a'), state: 'running' },
          { holder: leaseHolder('instance-2', 'b'), state: 'running' },
        ]);
        for (const { remaining } of sorted) {
          expect(remaining).toBeGreaterThan(0);
          expect(remaining).toBeLessThanOrEqual(TTL);
        }
      });

      it('are renewed by who holds them', async () => {
        const { identity } = await fleet.acquire(leaseHolder('instance-1', 'a'), 10_000, []);
        expect(await fleet.renew('instance-1', 'a', TTL)).toEqual({
          identity,
          held: true,
          heldBy: null,
          assigned: new Map(),
          orders: [],
        });
        expect((await fleet.leases()).leases[0]?.remaining).toBeGreaterThan(10_000);
      });

      it('are not renewed by another, who hears whose they are', async () => {
        await acquire('instance-1', 'a');
        expect(await fleet.renew('instance-1', 'b', TTL)).toMatchObject({ held: false, heldBy: 'a' });
        expect(await fleet.renew('instance-1', 'a', TTL)).toMatchObject({ held: true });
      });

      it('are never renewed once they lapsed, and can be taken anew', async () => {
        await acquire('instance-1', 'a');
        await harness.runOut({ lease: 'instance-1' });
        expect(await fleet.renew('instance-1', 'a', TTL)).toMatchObject({ held: false, heldBy: null });
        expect((await fleet.leases()).leases).toEqual([]);
        expect(await acquire('instance-1', 'b')).toMatchObject({ acquired: true });
        expect(await fleet.renew('instance-1', 'a', TTL)).toMatchObject({ held: false, heldBy: 'b' });
      });

      it('are taken from those that are replaced, and from no others', async () => {
        await acquire('instance-1', 'a');
        expect(await acquire('instance-1', 'c', ['x', 'y'])).toMatchObject({
          acquired: false,
          holder: leaseHolder('instance-1', 'a'),
        });
        expect(await acquire('instance-1', 'a')).toMatchObject({ acquired: false });
        expect(await acquire('instance-1', 'c', ['x', 'a'])).toMatchObject({ acquired: true });
        expect(await fleet.renew('instance-1', 'a', TTL)).toMatchObject({ held: false, heldBy: 'c' });
        expect(await acquire('instance-1', 'c', ['c'])).toMatchObject({ acquired: true });
      });

      it('are given up at once, only by who holds them', async () => {
        await acquire('instance-1', 'a');
        await fleet.release('instance-1', 'b', 0);
        expect((await fleet.leases()).leases).toHaveLength(1);
        await fleet.release('instance-1', 'a', 0);
        expect((await fleet.leases()).leases).toEqual([]);
      });

      it('of an instance that restarts last for their grace, are renewed by nobody, and taken by the next incarnation', async () => {
        await acquire('instance-1', 'a');
        await fleet.release('instance-1', 'a', 20_000);
        const [lease] = (await fleet.leases()).leases;
        expect(lease).toMatchObject({ state: 'restarting', holder: leaseHolder('instance-1', 'a') });
        expect(lease?.remaining).toBeLessThanOrEqual(20_000);
        expect(await fleet.renew('instance-1', 'a', TTL)).toMatchObject({ held: false, heldBy: null });
        expect(await acquire('instance-1', 'b')).toMatchObject({ acquired: true });
        expect((await fleet.leases()).leases[0]).toMatchObject({ state: 'running' });
      });

      it('of an instance that does not come back lapse after their grace', async () => {
        await acquire('instance-1', 'a');
        await fleet.release('instance-1', 'a', 20_000);
        await harness.runOut({ lease: 'instance-1' });
        expect((await fleet.leases()).leases).toEqual([]);
      });
    });

    describe('the identity of Redis', () => {
      it('has an era only once a lease was taken, and keeps it', async () => {
        expect((await fleet.leases()).identity.era).toBe('');
        expect((await fleet.renew('instance-1', 'a', TTL)).identity.era).toBe('');
        expect((await fleet.lead('router-1', TTL)).identity.era).toBe('');
        const { identity } = await acquire('instance-1');
        expect(identity.era).not.toBe('');
        expect(identity.server).not.toBe('');
        expect((await acquire('instance-2')).identity).toEqual(identity);
        expect((await acquire('instance-2', 'c')).identity).toEqual(identity);
        expect((await fleet.renew('instance-1', 'a', TTL)).identity).toEqual(identity);
        expect((await fleet.leases()).identity).toEqual(identity);
        expect((await fleet.lead('router-1', TTL)).identity).toEqual(identity);
      });

      it('is of another era after it was emptied, on the same server', async () => {
        const { identity } = await acquire('instance-1');
        await harness.empty();
        const after = await fleet.renew('instance-1', 'a', TTL);
        expect(after).toMatchObject({ held: false, heldBy: null });
        expect(after.identity).toEqual({ era: '', server: identity.server });
        const anew = (await acquire('instance-1', 'a', ['a'])).identity;
        expect(anew.server).toBe(identity.server);
        expect(anew.era).not.toBe('');
        expect(anew.era).not.toBe(identity.era);
      });

      it('is of another server after a restart, in the same era where all was kept', async () => {
        const { identity } = await acquire('instance-1');
        await harness.restart();
        const after = await fleet.renew('instance-1', 'a', TTL);
        expect(after.held).toBe(true);
        expect(after.identity.era).toBe(identity.era);
        expect(after.identity.server).not.toBe('');
        expect(after.identity.server).not.toBe(identity.server);
      });
    });

    describe('assignments', () => {
      it('are none at first, and are told as they were recorded', async () => {
        expect(await fleet.assignment('7')).toBeUndefined();
        expect(await fleet.assignments()).toEqual([]);
        const one = assignmentOf('7', 3, 'instance-1');
        const other = assignmentOf('acme', 1, 'instance-2', { incarnation: 'b' });
        expect(await fleet.recordAssignment(one)).toBe(true);
        expect(await fleet.recordAssignment(other)).toBe(true);
        expect(await fleet.assignment('7')).toEqual(one);
        expect(await fleet.assignment('acme')).toEqual(other);
        expect((await fleet.assignments()).sort((a, b) => a.epoch - b.epoch)).toEqual([other, one]);
        expect((await told('instance-1')).assigned).toEqual({ '7': { epoch: 3, claimed: true } });
        expect((await told('instance-2')).assigned).toEqual({ acme: { epoch: 1, claimed: true } });
      });

      it('have the time they were recorded where they were given none', async () => {
        await fleet.recordAssignment(assignmentOf('7', 1, 'instance-1', { since: 0 }));
        expect((await fleet.assignment('7'))?.since).toBeGreaterThan(0);
      });

      it('of a higher epoch replace lower ones, never the other way', async () => {
        expect(await fleet.recordAssignment(assignmentOf('7', 9, 'instance-1'))).toBe(true);
        expect(await fleet.recordAssignment(assignmentOf('7', 10, 'instance-2'))).toBe(true);
        expect(await fleet.recordAssignment(assignmentOf('7', 9, 'instance-1'))).toBe(false);
        expect(await told('instance-1')).toEqual({ assigned: {}, orders: [] });
        expect((await told('instance-2')).assigned).toEqual({ '7': { epoch: 10, claimed: true } });
        const highest = Number.MAX_SAFE_INTEGER;
        expect(await fleet.recordAssignment(assignmentOf('7', highest, 'instance-1'))).toBe(true);
        expect(await fleet.recordAssignment(assignmentOf('7', highest - 1, 'instance-2'))).toBe(false);
        expect(await fleet.assignment('7')).toEqual(assignmentOf('7', highest, 'instance-1'));
        expect((await told('instance-1')).assigned).toEqual({ '7': { epoch: highest, claimed: true } });
      });

      it('that are claimed stand against another at their epoch, and may be told again', async () => {
        const standing = assignmentOf('7', 3, 'instance-1');
        expect(await fleet.recordAssignment(standing)).toBe(true);
        for (const changes of [{ instance: 'instance-2' }, { incarnation: 'b' }, { claimed: false }])
          expect(await fleet.recordAssignment({ ...standing, ...changes })).toBe(false);
        expect(await fleet.recordAssignment(standing)).toBe(true);
        expect(await fleet.assignment('7')).toEqual(standing);
      });

      it('that are not claimed give way to who claimed their epoch, not to one who did not', async () => {
        const unclaimed = assignmentOf('7', 3, 'instance-1', { incarnation: '', claimed: false });
        expect(await fleet.recordAssignment(unclaimed)).toBe(true);
        expect((await told('instance-1')).assigned).toEqual({ '7': { epoch: 3, claimed: false } });
        expect(await fleet.recordAssignment({ ...unclaimed, instance: 'instance-2' })).toBe(false);
        expect(await fleet.recordAssignment(unclaimed)).toBe(true);
        expect(await fleet.recordAssignment(assignmentOf('7', 3, 'instance-2'))).toBe(true);
        expect((await told('instance-1')).assigned).toEqual({});
        expect((await told('instance-2')).assigned).toEqual({ '7': { epoch: 3, claimed: true } });
      });

      it('have, whoever records what at once, the highest epoch in the end, and only rise', async () => {
        const epochs = Array.from({ length: 30 }, (_, index) => ((index * 7) % 30) + 1);
        const recorded: number[] = [];
        await Promise.all(
          epochs.map(async (epoch) => {
            if (await fleet.recordAssignment(assignmentOf('7', epoch, `instance-${epoch}`)))
              recorded.push(epoch);
          }),
        );
        expect(recorded).toEqual([...recorded].sort((a, b) => a - b));
        expect((await fleet.assignment('7'))?.epoch).toBe(30);
        for (const epoch of epochs.filter((one) => one !== 30))
          expect((await told(`instance-${epoch}`)).assigned).toEqual({});
      });

      it('are forgotten at their epoch only', async () => {
        await fleet.recordAssignment(assignmentOf('7', 3, 'instance-1'));
        await fleet.order('instance-1', orderFor('7', 3));
        await fleet.forgetAssignment('7', 2);
        expect(await fleet.assignment('7')).toEqual(assignmentOf('7', 3, 'instance-1'));
        await fleet.forgetAssignment('7', 3);
        expect(await fleet.assignment('7')).toBeUndefined();
        expect(await told('instance-1')).toEqual({ assigned: {}, orders: [] });
        await fleet.forgetAssignment('7', 3);
      });

      it('are published as they change', async () => {
        const changes: RegistryChange[] = [];
        await harness.onChange((change) => changes.push(change));
        for (const instance of ['instance-2', 'instance-3']) await acquire(instance);
        await fleet.recordAssignment(assignmentOf('7', 1, 'instance-1'));
        await fleet.recordAssignment(assignmentOf('7', 1, 'instance-2'));
        await fleet.takeOver('7', 1, 'instance-2');
        await fleet.redirect('7', 2, 'instance-3');
        await fleet.recordAssignment(assignmentOf('7', 3, 'instance-3'));
        await fleet.handOver('7', 3, 'a', 'instance-2');
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

    describe('a takeover', () => {
      beforeEach(async () => {
        await fleet.recordAssignment(assignmentOf('7', 3, 'instance-1'));
        await acquire('instance-2');
      });

      it('assigns the workspace of a dead instance at the next epoch, unclaimed, and says since when', async () => {
        expect(await fleet.takeOver('7', 3, 'instance-2')).toBe(4);
        const assignment = await fleet.assignment('7');
        expect(assignment).toEqual({
          ...assignmentOf('7', 4, 'instance-2', { incarnation: '', claimed: false }),
          since: expect.any(Number),
        });
        expect(assignment?.since).toBeGreaterThan(1000);
        expect(await told('instance-1')).toEqual({ assigned: {}, orders: [] });
        expect((await told('instance-2')).assigned).toEqual({ '7': { epoch: 4, claimed: false } });
      });

      it('is refused while the lease is held, running or restarting', async () => {
        await acquire('instance-1');
        expect(await fleet.takeOver('7', 3, 'instance-2')).toBe('lease_held');
        await fleet.release('instance-1', 'a', 60_000);
        expect(await fleet.takeOver('7', 3, 'instance-2')).toBe('lease_held');
        await harness.runOut({ lease: 'instance-1' });
        expect(await fleet.takeOver('7', 3, 'instance-2')).toBe(4);
      });

      it('is refused at another epoch, and where nothing is known of the workspace', async () => {
        for (const epoch of [2, 4])
          expect(await fleet.takeOver('7', epoch, 'instance-2')).toBe('epoch_changed');
        expect(await fleet.takeOver('8', 1, 'instance-2')).toBe('epoch_changed');
        expect(await fleet.assignment('8')).toBeUndefined();
      });

      it('is refused to an instance that holds no running lease', async () => {
        expect(await fleet.takeOver('7', 3, 'instance-3')).toBe('target_gone');
        await fleet.release('instance-2', 'a', 60_000);
        expect(await fleet.takeOver('7', 3, 'instance-2')).toBe('target_gone');
        expect(await fleet.assignment('7')).toEqual(assignmentOf('7', 3, 'instance-1'));
      });

      it('is of one of twenty who try at once', async () => {
        const targets = clients.slice(1);
        await Promise.all(targets.map((instance) => acquire(instance)));
        const tries = await Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            fleet.takeOver('7', 3, targets[index % targets.length] ?? ''),
          ),
        );
        expect(tries.filter((outcome) => outcome === 4)).toHaveLength(1);
        expect(tries.filter((outcome) => outcome === 'epoch_changed')).toHaveLength(19);
        const winner = targets[tries.indexOf(4) % targets.length];
        expect((await fleet.assignment('7'))?.instance).toBe(winner);
        const holders = await Promise.all(targets.map(async (one) => (await told(one)).assigned['7']));
        expect(holders.filter((one) => one !== undefined)).toEqual([{ epoch: 4, claimed: false }]);
      });
    });

    describe('a hand-over', () => {
      beforeEach(async () => {
        await fleet.recordAssignment(assignmentOf('7', 3, 'instance-1'));
        await acquire('instance-1');
        await acquire('instance-2');
      });

      it('assigns the workspace to another although the lease is held, and ends its order', async () => {
        await fleet.order('instance-1', orderFor('7', 3, 'instance-2'));
        expect(await fleet.handOver('7', 3, 'a', 'instance-2')).toBe(4);
        expect(await told('instance-1')).toEqual({ assigned: {}, orders: [] });
        expect((await told('instance-2')).assigned).toEqual({ '7': { epoch: 4, claimed: false } });
      });

      it('is refused to another incarnation, at another epoch, to an instance that is gone', async () => {
        expect(await fleet.handOver('7', 3, 'b', 'instance-2')).toBe('not_yours');
        expect(await fleet.handOver('7', 2, 'a', 'instance-2')).toBe('epoch_changed');
        expect(await fleet.handOver('7', 3, 'a', 'instance-3')).toBe('target_gone');
        expect(await fleet.assignment('7')).toEqual(assignmentOf('7', 3, 'instance-1'));
      });

      it('is refused where the epoch is not claimed', async () => {
        await fleet.handOver('7', 3, 'a', 'instance-2');
        expect(await fleet.handOver('7', 4, '', 'instance-1')).toBe('not_yours');
      });

      it('goes to who hands over as well, at the next epoch', async () => {
        expect(await fleet.handOver('7', 3, 'a', 'instance-1')).toBe(4);
        expect((await told('instance-1')).assigned).toEqual({ '7': { epoch: 4, claimed: false } });
      });
    });

    describe('a redirection', () => {
      beforeEach(async () => {
        await fleet.recordAssignment(assignmentOf('7', 3, 'instance-1'));
        for (const instance of ['instance-2', 'instance-3']) await acquire(instance);
        await fleet.takeOver('7', 3, 'instance-2');
      });

      it('gives what nobody claimed to another, although the lease is held', async () => {
        expect(await fleet.redirect('7', 4, 'instance-3')).toBe(5);
        expect((await told('instance-2')).assigned).toEqual({});
        expect((await told('instance-3')).assigned).toEqual({ '7': { epoch: 5, claimed: false } });
      });

      it('is refused once it was claimed, at another epoch, to an instance that is gone', async () => {
        expect(await fleet.redirect('7', 3, 'instance-3')).toBe('epoch_changed');
        expect(await fleet.redirect('7', 4, 'instance-9')).toBe('target_gone');
        await fleet.recordAssignment(assignmentOf('7', 4, 'instance-2'));
        expect(await fleet.redirect('7', 4, 'instance-3')).toBe('not_yours');
      });
    });

    describe('orders', () => {
      beforeEach(async () => {
        await fleet.recordAssignment(assignmentOf('7', 3, 'instance-1'));
      });

      it('are told at every renewal, the newest for a workspace, until they are taken back', async () => {
        await fleet.order('instance-1', orderFor('7', 3));
        const order = { ...orderFor('7', 3, 'instance-2'), move: 'm1' };
        await fleet.order('instance-1', order);
        for (let renewal = 0; renewal < 2; renewal += 1)
          expect((await told('instance-1')).orders).toEqual([order]);
        expect((await told('instance-2')).orders).toEqual([]);
        await fleet.withdrawOrder('instance-1', '7');
        await fleet.withdrawOrder('instance-1', '8');
        expect((await told('instance-1')).orders).toEqual([]);
      });

      it('mean nothing at another epoch, and outlive the record of their own', async () => {
        await fleet.order('instance-1', orderFor('7', 4));
        await fleet.order('instance-1', orderFor('8', 1));
        expect((await told('instance-1')).orders).toEqual([]);
        await fleet.recordAssignment(assignmentOf('7', 4, 'instance-1'));
        expect((await told('instance-1')).orders).toEqual([orderFor('7', 4)]);
        await fleet.recordAssignment(assignmentOf('7', 4, 'instance-1'));
        expect((await told('instance-1')).orders).toEqual([orderFor('7', 4)]);
      });

      it('outlive the record of an epoch of any size', async () => {
        const highest = Number.MAX_SAFE_INTEGER;
        await fleet.order('instance-1', orderFor('7', highest));
        await fleet.recordAssignment(assignmentOf('7', highest, 'instance-1'));
        expect((await told('instance-1')).orders).toEqual([orderFor('7', highest)]);
      });

      it('die with their epoch, and do not come back when the workspace does', async () => {
        await acquire('instance-2');
        await fleet.order('instance-1', orderFor('7', 3));
        await fleet.takeOver('7', 3, 'instance-2');
        await fleet.order('instance-2', orderFor('7', 4));
        await fleet.recordAssignment(assignmentOf('7', 5, 'instance-2', { incarnation: 'b' }));
        expect((await told('instance-2')).orders).toEqual([]);
        await fleet.recordAssignment(assignmentOf('7', 6, 'instance-1'));
        expect((await told('instance-1')).orders).toEqual([]);
      });
    });

    describe('routers', () => {
      it('have one leader, which stays until it resigns or is not heard of', async () => {
        const led = await Promise.all(clients.map((router) => fleet.lead(router, TTL)));
        const leader = led[0]?.leader ?? '';
        expect(new Set(led.map((one) => one.leader))).toEqual(new Set([leader]));
        await fleet.resign('another');
        expect((await fleet.lead('another', TTL)).leader).toBe(leader);
        await fleet.resign(leader);
        expect((await fleet.lead('another', TTL)).leader).toBe('another');
        await harness.runOut('leader');
        expect((await fleet.lead('third', TTL)).leader).toBe('third');
        expect((await fleet.lead('third', TTL)).leader).toBe('third');
      });

      it('tell of themselves for a time', async () => {
        await fleet.noteRouter(routerNote('router-1'), TTL);
        await fleet.noteRouter(routerNote('router-2'), TTL);
        await fleet.noteRouter(routerNote('router-3'), TTL);
        await fleet.noteRouter(routerNote('router-2', { instance_count: 5 }), TTL);
        const notes = async () => (await fleet.routers()).sort((a, b) => (a.router < b.router ? -1 : 1));
        const second = routerNote('router-2', { instance_count: 5 });
        expect(await notes()).toEqual([routerNote('router-1'), second, routerNote('router-3')]);
        await harness.runOut({ router: 'router-1' });
        expect(await notes()).toEqual([second, routerNote('router-3')]);
        await fleet.forgetRouter('router-3');
        await fleet.forgetRouter('router-9');
        expect(await notes()).toEqual([second]);
      });
    });

    describe('moves', () => {
      it('are told by age, each as it was saved last', async () => {
        await fleet.saveMove(moveOf('m2'), null);
        await fleet.saveMove(moveOf('m1'), null);
        const closing = moveOf('m1', { state: 'closing', from_epoch: 3 });
        await fleet.saveMove(closing, 'queued');
        expect(await fleet.moves()).toEqual([closing, moveOf('m2')]);
      });

      it('are as who wrote first made them: whoever knows an older state writes nothing', async () => {
        const takenBack = moveOf('m1', { state: 'failed', error: 'taken back' });
        expect(await fleet.saveMove(takenBack, 'queued')).toBe(false);
        expect(await fleet.saveMove(moveOf('m1'), null)).toBe(true);
        expect(await fleet.saveMove(moveOf('m1', { error: 'again' }), null)).toBe(false);
        expect(await fleet.saveMove(moveOf('m1', { error: 'it waits' }), 'queued')).toBe(true);
        expect(await fleet.saveMove(takenBack, 'queued')).toBe(true);
        for (const state of ['queued', 'closing'] as const)
          expect(await fleet.saveMove(moveOf('m1', { state }), 'queued')).toBe(false);
        expect(await fleet.moves()).toEqual([takenBack]);
      });

      it('that run are all kept, and of those that ended the last hundred', async () => {
        const id = (number: number) => `m${String(number).padStart(3, '0')}`;
        for (let number = 0; number < 105; number += 1) {
          await fleet.saveMove(moveOf(id(number)), null);
          await fleet.saveMove(moveOf(`${id(number)}-runs`), null);
        }
        // Neither the order of their ids nor that one is saved again says which ended last.
        for (let number = 104; number >= 0; number -= 1) {
          const state = number % 2 === 0 ? 'done' : 'failed';
          await fleet.saveMove(moveOf(id(number), { state }), 'queued');
          if (number === 104) await fleet.saveMove(moveOf(id(number), { state, error: 'x' }), state);
        }
        const kept = await fleet.moves();
        expect(kept.filter(({ state }) => state === 'queued')).toHaveLength(105);
        const ended = kept.filter(({ state }) => state !== 'queued').map((move) => move.id);
        expect(ended).toEqual(Array.from({ length: 100 }, (_, number) => id(number)));
      });
    });

    describe('pokes', () => {
      it('reach those who listen for the instance, until they close', async () => {
        const heard: string[] = [];
        const closeFirst = await fleet.onPoke('instance-1', () => heard.push('first'));
        const closeSecond = await fleet.onPoke('instance-1', () => heard.push('second'));
        const closeOther = await fleet.onPoke('instance-2', () => heard.push('other'));
        await fleet.poke('instance-1');
        await eventually(() => heard.length === 2);
        expect([...heard].sort()).toEqual(['first', 'second']);
        await closeFirst();
        await fleet.poke('instance-1');
        await eventually(() => heard.length > 2);
        expect(heard[2]).toBe('second');
        await fleet.poke('instance-2');
        await eventually(() => heard.includes('other'));
        expect(heard.filter((name) => name === 'first')).toHaveLength(1);
        await closeSecond();
        await closeOther();
      });
    });
  });
}
