import { mkdir, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FileClaims } from '../../fleet/file-claims.ts';
import type { Claim } from '../../fleet/records.ts';
import { SessionPaths } from '../../fleet/session-paths.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';

const claim = (epoch: number, instance = 'instance-1'): Claim => ({
  workspace_id: '7',
  epoch,
  instance,
  incarnation: 'a',
  host: 'h',
  claimed_at: '2026-11-22T00:00:00.000Z',
});

async function storage() {
  const paths = new SessionPaths(await temporaryDirectory());
  return { paths, claims: new FileClaims(paths) };
}

describe('claims', () => {
  it('are none where there is nothing, and the highest by number, not by name', async () => {
    const { claims } = await storage();
    expect(await claims.highest('7')).toBeUndefined();
    for (const epoch of [2, 10, 9]) expect(await claims.create(claim(epoch))).toBe(true);
    expect(await claims.highest('7')).toEqual({ epoch: 10, claim: claim(10), lastReadable: claim(10) });
  });

  it('are made once, and never changed', async () => {
    const { claims } = await storage();
    expect(await claims.create(claim(1, 'instance-1'))).toBe(true);
    expect(await claims.create(claim(1, 'instance-2'))).toBe(false);
    expect((await claims.highest('7'))?.claim?.instance).toBe('instance-1');
  });

  it('count also where they cannot be read, and name the newest that can', async () => {
    const { paths, claims } = await storage();
    await claims.create(claim(1));
    await writeFile(paths.claim('7', 2), '{"workspace_id":"7","epo');
    await writeFile(paths.claim('7', 3), '');
    expect(await claims.highest('7')).toEqual({ epoch: 3, claim: null, lastReadable: claim(1) });
    expect(await claims.create(claim(3))).toBe(false);
  });

  it('cannot be looked for where the storage fails, which is not the same as none', async () => {
    const { paths, claims } = await storage();
    await mkdir(paths.workspace('7'));
    await writeFile(paths.owners('7'), 'a file is in the way');
    await expect(claims.highest('7')).rejects.toMatchObject({ code: 'storage_unavailable' });
    await mkdir(paths.owners('8'), { recursive: true });
    await mkdir(paths.claim('8', 1));
    await expect(claims.highest('8')).rejects.toMatchObject({ code: 'storage_unavailable' });
  });

  it('name the workspaces that have a directory, and nothing else', async () => {
    const { paths, claims } = await storage();
    for (const name of ['workspace_7', 'workspace_acme', 'workspace_007', 'workspace_', 'fleet', 'other'])
      await mkdir(`${paths.root}/${name}`);
    expect((await claims.workspaces()).sort()).toEqual(['7', 'acme']);
  });

  it('are of one winner each, whoever tries at once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 2, maxLength: 20 }),
        async (epochs) => {
          const { claims } = await storage();
          const tries = await Promise.all(
            epochs.map(async (epoch, index) => ({
              epoch,
              index,
              won: await claims.create(claim(epoch, `instance-${index + 1}`)),
            })),
          );
          for (const epoch of new Set(epochs))
            expect(tries.filter((one) => one.epoch === epoch && one.won)).toHaveLength(1);
          const highest = await claims.highest('7');
          const winner = tries.find((one) => one.epoch === highest?.epoch && one.won);
          expect(highest?.claim?.instance).toBe(`instance-${(winner?.index ?? -1) + 1}`);
        },
      ),
      { numRuns: 20 },
    );
  });
});
