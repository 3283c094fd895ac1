import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '../../common/errors.ts';
import { storageError } from '../../common/files.ts';

const CHUNK = 256 * 1024;
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** What a file was when it was read. */
export interface FileFacts {
  /** Bytes that were read. */
  size: number;
  /** Of those bytes, in hexadecimal. */
  sha256: string;
  /** What the file system said before the reading began; other values later mean that it was written to. */
  seen: FileStamp;
}

/** What tells cheaply that a file was written to. */
export interface FileStamp {
  size: bigint;
  /** Nanoseconds since 1970. */
  modified: bigint;
}

/**
 * Reads a file once, to its end.
 *
 * @throws Error as the file system has it; also where it is no plain file
 */
export async function hashFile(path: string): Promise<FileFacts> {
  return await reading(path, async (source, seen) => ({ ...(await drain(source)), seen }));
}

/** Opening, then looking, makes a network file system ask its server. Throws as the file system does. */
export async function stampFile(path: string): Promise<FileStamp> {
  return await reading(path, async (_source, seen) => seen);
}

/**
 * Copies a file: read once, hashed on the way, synced, and the copy read again to see that it holds the same. A copy that was there is replaced.
 *
 * @returns what the source was when it was read; it may have changed since
 * @throws WharfError `storage_unavailable` where the copy cannot be written (a full disk); else Error as the file system has it of the source
 */
export async function copyFile(from: string, to: string): Promise<FileFacts> {
  return await reading(from, async (source, seen) => {
    const target = await onTarget(to, () =>
      open(to, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW, 0o600),
    );
    try {
      const read = await drain(source, (chunk, at) => onTarget(to, () => writeAll(target, chunk, at)));
      await onTarget(to, () => target.sync());
      const written = await onTarget(to, () => drain(target));
      if (written.sha256 !== read.sha256)
        throw storageError(
          'copy',
          to,
          new Error('the copy does not hold what was written to it; look at the disk'),
        );
      return { ...read, seen };
    } finally {
      await target.close();
    }
  });
}

/**
 * Copies files of one directory into another as {@link copyFile} does, one after the other; directories are made as they need to be, for this user alone (0700).
 *
 * @param paths relative to both
 * @throws WharfError and Error as {@link copyFile}; the signal's reason
 */
export async function copyFiles(
  from: string,
  to: string,
  paths: Iterable<string>,
  signal?: AbortSignal,
): Promise<void> {
  for (const path of paths) {
    signal?.throwIfAborted();
    const target = join(to, path);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await copyFile(join(from, path), target);
  }
}

async function reading<T>(
  path: string,
  work: (source: FileHandle, seen: FileStamp) => Promise<T>,
): Promise<T> {
  const source = await open(path, READ);
  try {
    const found = await source.stat({ bigint: true });
    if (!found.isFile()) throw new Error(`${path} is not a plain file`);
    return await work(source, { size: found.size, modified: found.mtimeNs });
  } finally {
    await source.close();
  }
}

async function drain(
  source: FileHandle,
  each: (chunk: Uint8Array, at: number) => Promise<void> = async () => {},
): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256');
  const buffer = new Uint8Array(CHUNK);
  let size = 0;
  for (;;) {
    const { bytesRead } = await source.read(buffer, 0, CHUNK, size);
    if (bytesRead === 0) return { size, sha256: hash.digest('hex') };
    const chunk = buffer.subarray(0, bytesRead);
    hash.update(chunk);
    await each(chunk, size);
    size += bytesRead;
  }
}

async function writeAll(target: FileHandle, chunk: Uint8Array, at: number): Promise<void> {
  let written = 0;
  while (written < chunk.length) {
    const { bytesWritten } = await target.write(chunk, written, chunk.length - written, at + written);
    if (bytesWritten === 0) throw new Error('nothing more could be written');
    written += bytesWritten;
  }
}

/** What fails on the copy's side is a fault of the disk, whatever the source does. */
async function onTarget<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storageError('write the copy', path, error instanceof Error ? error : new Error(messageOf(error)));
  }
}
