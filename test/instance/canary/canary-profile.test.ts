import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
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
    // A generation that is mounted somewhere else.
    const mounted = join(await temporaryDirectory(), 'mounted');
    await mkdir(mounted);
    await writeFile(join(mounted, 'wharf-profile.json'), '{}');
    await expect(open(join(mounted, 'session-sales'))).rejects.toThrow('belongs to a fleet');
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

  it('has the profile of before again where the reduced one is no good, and the reduced one where that was ready', async () => {
    const { cache, directory, log, profile } = await withProfile();
    await profile.reduce();
    expect(existsSync(log)).toBe(true);
    expect(existsSync(cache)).toBe(false);
    await profile.settle(false);
    expect(existsSync(cache)).toBe(true);

    await profile.reduce();
    await profile.settle(true);
    await profile.close();
    await open(directory);
    expect(existsSync(log)).toBe(true);
    expect(existsSync(cache)).toBe(false);
    expect(await parts(directory)).toEqual(['profile', 'wharf-canary.json']);
  });

  it('has the profile of before again where a run was cut off before the reduced one was ready', async () => {
    const { cache, directory, profile } = await withProfile();
    await profile.reduce();
    await profile.close();
    await open(directory);
    expect(existsSync(cache)).toBe(true);
    expect(await parts(directory)).toEqual(['profile', 'wharf-canary.json']);
  });

  it('keeps its profile whole where it could not be copied to the end', async () => {
    const { cache, directory, log, profile } = await withProfile();
    for (let file = 0; file < 500; file += 1) await writeFile(join(dirname(log), `${1000 + file}.ldb`), 'x');
    let isOver = false;
    const reducing = profile.reduce().finally(() => {
      isOver = true;
    });
    // The last goes when the first is copied.
    while (!isOver && !existsSync(join(directory, 'copy.tmp'))) await setImmediate();
    await rm(join(dirname(log), '1499.ldb'), { force: true });
    await expect(reducing).rejects.toMatchObject({ code: 'storage_unavailable' });
    expect(existsSync(log)).toBe(true);
    expect(existsSync(cache)).toBe(true);
    expect(await parts(directory)).toEqual(['profile', 'wharf-canary.json']);
  });

  it('takes no half of a profile that was on its way for a whole one', async () => {
    const { cache, directory, log, profile } = await withProfile();
    await profile.close();
    for (const half of ['copy.tmp', 'gone.tmp'])
      await mkdir(join(directory, half, 'session-canary'), { recursive: true });
    // Between the two renames.
    await rename(join(directory, 'profile'), join(directory, 'before'));
    await open(directory);
    expect(existsSync(log)).toBe(true);
    expect(existsSync(cache)).toBe(true);
    expect(await parts(directory)).toEqual(['profile', 'wharf-canary.json']);
  });
});

/** A canary whose profile has something that a session needs, and a cache. */
async function withProfile() {
  const directory = join(await temporaryDirectory(), 'canary');
  const profile = await open(directory);
  const database = join(profile.userData, 'Default/IndexedDB/https_web.whatsapp.com_0.indexeddb.leveldb');
  const cache = join(profile.userData, 'Default', 'Cache');
  await mkdir(database, { recursive: true });
  await mkdir(cache);
  const log = join(database, '000006.log');
  await writeFile(log, 'x');
  return { cache, directory, log, profile };
}

async function parts(directory: string): Promise<string[]> {
  return (await readdir(directory)).sort();
}
