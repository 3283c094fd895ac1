import { open, symlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findOpenFiles, findUse } from '../../../cli/import/in-use.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { plainProfile } from './plain-profile.ts';

const DATABASE = 'Default/IndexedDB/https_web.whatsapp.com_0.indexeddb.leveldb';
/** Beyond the largest process id that Linux gives. */
const NOBODY = 4_194_305;

describe('whether a profile is in use', () => {
  it('is seen by a file that a process has open, by whatever path, as long as it has', async () => {
    const root = await temporaryDirectory();
    const profile = await plainProfile(root, 'shop');
    const other = await plainProfile(root, 'other');
    await symlink(profile, join(root, 'elsewhere'));
    const held = await open(join(root, 'elsewhere', DATABASE, 'LOCK'));
    const then = await findOpenFiles();
    expect(await findUse(profile, then)).toEqual({ kind: 'in_use', pid: process.pid });
    expect(await findUse(other, then)).toBeNull();
    await held.close();
    expect(await findUse(profile, await findOpenFiles())).toBeNull();
  });

  it('is told by a lock of another machine, and not by one whose browser has ended here, or is another program', async () => {
    const files = { holders: new Map(), unseen: 0 };
    const locked = async (target: string) => {
      const profile = await plainProfile(await temporaryDirectory(), 'shop');
      await symlink(target, join(profile, 'SingletonLock'));
      return await findUse(profile, files);
    };
    expect(await locked('old-machine-1-4711')).toEqual({ kind: 'locked_elsewhere', host: 'old-machine-1' });
    expect(await locked(`${hostname()}-${NOBODY}`)).toBeNull();
    expect(await locked(`${hostname()}-${process.pid}`)).toBeNull();
  });
});
