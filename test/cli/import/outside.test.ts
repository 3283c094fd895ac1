import { existsSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { requireOutsideFleets } from '../../../cli/import/outside.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { runWharf } from '../../helpers/terminal.ts';
import { plainProfile } from './plain-profile.ts';

const REFUSED = { code: 'wrong_use', message: expect.stringContaining('the session path of a fleet') };

/** A session path, the profile of a session in it, and what says whether a directory may be imported into it. */
async function scene() {
  const root = await temporaryDirectory();
  const live = await plainProfile(join(root, 'workspace_7', 'session_sales', 'gen-3'), 'sales');
  const look = (directory: string, sessionPath = root) => requireOutsideFleets([{ directory }], sessionPath);
  return { root, live, look };
}

describe('profiles that are to be imported', () => {
  it('may lie anywhere but in a fleet', async () => {
    const { look } = await scene();
    await look(await plainProfile(join(await temporaryDirectory(), '.wwebjs_auth'), 'shop'));
  });

  it("are refused where they are this fleet's, also through a symbolic link to them, to what is above, or from within", async () => {
    const { root, live, look } = await scene();
    await expect(look(live)).rejects.toMatchObject(REFUSED);
    const plain = await temporaryDirectory();
    await symlink(live, join(plain, 'session-sales'));
    await expect(look(join(plain, 'session-sales'))).rejects.toMatchObject(REFUSED);
    await symlink(dirname(live), join(plain, 'sessions'));
    await expect(look(join(plain, 'sessions', 'session-sales'))).rejects.toMatchObject(REFUSED);
    await mkdir(join(plain, 'session-b'));
    await symlink(join(live, 'Default'), join(plain, 'session-b', 'Default'));
    await expect(look(join(plain, 'session-b'))).rejects.toMatchObject(REFUSED);
    // The session path itself may be the link.
    const named = join(plain, 'share');
    await symlink(root, named);
    const below = await plainProfile(join(root, 'elsewhere'), 'shop');
    await expect(look(below, named)).rejects.toMatchObject(REFUSED);
  });

  it("are refused where they are another fleet's, or the same one's by another mount", async () => {
    const { live, look } = await scene();
    const other = await temporaryDirectory();
    await expect(look(live, other)).rejects.toMatchObject(REFUSED);
    const workspace = await temporaryDirectory();
    await mkdir(join(workspace, 'owners'));
    await expect(look(await plainProfile(join(workspace, 'x'), 'shop'))).rejects.toMatchObject(REFUSED);
    const generation = await temporaryDirectory();
    await writeFile(join(generation, 'wharf-profile.json'), '{}');
    await expect(look(await plainProfile(generation, 'shop'))).rejects.toMatchObject(REFUSED);
  });

  it('are refused by the command before anything is asked or written', async () => {
    const { root, live } = await scene();
    await mkdir(join(root, 'fleet'));
    const state = join(await temporaryDirectory(), 'state.json');
    const ran = await runWharf(['import', dirname(live), '--workspace', '8', '--yes', '--state', state], {
      env: { WHATSAPP_SESSION_PATH: await linkTo(root), WHARF_URL: 'http://127.0.0.1:1', WHARF_API_KEY: 'k' },
    });
    expect(ran).toMatchObject({ code: 2, err: expect.stringContaining('the session path of a fleet') });
    expect(existsSync(state)).toBe(false);
  });
});

async function linkTo(directory: string): Promise<string> {
  const link = join(await temporaryDirectory(), 'link');
  await symlink(directory, link);
  return link;
}
