import { constants } from 'node:fs';
import { type FileHandle, open, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { systemCode } from '../../common/errors.ts';
import { createExclusive, listNames, makePrivateSubdirectory, storageError } from '../../common/files.ts';
import type { WorkspaceId } from '../ids.ts';
import type { SessionPaths } from '../session-paths.ts';
import type { FolderEntry, MediaFolder } from './media-folder.ts';
import type { ByteRange } from './media-store.ts';
import type { StorageGate } from './storage-gate.ts';

/** Bytes that are read at one time. */
const CHUNK = 256 * 1024;

/** Media on the session path, `workspace_{id}/media/`. */
export class DiskMediaFolder implements MediaFolder {
  readonly #paths: SessionPaths;
  readonly #gate: StorageGate;

  constructor(paths: SessionPaths, gate: StorageGate) {
    this.#paths = paths;
    this.#gate = gate;
  }

  async write(workspace: WorkspaceId, name: string, content: AsyncIterable<Buffer>): Promise<void> {
    const path = this.#path(workspace, name);
    const handle = await this.#create(workspace, path);
    try {
      for await (const chunk of content) {
        await this.#call('write a file', path, () => writeAll(handle, chunk));
      }
      await this.#call('sync a file', path, () => handle.sync());
      await this.#call('close a file', path, () => handle.close());
    } catch (error) {
      const removed = Promise.all([
        this.#gate.run('close a file', () => handle.close()).catch(() => {}),
        this.#gate.run('remove a file', () => unlink(path)).catch(() => {}),
      ]);
      // Where the storage hangs its removal hangs too, and nobody is to wait for both; what stays is purged.
      if (!this.#gate.hangs) await removed;
      throw error;
    }
  }

  create(workspace: WorkspaceId, name: string, text: string): Promise<boolean> {
    const path = this.#path(workspace, name);
    return this.#call('create a file', path, () => createExclusive(path, text));
  }

  read(workspace: WorkspaceId, name: string): Promise<string | null> {
    const path = this.#path(workspace, name);
    return this.#call('read a file', path, () => absentAsNull(readFile(path, 'utf8')));
  }

  async open(workspace: WorkspaceId, name: string, range?: ByteRange): Promise<Readable | null> {
    const path = this.#path(workspace, name);
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW;
    const handle = await this.#call(
      'open a file',
      path,
      () => absentAsNull(open(path, flags)),
      (late) => void late?.close().catch(() => {}),
    );
    if (handle === null) return null;
    return new FileStream(handle, range, (operation, call) => this.#call(operation, path, call));
  }

  async list(workspace: WorkspaceId): Promise<FolderEntry[]> {
    const directory = this.#paths.media(workspace);
    const names = await this.#call('list a directory', directory, () => listNames(directory));
    const entries: FolderEntry[] = [];
    for (const name of names) {
      const path = join(directory, name);
      const found = await this.#call('look at a file', path, () => absentAsNull(stat(path)));
      if (found !== null) entries.push({ name, time: found.mtimeMs });
    }
    return entries;
  }

  async remove(workspace: WorkspaceId, name: string): Promise<void> {
    const path = this.#path(workspace, name);
    await this.#call('remove a file', path, () => absentAsNull(unlink(path)));
  }

  close(): void {
    // Nothing is kept open.
  }

  #path(workspace: WorkspaceId, name: string): string {
    return join(this.#paths.media(workspace), name);
  }

  async #create(workspace: WorkspaceId, path: string): Promise<FileHandle> {
    const create = () =>
      this.#call(
        'create a file',
        path,
        () => absentAsNull(open(path, 'wx', 0o600)),
        (late) => void late?.close().catch(() => {}),
      );
    const handle = await create();
    if (handle !== null) return handle;
    for (const directory of [this.#paths.workspace(workspace), this.#paths.media(workspace)])
      await this.#call('make a directory', directory, () => makePrivateSubdirectory(directory));
    const again = await create();
    if (again === null) throw storageError('create a file', path, new Error('its directory was removed'));
    return again;
  }

  async #call<T>(
    operation: string,
    path: string,
    call: () => Promise<T>,
    tooLate?: (value: T) => void,
  ): Promise<T> {
    try {
      return await this.#gate.run(operation, call, tooLate);
    } catch (error) {
      throw storageError(operation, path, error);
    }
  }
}

/** A part of an open file; closes it at its end, also where nobody read from it. */
class FileStream extends Readable {
  readonly #handle: FileHandle;
  readonly #call: <T>(operation: string, call: () => Promise<T>) => Promise<T>;
  readonly #end: number;
  #position: number;

  constructor(
    handle: FileHandle,
    range: ByteRange | undefined,
    call: <T>(operation: string, call: () => Promise<T>) => Promise<T>,
  ) {
    super({ highWaterMark: CHUNK });
    this.#handle = handle;
    this.#call = call;
    this.#position = range?.first ?? 0;
    this.#end = range === undefined ? Number.POSITIVE_INFINITY : range.last + 1;
  }

  override _read(): void {
    this.#next().then(
      (chunk) => this.push(chunk),
      (error: Error) => this.destroy(error),
    );
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#call('close a file', () => this.#handle.close()).catch(() => {});
    done(error);
  }

  async #next(): Promise<Buffer | null> {
    const length = Math.min(CHUNK, this.#end - this.#position);
    if (length <= 0) return null;
    const buffer = Buffer.allocUnsafe(length);
    const { bytesRead } = await this.#call('read a file', () =>
      this.#handle.read(buffer, 0, length, this.#position),
    );
    this.#position += bytesRead;
    return bytesRead === 0 ? null : buffer.subarray(0, bytesRead);
  }
}

async function writeAll(handle: FileHandle, chunk: Buffer): Promise<void> {
  for (let written = 0; written < chunk.length; ) {
    written += (await handle.write(chunk, written, chunk.length - written)).bytesWritten;
  }
}

async function absentAsNull<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
}
