import { mkdir, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { FileClaims } from '../../fleet/file-claims.ts';
import { SessionPaths } from '../../fleet/session-paths.ts';
import { testsClaims } from '../conformance/claims.ts';
import { claimOf } from '../helpers/fleet-values.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';

async function storage() {
  const paths = new SessionPaths(await temporaryDirectory());
  return { paths, claims: new FileClaims(paths) };
}

testsClaims('as files', async () => {
  const { paths, claims } = await storage();
  return {
    claims,
    elsewhere: new FileClaims(new SessionPaths(paths.root)),
    spoil: async (workspace, epoch) => {
      await mkdir(paths.owners(workspace), { recursive: true });
      await writeFile(paths.claim(workspace, epoch), epoch % 2 === 0 ? '' : '{"workspace_id":"7","epo');
    },
  };
});

describe('claims as files', () => {
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

  it('are told apart from what else lies beside them', async () => {
    const { paths, claims } = await storage();
    await claims.create(claimOf('7', 2));
    for (const name of ['3.tmp', '03', '-4', '5.released', 'x', '.6.abc'])
      await writeFile(`${paths.owners('7')}/${name}`, '');
    expect(await claims.highest('7')).toMatchObject({ epoch: 2, released: false });
  });
});
