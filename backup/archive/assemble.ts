import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pMap from 'p-map';
import { makePrivateSubdirectory, removeTree, storageError, syncDirectory } from '../../common/files.ts';
import type { CopiedFile } from '../../fleet/backup/session-copy.ts';
import type { BackedUpSession } from '../manifest/manifest.ts';
import type { Objects } from '../objects/objects.ts';
import { damagedArchive } from './archive-faults.ts';
import { directoriesOf } from './archive-index.ts';
import { readArchive, type Tail } from './read-archive.ts';

/** Files that are written at one time: enough to hide the store's latency, and few enough for Node's four threads for files. */
const CONCURRENCY = 8;
/** What is compared at one time, bytes. */
const CHUNK = 256 * 1024;
const ZEROS = Buffer.alloc(CHUNK);
const NEW = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const OLD = constants.O_RDWR | constants.O_NOFOLLOW;

/** A file that was made. */
export interface AssembledFile {
  /** Relative to the user data directory. */
  path: string;
  size: number;
  sha256: string;
}

/** How a profile is assembled. */
export interface Assembling {
  objects: Pick<Objects, 'read'>;
  signal: AbortSignal;
  /** Called with bytes of files as they are written; the sum at the end is the session's `bytes`. */
  onBytes?: (bytes: number) => void;
  /** False where nobody needs it after a crash: nothing is synced. Default true. */
  durable?: boolean;
}

/**
 * Makes a session's user data directory whole from its archive and pieces: every file's hash is checked, directories are 0700 and files 0600, and all of it is
 * synced before this resolves. What stood at `to` before is removed. Where it fails, nothing is left there.
 *
 * Logs that were torn when the copy was made are still torn: whoever opens the profile repairs it first.
 *
 * @param to the user data directory (it will hold `Default`); its parent exists
 * @returns the files, by path; null where the session was not linked, has no profile, and nothing was made
 * @throws WharfError `backup_damaged`, `backup_store_failed`; `storage_unavailable` where it cannot be written; the signal's reason
 */
export async function assembleProfile(
  session: BackedUpSession,
  to: string,
  how: Assembling,
): Promise<AssembledFile[] | null> {
  await removeTree(to);
  if (session.archive === null) return null;
  // Not AbortSignal.any: the signal given may live for days, and every session would hang on it.
  const ending = new AbortController();
  const end = () => ending.abort(how.signal.reason);
  how.signal.addEventListener('abort', end, { once: true });
  if (how.signal.aborted) end();
  const assembly = new Assembly(session, to, { ...how, signal: ending.signal });
  try {
    return await assembly.make(session.archive);
  } catch (error) {
    ending.abort(error);
    await assembly.ended();
    await removeTree(to);
    throw error;
  } finally {
    how.signal.removeEventListener('abort', end);
  }
}

class Assembly {
  readonly #session: BackedUpSession;
  readonly #to: string;
  readonly #how: Assembling;
  readonly #durable: boolean;
  /** Files that are whole. */
  readonly #done = new Set<string>();
  /** Files whose end is there. */
  readonly #begun = new Set<string>();
  readonly #writers = new Set<Promise<void>>();

  constructor(session: BackedUpSession, to: string, how: Assembling) {
    this.#session = session;
    this.#to = to;
    this.#how = how;
    this.#durable = how.durable ?? true;
  }

