import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../common/errors.ts';

/** What a session needs of its user data directory (facts file, 15): everything else Chromium makes anew. */
export const NEEDED = ['Default/IndexedDB', 'Default/Local Storage'] as const;

/** A LOCK means nothing once its process has ended; LOG and LOG.old are LevelDB's words about itself; a `.dbtmp` is a CURRENT that never became one. */
const LEFT_OUT = /^(LOCK|LOG|LOG\.old)$|\.dbtmp$/;

/** What is appended to or replaced in place of a database: its size and time alone do not tell that it is the same. */
const CHANGING = /^(CURRENT|MANIFEST-\d+|\d+\.log)$/;

/** Tables, which are written once and then only removed. */
const TABLE = /^\d+\.(ldb|sst)$/;

/**
 * The files of a profile that a session needs, by path relative to the user data directory with `/` between the parts, sorted.
 * Symbolic links, pipes and the like are left out. Directories that are not there, or vanish meanwhile, hold nothing.
 *
 * @throws Error as the file system has it, but for ENOENT
 */
export async function listNeeded(userData: string): Promise<string[]> {
  const found: string[] = [];
  for (const directory of NEEDED) await walk(userData, directory, found);
  return found.sort();
}

/** Whether the file must be read to know that it has not changed. */
export function isChanging(path: string): boolean {
  return CHANGING.test(baseOf(path));
}

/** Whether the file is a table: whoever has the same one may share it, since nobody writes to it again. */
export function isTable(path: string): boolean {
  return TABLE.test(baseOf(path));
}

async function walk(userData: string, directory: string, found: string[]): Promise<void> {
  for (const entry of await list(join(userData, directory))) {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory()) await walk(userData, path, found);
    else if (entry.isFile() && !LEFT_OUT.test(entry.name)) found.push(path);
  }
}

async function list(directory: string): Promise<Dirent[]> {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
