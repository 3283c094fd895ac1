import { existsSync } from 'node:fs';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CanaryProfile } from '../../../instance/canary/canary-profile.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

async function open(directory: string, sessionPath = '/mnt/nowhere/sessions'): Promise<CanaryProfile> {
  const profile = await CanaryProfile.open(directory, sessionPath);
  onTestFinished(() => profile.close());
  return profile;
}

describe("a canary's directory", () => {
  it('is made where there is nothing, and opened again by the next run, not beside it', async () => {
    const directory = join(await temporaryDirectory(), 'a', 'canary');
    const first = await CanaryProfile.open(directory, '/mnt/nowhere');
    await expect(CanaryProfile.open(directory, '/mnt/nowhere')).rejects.toThrow('Another canary runs');
    await first.close();
    await open(directory);
  });

  it("is refused where it is a fleet's, also by another name", async () => {
    const root = await temporaryDirectory();
    const session = join(root, 'workspace_7', 'session_sales', 'gen-1');
    await mkdir(session, { recursive: true });
    await expect(open(session)).rejects.toThrow('belongs to a fleet');
    await expect(open(join(session, 'new'))).rejects.toThrow('belongs to a fleet');
    await expect(open(join(root, 'canary'), root)).rejects.toThrow('belongs to a fleet');
    await mkdir(join(root, 'claimed', 'owners'), { recursive: true });
    await expect(open(join(root, 'claimed', 'canary'))).rejects.toThrow('belongs to a fleet');
    const link = join(await temporaryDirectory(), 'innocent');
    await symlink(session, link);
    await expect(open(link)).rejects.toThrow('belongs to a fleet');
    expect(await readdir(session)).toEqual([]);
  });

  it('is refused where something else lies', async () => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory, 'letter.txt'), 'Dear');
    await expect(open(directory)).rejects.toThrow('no canary made it');
  });

  it('has the profile of before again where the reduced one is no good, and of a run that was cut off the newer one', async () => {
    const directory = join(await temporaryDirectory(), 'canary');
    const profile = await open(directory);
    const database = 'Default/IndexedDB/https_web.whatsapp.com_0.indexeddb.leveldb';
    const cache = join(profile.userData, 'Default', 'Cache');
    await mkdir(join(profile.userData, database), { recursive: true });
    await mkdir(cache);
    await writeFile(join(profile.userData, database, '000006.log'), 'x');
    await profile.reduce();
    expect(existsSync(join(profile.userData, database, '000006.log'))).toBe(true);
    expect(existsSync(cache)).toBe(false);
    await profile.settle(false);
    expect(existsSync(cache)).toBe(true);

    await profile.reduce();
    await profile.close();
    const next = await open(directory);
    expect(existsSync(join(next.userData, database, '000006.log'))).toBe(true);
    expect(existsSync(cache)).toBe(false);
    expect(existsSync(join(directory, 'before'))).toBe(false);
  });
});