  /**
   * First all of the archive, so that nothing waits at the store while pieces are fetched, and so that its own hash is known to be right; then the files that have
   * pieces.
   */
  async make(archive: { sha256: string; size: number }): Promise<AssembledFile[]> {
    const { objects, signal } = this.#how;
    await makePrivateSubdirectory(this.#to);
    let files: CopiedFile[] = [];
    const content = await objects.read(archive, signal);
    const tails = readArchive(this.#session, content, async (found) => {
      files = found;
      await this.#makeDirectories(files);
    });
    for await (const stretch of tails) {
      await pMap(stretch, (tail) => this.#noted(this.#takeTail(tail)), { concurrency: CONCURRENCY });
      signal.throwIfAborted();
    }
    const rest = files.filter(({ path }) => !this.#done.has(path));
    await pMap(rest, (file) => this.#noted(this.#fill(file)), { concurrency: CONCURRENCY, signal });
    if (this.#durable) await this.#syncDirectories(files);
    return files.map(({ path, size, sha256 }) => ({ path, size, sha256 }));
  }

  /** Resolves when nothing is written any more; never rejects. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#writers);
  }

  /** One file that fails ends all the others, but they still write for a moment. */
  #noted(writer: Promise<void>): Promise<void> {
    this.#writers.add(writer);
    return writer.finally(() => this.#writers.delete(writer));
  }

  async #makeDirectories(files: readonly CopiedFile[]): Promise<void> {
    for (const directory of directoriesOf(files)) {
      const path = join(this.#to, directory);
      await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
        throw storageError('make the directory', path, error);
      });
    }
  }

  /** Writes the end of a file where it belongs: before the pieces, which come later. */
  async #takeTail({ file, bytes }: Tail): Promise<void> {
    const whole = file.pieces.length === 0;
    if (whole && sha256(bytes) !== file.sha256) throw this.#wrong(file);
    await this.#writing(file, NEW, (handle, onDisk) =>
      onDisk(async () => {
        await writeAt(handle, bytes, file.size - file.tail);
        if (whole && this.#durable) await handle.sync();
      }),
    );
    this.#begun.add(file.path);
    if (whole) this.#done.add(file.path);
    this.#how.onBytes?.(bytes.length);
  }

  /** Writes a file's pieces one after the other, and checks the hash of all of it. */
  async #fill(file: CopiedFile): Promise<void> {
    const { objects, signal, onBytes } = this.#how;
    const hash = createHash('sha256');
    await this.#writing(file, this.#begun.has(file.path) ? OLD : NEW, async (handle, onDisk) => {
      let at = 0;
      for (const piece of file.pieces) {
        const end = at + piece.size;
        for await (const chunk of await objects.read(piece, signal)) {
          if (at + chunk.length > end) throw this.#wrong(file);
          hash.update(chunk);
          await onDisk(() => writeAt(handle, chunk, at));
          at += chunk.length;
          onBytes?.(chunk.length);
        }
        if (at !== end) throw this.#wrong(file);
      }
      await onDisk(async () => {
        hash.update(await readAt(handle, at, file.tail));
        if (this.#durable) await handle.sync();
      });
    });
    if (hash.digest('hex') !== file.sha256) throw this.#wrong(file);
  }

  /** What fails on the disk is `storage_unavailable`, and names the file; what fails in the store stays what it is. */
  async #writing(
    file: CopiedFile,
    flags: number,
    work: (handle: FileHandle, onDisk: <T>(write: () => Promise<T>) => Promise<T>) => Promise<void>,
  ): Promise<void> {
    const path = join(this.#to, file.path);
    const onDisk = async <T>(write: () => Promise<T>): Promise<T> => {
      try {
        return await write();
      } catch (error) {
        throw storageError('write', path, error);
      }
    };
    const handle = await onDisk(() => open(path, flags, 0o600));
    try {
      // As long as it will be: zeros are not written.
      if (flags === NEW) await onDisk(() => handle.truncate(file.size));
      await work(handle, onDisk);
    } finally {
      await handle.close();
    }
  }

  async #syncDirectories(files: readonly CopiedFile[]): Promise<void> {
    const directories = [...directoriesOf(files)].map((directory) => join(this.#to, directory));
    for (const directory of [...directories, this.#to, dirname(this.#to)]) {
      await syncDirectory(directory).catch((error: unknown) => {
        throw storageError('sync', directory, error);
      });
    }
  }

  #wrong(file: CopiedFile): Error {
    return damagedArchive(this.#session, `${file.path} is not what its hash says when it is put together`);
  }
}

/** Writes all of a chunk; one of zeros is left a hole, as it may have been. */
async function writeAt(handle: FileHandle, chunk: Buffer, at: number): Promise<void> {
  if (isZero(chunk)) return;
  let written = 0;
  while (written < chunk.length) {
    const { bytesWritten } = await handle.write(chunk, written, chunk.length - written, at + written);
    if (bytesWritten === 0) throw new Error('nothing more could be written');
    written += bytesWritten;
  }
}

async function readAt(handle: FileHandle, at: number, size: number): Promise<Buffer> {
  const bytes = Buffer.alloc(size);
  let read = 0;
  while (read < size) {
    const { bytesRead } = await handle.read(bytes, read, size - read, at + read);
    if (bytesRead === 0) throw new Error('it is shorter than it was written');
    read += bytesRead;
  }
  return bytes;
}

function isZero(chunk: Buffer): boolean {
  for (let at = 0; at < chunk.length; at += CHUNK) {
    const part = chunk.subarray(at, at + CHUNK);
    if (!part.equals(ZEROS.subarray(0, part.length))) return false;
  }
  return true;
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
