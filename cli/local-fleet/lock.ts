import { link, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode, WharfError } from '../../common/errors.ts';
import { storageError } from '../../common/files.ts';
import { processIdentity } from './process-identity.ts';

/** Name of the lock in a data directory. */
const LOCK_FILE = 'local-fleet.lock';

/**
 * Takes a data directory for this process. A lock whose process is gone does not count.
 *
 * @returns what gives it back
 * @throws WharfError `invalid_state` that says who has it
 */
export async function lockDataDirectory(data: string): Promise<() => Promise<void>> {
  const path = join(data, LOCK_FILE);
  const own = `${path}.${process.pid}`;
  const content = `${process.pid} ${await processIdentity(process.pid)}\n`;
  try {
    await writeFile(own, content, { mode: 0o600 });
    while (!(await tryLink(own, path))) {
      const owner = await livingOwner(path);
      if (owner === null) await unlinkIfThere(path);
      else {
        throw new WharfError(
          'invalid_state',
          `A fleet runs from ${data} already: process ${owner}. End it first (Ctrl-C where it runs, or kill ${owner}), or start this one from another directory with --data.`,
        );
      }
    }
  } catch (error) {
    throw storageError('lock the data directory', data, error);
  } finally {
    await unlinkIfThere(own);
  }
  return async () => {
    if ((await readText(path)) === content) await unlinkIfThere(path);
  };
}

/** link() makes the lock with its content in one step, and fails where there is one. */
async function tryLink(own: string, path: string): Promise<boolean> {
  try {
    await link(own, path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function livingOwner(path: string): Promise<number | null> {
  const match = /^(\d{1,10}) (.+)\n$/.exec((await readText(path)) ?? '');
  if (match === null) return null;
  const pid = Number(match[1]);
  return (await processIdentity(pid)) === match[2] ? pid : null;
}

async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
}

async function unlinkIfThere(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (systemCode(error) !== 'ENOENT') throw error;
  });
}
