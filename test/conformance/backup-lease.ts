import { describe, expect, it } from 'vitest';
import type { BackupLease } from '../../fleet/backup/backup-lease.ts';
import { aServiceNote } from '../helpers/memory-backup-lease.ts';

/** What every {@link BackupLease} does. @param pass lets so many milliseconds go by */
export function backupLeaseConformance(
  name: string,
  make: () => Promise<{ lease: BackupLease; pass: (milliseconds: number) => Promise<void> }>,
): void {
  const [one, other] = [aServiceNote('one'), aServiceNote('other')];

  describe(`${name} as a lease of the backup service`, () => {
    it('is taken by the first, who holds it on; the other is told who that is', async () => {
      const { lease } = await make();
      expect(await lease.holder()).toBeNull();
      expect(await lease.hold(one, 10_000)).toEqual(one);
      expect(await lease.hold(other, 10_000)).toEqual(one);
      const moved = { ...one, url: 'http://elsewhere:1' };
      expect(await lease.hold(moved, 10_000)).toEqual(moved);
      expect(await lease.holder()).toEqual(moved);
    });

    it('lapses where it is not renewed', async () => {
      const { lease, pass } = await make();
      await lease.hold(one, 200);
      await pass(300);
      expect(await lease.holder()).toBeNull();
      expect(await lease.hold(other, 10_000)).toEqual(other);
      expect(await lease.hold(one, 10_000)).toEqual(other);
    });

    it('is renewed for the whole time', async () => {
      const { lease, pass } = await make();
      await lease.hold(one, 1000);
      await pass(100);
      await lease.hold(one, 100_000);
      await pass(1200);
      expect(await lease.hold(other, 10_000)).toEqual(one);
    });

    it('is given up by who holds it, and by nobody else', async () => {
      const { lease } = await make();
      await lease.hold(one, 10_000);
      await lease.release('other');
      expect(await lease.holder()).toEqual(one);
      await lease.release('one');
      expect(await lease.holder()).toBeNull();
    });

    it('has one winner of many who ask at once', async () => {
      const { lease } = await make();
      const notes = Array.from({ length: 10 }, (_, n) => aServiceNote(`service-${n}`));
      const holders = await Promise.all(notes.map((note) => lease.hold(note, 10_000)));
      expect(new Set(holders.map(({ service }) => service)).size).toBe(1);
    });
  });
}
