import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ClaimStore } from '../../fleet/claims.ts';
import { claimOf } from '../helpers/fleet-values.ts';

/** A claim store and what a test does to the storage behind it. */
export interface ClaimsHarness {
  claims: ClaimStore;
  /** The same storage, as another host has it. */
  elsewhere: ClaimStore;
  /** Makes a claim whose maker died while writing it. */
  spoil(workspace: string, epoch: number): Promise<void>;
}

/** What every {@link ClaimStore} does. */
export function testsClaims(name: string, start: () => Promise<ClaimsHarness>): void {
  describe(`claims ${name}`, () => {
    let claims: ClaimStore;
    let elsewhere: ClaimStore;
    let spoil: ClaimsHarness['spoil'];
    beforeEach(async () => {
      ({ claims, elsewhere, spoil } = await start());
    });

    it('are none where there is nothing, and the highest by number, not by name', async () => {
      expect(await claims.highest('7')).toBeUndefined();
      expect(await claims.workspaces()).toEqual([]);
      for (const epoch of [2, 10, 9]) expect(await claims.create(claimOf('7', epoch))).toBe(true);
      expect(await claims.highest('7')).toEqual({
        epoch: 10,
        claim: claimOf('7', 10),
        lastReadable: claimOf('7', 10),
        released: false,
      });
      expect(await claims.highest('8')).toBeUndefined();
    });

    it('are made once, and never changed', async () => {
      expect(await claims.create(claimOf('7', 1, 'instance-1'))).toBe(true);
      expect(await elsewhere.create(claimOf('7', 1, 'instance-2'))).toBe(false);
      expect(await claims.create(claimOf('7', 1, 'instance-1'))).toBe(false);
      expect((await elsewhere.highest('7'))?.claim?.instance).toBe('instance-1');
    });

    it('keep what they say of the owner', async () => {
      const claim = { ...claimOf('7', 4), boot: 'boot/pid:1', generation: 3 };
      await claims.create(claim);
      expect((await elsewhere.highest('7'))?.claim).toEqual(claim);
    });

    it('count also where they cannot be read, and name the newest that can', async () => {
      await claims.create(claimOf('7', 1));
      await claims.create(claimOf('7', 2));
      for (const epoch of [3, 4]) await spoil('7', epoch);
      const expected = { epoch: 4, claim: null, lastReadable: claimOf('7', 2), released: false };
      expect(await claims.highest('7')).toEqual(expected);
      expect(await elsewhere.create(claimOf('7', 4))).toBe(false);
      await spoil('8', 1);
      expect(await claims.highest('8')).toEqual({
        epoch: 1,
        claim: null,
        lastReadable: null,
        released: false,
      });
    });

    it('are released at their epoch, once and for ever', async () => {
      await claims.create(claimOf('7', 1));
      await claims.release('7', 1);
      await claims.release('7', 1);
      expect(await elsewhere.highest('7')).toMatchObject({ epoch: 1, released: true });
      await elsewhere.create(claimOf('7', 2, 'instance-2'));
      expect(await claims.highest('7')).toMatchObject({ epoch: 2, released: false });
      await claims.release('7', 1);
      expect(await claims.highest('7')).toMatchObject({ epoch: 2, released: false });
    });

    it('cannot be released where there are none', async () => {
      await expect(claims.release('7', 1)).rejects.toMatchObject({ code: 'storage_unavailable' });
    });

    it('name the workspaces that have any', async () => {
      await claims.create(claimOf('7', 1));
      await elsewhere.create(claimOf('acme', 1));
      expect((await claims.workspaces()).sort()).toEqual(['7', 'acme']);
    });

    it('are of one winner among twenty who try at once', async () => {
      const tries = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          (index % 2 === 0 ? claims : elsewhere).create(claimOf('7', 1, `instance-${index + 1}`)),
        ),
      );
      expect(tries.filter(Boolean)).toHaveLength(1);
      expect((await claims.highest('7'))?.claim?.instance).toBe(`instance-${tries.indexOf(true) + 1}`);
    });

    it('are of one winner each, whoever tries which epoch', async () => {
      const epochs = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 2, maxLength: 20 });
      let workspace = 0;
      await fc.assert(
        fc.asyncProperty(epochs, async (tried) => {
          const id = String(++workspace);
          const tries = await Promise.all(
            tried.map(async (epoch, index) => ({
              epoch,
              instance: `instance-${index + 1}`,
              won: await (index % 2 === 0 ? claims : elsewhere).create(
                claimOf(id, epoch, `instance-${index + 1}`),
              ),
            })),
          );
          for (const epoch of new Set(tried))
            expect(tries.filter((one) => one.epoch === epoch && one.won)).toHaveLength(1);
          const highest = await claims.highest(id);
          expect(highest?.epoch).toBe(Math.max(...tried));
          const winner = tries.find((one) => one.epoch === highest?.epoch && one.won);
          expect(highest?.claim?.instance).toBe(winner?.instance);
        }),
        { numRuns: 20 },
      );
    });
  });
}
