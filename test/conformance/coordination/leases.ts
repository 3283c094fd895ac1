import { describe, expect, it } from 'vitest';
import { leaseHolder } from '../../helpers/fleet-values.ts';
import { type CoordinationScene, TTL, TWENTY } from './scene.ts';

/** Leases, and by what an emptied or replaced Redis is told from a lease that lapsed. */
export function testsLeases(scene: CoordinationScene): void {
  describe('leases', () => {
    it('are taken where nobody holds them, by one of twenty who try at once', async () => {
      const tries = await Promise.all(TWENTY.map((incarnation) => scene.acquire('instance-1', incarnation)));
      expect(tries.filter(({ acquired }) => acquired)).toHaveLength(1);
      const { leases } = await scene.fleet.leases();
      expect(leases).toHaveLength(1);
      for (const [index, one] of tries.entries()) {
        if (one.acquired)
          expect(leases[0]?.holder).toEqual(leaseHolder('instance-1', `instance-${index + 1}`));
        else expect(one.holder).toEqual(leases[0]?.holder);
      }
    });

    it('are shown with who holds them and how long they last', async () => {
      const { identity } = await scene.acquire('instance-1');
      await scene.acquire('instance-2', 'b');
      const shown = await scene.fleet.leases();
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
      const { identity } = await scene.fleet.acquire(leaseHolder('instance-1', 'a'), 10_000, []);
      expect(await scene.fleet.renew('instance-1', 'a', TTL)).toEqual({
        identity,
        held: true,
        heldBy: null,
        assigned: new Map(),
        orders: [],
      });
      expect((await scene.fleet.leases()).leases[0]?.remaining).toBeGreaterThan(10_000);
    });

    it('are not renewed by another, who hears whose they are', async () => {
      await scene.acquire('instance-1', 'a');
      expect(await scene.fleet.renew('instance-1', 'b', TTL)).toMatchObject({ held: false, heldBy: 'a' });
      expect(await scene.fleet.renew('instance-1', 'a', TTL)).toMatchObject({ held: true });
    });

    it('are never renewed once they lapsed, and can be taken anew', async () => {
      await scene.acquire('instance-1', 'a');
      await scene.harness.runOut({ lease: 'instance-1' });
      expect(await scene.fleet.renew('instance-1', 'a', TTL)).toMatchObject({ held: false, heldBy: null });
      expect((await scene.fleet.leases()).leases).toEqual([]);
      expect(await scene.acquire('instance-1', 'b')).toMatchObject({ acquired: true });
      expect(await scene.fleet.renew('instance-1', 'a', TTL)).toMatchObject({ held: false, heldBy: 'b' });
    });

    it('are taken from those that are replaced, and from no others', async () => {
      await scene.acquire('instance-1', 'a');
      expect(await scene.acquire('instance-1', 'c', ['x', 'y'])).toMatchObject({
        acquired: false,
        holder: leaseHolder('instance-1', 'a'),
      });
      expect(await scene.acquire('instance-1', 'a')).toMatchObject({ acquired: false });
      expect(await scene.acquire('instance-1', 'c', ['x', 'a'])).toMatchObject({ acquired: true });
      expect(await scene.fleet.renew('instance-1', 'a', TTL)).toMatchObject({ held: false, heldBy: 'c' });
      expect(await scene.acquire('instance-1', 'c', ['c'])).toMatchObject({ acquired: true });
    });

    it('are given up at once, only by who holds them', async () => {
      await scene.acquire('instance-1', 'a');
      await scene.fleet.release('instance-1', 'b', 0);
      expect((await scene.fleet.leases()).leases).toHaveLength(1);
      await scene.fleet.release('instance-1', 'a', 0);
      expect((await scene.fleet.leases()).leases).toEqual([]);
    });

    it('of an instance that restarts last for their grace, are renewed by nobody, and taken by the next incarnation', async () => {
      await scene.acquire('instance-1', 'a');
      await scene.fleet.release('instance-1', 'a', 20_000);
      const [lease] = (await scene.fleet.leases()).leases;
      expect(lease).toMatchObject({ state: 'restarting', holder: leaseHolder('instance-1', 'a') });
      expect(lease?.remaining).toBeLessThanOrEqual(20_000);
      expect(await scene.fleet.renew('instance-1', 'a', TTL)).toMatchObject({ held: false, heldBy: null });
      expect(await scene.acquire('instance-1', 'b')).toMatchObject({ acquired: true });
      expect((await scene.fleet.leases()).leases[0]).toMatchObject({ state: 'running' });
    });

    it('of an instance that does not come back lapse after their grace', async () => {
      await scene.acquire('instance-1', 'a');
      await scene.fleet.release('instance-1', 'a', 20_000);
      await scene.harness.runOut({ lease: 'instance-1' });
      expect((await scene.fleet.leases()).leases).toEqual([]);
    });
  });

  describe('the identity of Redis', () => {
    it('has an era only once a lease was taken, and keeps it', async () => {
      expect((await scene.fleet.leases()).identity.era).toBe('');
      expect((await scene.fleet.renew('instance-1', 'a', TTL)).identity.era).toBe('');
      expect((await scene.fleet.lead('router-1', TTL)).identity.era).toBe('');
      const { identity } = await scene.acquire('instance-1');
      expect(identity.era).not.toBe('');
      expect(identity.server).not.toBe('');
      expect((await scene.acquire('instance-2')).identity).toEqual(identity);
      expect((await scene.acquire('instance-2', 'c')).identity).toEqual(identity);
      expect((await scene.fleet.renew('instance-1', 'a', TTL)).identity).toEqual(identity);
      expect((await scene.fleet.leases()).identity).toEqual(identity);
      expect((await scene.fleet.lead('router-1', TTL)).identity).toEqual(identity);
    });

    it('is of another era after it was emptied, on the same server', async () => {
      const { identity } = await scene.acquire('instance-1');
      await scene.harness.empty();
      const after = await scene.fleet.renew('instance-1', 'a', TTL);
      expect(after).toMatchObject({ held: false, heldBy: null });
      expect(after.identity).toEqual({ era: '', server: identity.server });
      const anew = (await scene.acquire('instance-1', 'a', ['a'])).identity;
      expect(anew.server).toBe(identity.server);
      expect(anew.era).not.toBe('');
      expect(anew.era).not.toBe(identity.era);
    });

    it('is of another server after a restart, in the same era where all was kept', async () => {
      const { identity } = await scene.acquire('instance-1');
      await scene.harness.restart();
      const after = await scene.fleet.renew('instance-1', 'a', TTL);
      expect(after.held).toBe(true);
      expect(after.identity.era).toBe(identity.era);
      expect(after.identity.server).not.toBe('');
      expect(after.identity.server).not.toBe(identity.server);
    });
  });
}
