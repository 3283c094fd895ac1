import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { WharfError } from '../../common/errors.ts';
import { makePrivateSubdirectory, storageError } from '../../common/files.ts';
import type { ObjectRef } from '../../fleet/backup/session-copy.ts';

/** What is read back of the tails at one time, bytes. */
const CHUNK = 256 * 1024;
const CREATE = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Where bytes lie in the scratch directory's one file of tails. */
export interface TailPlace {
  at: number;
  size: number;
}

/**
 * The scratch directory of one copy: the pieces that are to be fetched, a file each, the tails of all files in one (a profile may have 50 000), and the archive.
 * Nothing is synced: after a crash it is removed.
 */
export class Scratch {
  readonly #directory: string;
  readonly #have: ReadonlySet<string>;
  readonly #room: (bytes: number) => void;
  readonly #kept = new Set<string>();
  #tails: FileHandle | undefined;
  #tailsSize = 0;
  /** Tails that are not written yet: a write each would cost more than they do. */
  #pending: Uint8Array[] = [];
  #pendingSize = 0;
  #writing: Promise<void> = Promise.resolve();
  #bytes = 0;

  /**
   * @param have the pieces that need not be kept
   * @param room told of bytes before they are written; throws where there is no room for them
   */
  constructor(directory: string, have: ReadonlySet<string>, room: (bytes: number) => void) {
    this.#directory = directory;
    this.#have = have;
    this.#room = room;
  }

  /** Bytes that it holds. */
  get bytes(): number {
    return this.#bytes;
  }

  get archivePath(): string {
    return join(this.#directory, 'archive.tar');
  }

  /** Makes the directory. Throws WharfError `storage_unavailable`. */
  async open(): Promise<void> {
    await makePrivateSubdirectory(this.#directory);
    await makePrivateSubdirectory(join(this.#directory, 'pieces'));
    this.#tails = await this.#create(join(this.#directory, 'tails'));
  }

  /** Whether a piece is here, or need not be. */
  isKept(sha256: string): boolean {
    return this.#have.has(sha256) || this.#kept.has(sha256);
  }

  /** The file of a piece; undefined where it is not here. */
  piece(sha256: string): string | undefined {
    return this.#kept.has(sha256) ? this.#piecePath(sha256) : undefined;
  }

  /** Keeps a piece, unless it need not be. Throws WharfError `storage_unavailable`. */
  async keepPiece({ sha256, size }: ObjectRef, parts: readonly Uint8Array[]): Promise<void> {
    if (this.isKept(sha256)) return;
    this.#take(size);
    this.#kept.add(sha256);
    const path = this.#piecePath(sha256);
    let file: FileHandle | undefined;
    try {
      file = await this.#create(path);
      await writeAll(file, parts, 0);
    } catch (error) {
      this.#kept.delete(sha256);
      throw scratchError(path, error);
    } finally {
      await file?.close();
    }
  }

  /** Keeps bytes, which must not change after. Throws WharfError `storage_unavailable`. */
  async keepTail(bytes: Uint8Array): Promise<TailPlace> {
    const place = { at: this.#tailsSize + this.#pendingSize, size: bytes.length };
    this.#take(bytes.length);
    this.#pending.push(bytes);
    this.#pendingSize += bytes.length;
    if (this.#pendingSize >= CHUNK) await this.#writeTails();
    return place;
  }

  /** The bytes that were kept. Throws WharfError `storage_unavailable`. */
  async *tail({ at, size }: TailPlace): AsyncGenerator<Uint8Array> {
    await this.#writeTails();
    for (let read = 0; read < size; ) {
      const wanted = Math.min(CHUNK, size - read);
      const { bytesRead, buffer } = await this.#openTails().read(
        Buffer.allocUnsafe(wanted),
        0,
        wanted,
        at + read,
      );
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
      read += bytesRead;
    }
  }

  /** Writes the archive, and answers what it is. Throws WharfError `storage_unavailable`. */
  async writeArchive(chunks: AsyncIterable<Uint8Array>): Promise<ObjectRef> {
    const hash = createHash('sha256');
    const file = await this.#create(this.archivePath);
    let size = 0;
    try {
      for await (const chunk of inLarger(chunks)) {
        hash.update(chunk);
        this.#take(chunk.length);
        await writeAll(file, [chunk], size);
        size += chunk.length;
      }
    } catch (error) {
      throw scratchError(this.archivePath, error);
    } finally {
      await file.close();
      await this.close();
    }
    return { sha256: hash.digest('hex'), size };
  }

  /** Lets go of its files; they stay. */
  async close(): Promise<void> {
    const tails = this.#tails;
    this.#tails = undefined;
    await tails?.close();
  }

  async #writeTails(): Promise<void> {
    const [parts, at] = [this.#pending, this.#tailsSize];
    this.#pending = [];
    this.#tailsSize += this.#pendingSize;
    this.#pendingSize = 0;
    const before = this.#writing;
    this.#writing = parts.length === 0 ? before : before.then(() => writeAll(this.#openTails(), parts, at));
    try {
      await this.#writing;
    } catch (error) {
      throw scratchError(join(this.#directory, 'tails'), error);
    }
  }

  #take(bytes: number): void {
    this.#room(bytes);
    this.#bytes += bytes;
  }

  #openTails(): FileHandle {
    if (!this.#tails) throw new WharfError('invalid_state', 'The copy was given up.');
    return this.#tails;
  }

  #piecePath(sha256: string): string {
    return join(this.#directory, 'pieces', sha256);
  }

  async #create(path: string): Promise<FileHandle> {
    try {
      return await open(path, CREATE, 0o600);
    } catch (error) {
      throw scratchError(path, error);
    }
  }
}

/** A fault of the scratch directory, whatever becomes of the profile. */
function scratchError(path: string, error: unknown): WharfError {
  return storageError("write a session's copy for the backup (WHARF_SCRATCH)", path, error);
}

/** A tar's chunks are headers and paddings for the most part: a write each would cost more than they do. */
async function* inLarger(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let gathered: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    gathered.push(chunk);
    size += chunk.length;
    if (size < CHUNK) continue;
    yield Buffer.concat(gathered);
    gathered = [];
    size = 0;
  }
  yield Buffer.concat(gathered);
}

/** More buffers than this are refused by `writev` (IOV_MAX on Linux). */
const MOST_BUFFERS = 1024;

async function writeAll(file: FileHandle, parts: readonly Uint8Array[], at: number): Promise<void> {
  let to = at;
  for (let from = 0; from < parts.length; from += MOST_BUFFERS) {
    const some = parts.slice(from, from + MOST_BUFFERS);
    const size = some.reduce((sum, part) => sum + part.length, 0);
    const { bytesWritten } = await file.writev(some, to);
    // A short write is one that met the end of the room: what is left goes again, to hear why.
    if (bytesWritten < size)
      await writeRest(file, Buffer.concat(some).subarray(bytesWritten), to + bytesWritten);
    to += size;
  }
}

async function writeRest(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, at + written);
    if (bytesWritten === 0) throw new Error('nothing more could be written');
    written += bytesWritten;
  }
}
