import { describe, expect, it } from 'vitest';
import { MemoryClaimStorage, MemoryClaims } from '../../fleet/memory-claims.ts';
import { testsClaims } from '../conformance/claims.ts';
import { claimOf } from '../helpers/fleet-values.ts';
import { HandClock } from '../helpers/hand-clock.ts';

testsClaims('in memory', async () => {
  const storage = new MemoryClaimStorage(new HandClock());
  return {
    claims: new MemoryClaims(storage, 'one'),
    elsewhere: new MemoryClaims(storage, 'other'),
    spoil: async (workspace, epoch) => storage.spoil(workspace, epoch),
  };
});

describe('claims in memory', () => {
  it('show late where they were not made, and for ever then; making asks the server', async () => {
    const clock = new HandClock();
    const storage = new MemoryClaimStorage(clock);
    const delays = [300, 5000];
    const one = new MemoryClaims(storage, 'one');
    const other = new MemoryClaims(storage, 'other', { delay: () => delays.shift() ?? 0 });
    await one.create(claimOf('7', 1));
    expect(await one.highest('7')).toMatchObject({ epoch: 1 });
    expect(await other.highest('7')).toBeUndefined();
    expect(await other.create(claimOf('7', 1, 'instance-2'))).toBe(false);
    clock.pass(299);
    expect(await other.highest('7')).toBeUndefined();
    clock.pass(1);
    expect(await other.highest('7')).toMatchObject({ epoch: 1, released: false });
    await one.release('7', 1);
    expect(await other.highest('7')).toMatchObject({ released: false });
    clock.pass(5000);
    expect(await other.highest('7')).toMatchObject({ released: true });
    expect(await other.create(claimOf('7', 2, 'instance-2'))).toBe(true);
    expect(await other.highest('7')).toMatchObject({ epoch: 2 });
  });

  it('are a value that can be copied and put back', async () => {
    const storage = new MemoryClaimStorage(new HandClock());
    const claims = new MemoryClaims(storage, 'one');
    await claims.create(claimOf('7', 1));
    const kept = structuredClone(storage.state);
    await claims.create(claimOf('7', 2));
    storage.state = kept;
    expect(await claims.highest('7')).toMatchObject({ epoch: 1 });
  });
});
