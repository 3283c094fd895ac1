import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import pMap from 'p-map';
import { systemCode } from '../../common/errors.ts';

/** What a session needs of its user data directory (facts file, 15): everything else Chromium makes anew. */
export const NEEDED = ['Default/IndexedDB', 'Default/Local Storage'] as const;

/** A LOCK means nothing once its process has ended; LOG and LOG.old are LevelDB's words about itself; a `.dbtmp` is a CURRENT that never became one. */
const LEFT_OUT = /^(LOCK|LOG|LOG\.old)$|\.dbtmp$/;

/** What is appended to or replaced in place of a database: its size and time alone do not tell that it is the same. */
const CHANGING = /^(CURRENT|MANIFEST-\d+|\d+\.log)$/;

/** Tables, which are written once and then only removed. */
const TABLE = /^\d+\.(ldb|sst)$/;

/** Directories listed at one time: Node has four threads for files by default, and one stays free for the rest of the process. */
const AT_ONCE = 3;

/** How directories are listed. */
export interface Listing {
  /** So many at one time. */
  concurrency?: number;
  /** Throws as the file system has it. */
  list?: (directory: string) => Promise<Dirent[]>;
}

/**
 * The files of a profile that a session needs, by path relative to the user data directory with `/` between the parts, sorted.
 * Symbolic links, pipes and the like are left out. Directories that are not there, or vanish meanwhile, hold nothing. Blobs lie in hundreds of directories, each of
 * which costs a network file system a round trip or more: they are listed side by side.
 *
 * @throws Error as the file system has it, but for ENOENT
 */
export async function listNeeded(
  userData: string,
  { concurrency = AT_ONCE, list = listDirectory }: Listing = {},
): Promise<string[]> {
  const found: string[] = [];
  for (let level: string[] = [...NEEDED]; level.length > 0; ) {
    const below: string[] = [];
    await pMap(
      level,
      async (directory) => {
        for (const entry of await listIfThere(join(userData, directory), list)) {
          const path = `${directory}/${entry.name}`;
          if (entry.isDirectory()) below.push(path);
          else if (entry.isFile() && !LEFT_OUT.test(entry.name)) found.push(path);
        }
      },
      { concurrency },
    );
    level = below;
  }
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

async function listDirectory(directory: string): Promise<Dirent[]> {
  return await readdir(directory, { withFileTypes: true });
}

async function listIfThere(
  directory: string,
  list: (directory: string) => Promise<Dirent[]>,
): Promise<Dirent[]> {
  try {
    return await list(directory);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
