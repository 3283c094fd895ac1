import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { storageError } from '../../common/files.ts';
import { tableFault } from '../../fleet/profile/leveldb-table.ts';
import { isTable, listNeeded } from '../../fleet/profile/needed-files.ts';
import { inspectProfile } from '../../fleet/profile/repair.ts';

/** Where WhatsApp Web keeps what makes a session one: its keys and its messages. */
const DATABASES = 'Default/IndexedDB';

/**
 * Looks at a profile that was put together from a backup, as closely as can be done without a browser: that its databases are there, that each CURRENT names a
 * MANIFEST that can be read, that all the tables and logs that it names are there, and that each table has a footer and an index that are whole. A log with a torn end is
 * well: whoever opens the profile cuts it off, as after a kill.
 *
 * Opening it in a browser would log in a second time, with the keys of a session that is running: see docs/decisions/0020-verification.md.
 *
 * @param userData the user data directory, on which no browser runs
 * @returns what is wrong, in words; empty: nothing
 * @throws WharfError `storage_unavailable`
 */
export async function inspectAssembled(userData: string): Promise<string[]> {
  const report = await inspectProfile(userData);
  const faults = report.faults
    .filter(({ severity }) => severity !== 'note')
    .map(({ file, detail }) => `${file}: ${detail}`);
  if (!(await hasDatabase(userData))) faults.push(`${DATABASES} holds no database`);
  for (const path of (await listNeeded(userData)).filter(isTable)) {
    const fault = await faultOfTable(join(userData, path));
    if (fault !== null) faults.push(`${path}: ${fault}`);
  }
  return faults;
}

async function hasDatabase(userData: string): Promise<boolean> {
  const path = join(userData, DATABASES);
  try {
    for (const name of await readdir(path))
      if (name.endsWith('.leveldb') && (await readdir(join(path, name))).includes('CURRENT')) return true;
    return false;
  } catch {
    // Not there, or no directory: then there is none.
    return false;
  }
}

async function faultOfTable(path: string): Promise<string | null> {
  try {
    const { size } = await stat(path);
    const handle = await open(path);
    try {
      return await tableFault(size, async (at, length) => {
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, at);
        return buffer.subarray(0, bytesRead);
      });
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw storageError('read the table', path, error);
  }
}
