import { constants, type Dirent } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../common/errors.ts';
import { type DatabaseFiles, LOG_NAME, manifestNameOf } from './leveldb-plan.ts';

/**
 * The largest file that is read whole, in bytes. Chromium begins a new log at some 4 MiB; one write may be larger, but nothing of a session's comes near this.
 */
const LARGEST_READ = 256 * 1024 * 1024;

export interface DatabaseReading {
  files: DatabaseFiles;
  /** What could not be read; such files are missing from `files`. An empty name is the directory itself. */
  unreadable: Array<{ name: string; error: unknown }>;
}

/** Reads what a repair needs of a LevelDB directory. Never throws. Symbolic links, pipes and the like are not opened. */
export async function readDatabase(directory: string): Promise<DatabaseReading> {
  const sizes = new Map<string, number>();
  const logs = new Map<string, Uint8Array>();
  const unreadable: DatabaseReading['unreadable'] = [];

  const read = async (name: string): Promise<Uint8Array | null> => {
    if (!sizes.has(name)) return null;
    try {
      return await readWhole(join(directory, name));
    } catch (error) {
      unreadable.push({ name, error });
      return null;
    }
  };

  for (const entry of await list(directory, unreadable)) {
    if (!entry.isFile()) {
      if (LOG_NAME.test(entry.name))
        unreadable.push({ name: entry.name, error: new Error('it is not a plain file') });
      continue;
    }
    try {
      sizes.set(entry.name, (await lstat(join(directory, entry.name))).size);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') unreadable.push({ name: entry.name, error });
    }
  }

  for (const name of sizes.keys()) {
    if (!LOG_NAME.test(name)) continue;
    const bytes = await read(name);
    if (bytes !== null) logs.set(name, bytes);
  }
  const currentBytes = await read('CURRENT');
  const current = currentBytes === null ? null : Buffer.from(currentBytes).toString('latin1');
  const manifestName = current === null ? null : manifestNameOf(current);
  const manifest = manifestName === null ? null : await read(manifestName);
  return { files: { sizes, current, manifest, logs }, unreadable };
}

async function list(directory: string, unreadable: DatabaseReading['unreadable']): Promise<Dirent[]> {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch (error) {
    unreadable.push({ name: '', error });
    return [];
  }
}

async function readWhole(path: string): Promise<Uint8Array> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new Error('it is not a plain file');
    if (found.size > LARGEST_READ) throw new Error(`${found.size} bytes are more than a log can have`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}
