import { constants } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../common/errors.ts';
import type { FileStamp } from './file-memory.ts';

/** Bytes read at one time: hashed in one go, which must not hold up the event loop. */
const CHUNK = 1024 * 1024;
/** No link is followed, and no pipe waited for. */
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** What a file that its browser removes or replaces just now answers. */
const PASSING: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ESTALE', 'ELOOP', 'ENXIO']);

/** A file that is open for reading. */
export interface OpenFile {
  stamp: FileStamp;
  /** Its bytes from one offset up to another; fewer where it ends before. */
  read(from: number, to: number): AsyncGenerator<Uint8Array>;
}

/**
 * What a file is now; null where there is none, or it is no plain file.
 *
 * @param open whether to open it for that, which makes a network file system ask its server; else what this host knows does
 */
export async function stampOf(
  profile: string,
  path: string,
  how: 'open' | 'look',
): Promise<FileStamp | null> {
  if (how === 'open') return await withFile(profile, path, async ({ stamp }) => stamp);
  try {
    const found = await lstat(join(profile, path), { bigint: true });
    return found.isFile() ? { size: found.size, modified: found.mtimeNs, inode: found.ino } : null;
  } catch (error) {
    if (PASSING.has(systemCode(error))) return null;
    throw error;
  }
}

/**
 * Opens a file and does something with it.
 *
 * @returns null where there is none, or it is no plain file
 * @throws Error as the file system has it, but for files that vanish; what `work` throws
 */
export async function withFile<T>(
  profile: string,
  path: string,
  work: (file: OpenFile) => Promise<T>,
): Promise<T | null> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(join(profile, path), READ);
    const found = await handle.stat({ bigint: true });
    if (!found.isFile()) return null;
    const stamp = { size: found.size, modified: found.mtimeNs, inode: found.ino };
    const source = handle;
    return await work({ stamp, read: (from, to) => readRange(source, from, to) });
  } catch (error) {
    if (PASSING.has(systemCode(error))) return null;
    throw error;
  } finally {
    await handle?.close();
  }
}

async function* readRange(handle: FileHandle, from: number, to: number): AsyncGenerator<Uint8Array> {
  for (let at = from; at < to; ) {
    const wanted = Math.min(CHUNK, to - at);
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafeSlow(wanted), 0, wanted, at);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}
