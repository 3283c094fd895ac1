import { statfs } from 'node:fs/promises';
import { storageError } from './files.ts';

/** The room of a file system. */
export interface Space {
  /** Bytes that this user may still write. */
  free: number;
  /** Bytes in all; 0 where it does not tell. */
  total: number;
  /** Files that may still be made; null where it sets no limit. */
  freeFiles: number | null;
}

/** The room of the file system of a path. Throws WharfError `storage_unavailable`. */
export async function spaceOf(path: string): Promise<Space> {
  try {
    const { bavail, bsize, blocks, ffree, files } = await statfs(path);
    return { free: bavail * bsize, total: blocks * bsize, freeFiles: files === 0 ? null : ffree };
  } catch (error) {
    throw storageError('look how much room there is', path, error);
  }
}
