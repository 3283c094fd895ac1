import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import pMap from 'p-map';
import { systemCode, WharfError } from '../../common/errors.ts';
import {
  linkOnce,
  listNames,
  makePrivateSubdirectory,
  storageError,
  syncDirectory,
} from '../../common/files.ts';
import { checkKey, checkPrefix } from './keys.ts';
import type { ObjectStore, StoredObject } from './object-store.ts';
import { endWith, streamOf } from './streams.ts';
import { refuseFaults, tryOut } from './try-out.ts';

/** Where files are written before they get their names: no key has a part that begins with a dot. */
const UPLOADS = '.uploads';

/** Bytes that are read at one time. */
const CHUNK = 256 * 1024;

/** Files looked at or removed at one time. */
const CONCURRENCY = 16;

/**
 * Objects as files of a directory, on a disk or on a mounted share. The directory must be there: made where a mount is missing, it would hold the backups on the
 * local disk, in silence. What is written gets its name when it is whole and synced; what a writer that was killed left lies in `.uploads` until
 * {@link abortUploads}.
 */
export class DirectoryStore implements ObjectStore {
  readonly shown: string;
  readonly #root: string;

  /** @param root absolute */
  constructor(root: string) {
    this.#root = root;
    this.shown = root;
  }

  async check(): Promise<void> {
    await this.#call('keep backups', this.#root, async () => {
      if (!(await stat(this.#root)).isDirectory())
        throw new WharfError(
          'backup_store_failed',
          `Could not keep backups in ${this.#root}: it is a file. Set BACKUP_DIRECTORY to a directory, or move the file out of the way.`,
        );
    });
    refuseFaults(await tryOut(this), this.shown);
  }

  async put(key: string, content: Buffer | Readable, signal?: AbortSignal): Promise<void> {
    const path = this.#path(key);
    signal?.throwIfAborted();
    if (!Buffer.isBuffer(content)) endWith(content, signal);
    try {
      const draft = await this.#draft(content);
      await this.#name(path, draft, () => rename(draft, path));
    } finally {
      if (!Buffer.isBuffer(content)) content.destroy();
    }
  }

  async create(key: string, content: Buffer): Promise<boolean> {
    const path = this.#path(key);
    const draft = await this.#draft(content);
    const created = await this.#name(path, draft, () => linkOnce(draft, path));
    await this.#call('remove the draft of', path, () => absentAsNull(unlink(draft)));
    return created;
  }

  async get(key: string, signal?: AbortSignal): Promise<Readable | null> {
    const path = this.#path(key);
    signal?.throwIfAborted();
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW;
    const handle = await this.#call('read', path, () => absentAsNull(open(path, flags)));
    if (handle === null) return null;
    if (!(await this.#call('look at', path, () => handle.stat())).isFile()) {
      await handle.close();
      return null;
    }
    const source = handle.createReadStream({ highWaterMark: CHUNK });
    return streamOf(this.#told(source, path), () => source.destroy(), signal);
  }

  async head(key: string): Promise<StoredObject | null> {
    const path = this.#path(key);
    const found = await this.#call('look at', path, () => absentAsNull(lstat(path)));
    return found?.isFile() ? { key, size: found.size, modified: found.mtimeMs } : null;
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    checkPrefix(prefix);
    yield* this.#below('', prefix);
  }

  async remove(keys: readonly string[]): Promise<void> {
    const paths = keys.map((key) => this.#path(key));
    await pMap(paths, (path) => this.#call('remove', path, () => absentAsNull(unlink(path))), {
      concurrency: CONCURRENCY,
    });
    // A manifest must not come back after a power cut when the objects it names are gone.
    for (const directory of new Set(paths.map((path) => dirname(path))))
      await this.#call('sync', directory, () => absentAsNull(syncDirectory(directory)));
  }

  /** The file server's clock: it gives a new file its time. */
  async now(): Promise<number> {
    const draft = await this.#draft(Buffer.alloc(0));
    const { mtimeMs } = await this.#call('look at', draft, () => stat(draft));
    await this.#call('remove', draft, () => unlink(draft));
    return mtimeMs;
  }

  async abortUploads(age: number): Promise<number> {
    const oldest = (await this.now()) - age;
    const uploads = join(this.#root, UPLOADS);
    const names = await this.#call('list', uploads, () => listNames(uploads));
    const removed = await pMap(
      names.map((name) => join(uploads, name)),
      (path) =>
        this.#call('remove', path, async () => {
          const found = await absentAsNull(lstat(path));
          if (found === null || found.mtimeMs > oldest) return false;
          await absentAsNull(unlink(path));
          return true;
        }),
      { concurrency: CONCURRENCY },
    );
    return removed.filter(Boolean).length;
  }

  close(): void {
    // Nothing is kept open.
  }

  #path(key: string): string {
    checkKey(key);
    return join(this.#root, key);
  }

  async #draft(content: Buffer | Readable): Promise<string> {
    const uploads = join(this.#root, UPLOADS);
    const path = join(uploads, `${process.pid}.${randomBytes(8).toString('hex')}`);
    const create = () => this.#call('write', path, () => absentAsNull(open(path, 'wx', 0o600)));
    let handle = await create();
    if (handle === null) {
      await this.#call('write', uploads, () => makePrivateSubdirectory(uploads));
      handle = await this.#call('write', path, () => open(path, 'wx', 0o600));
    }
    try {
      await this.#fill(handle, path, content);
      return path;
    } catch (error) {
      await unlink(path).catch(() => {});
      throw error;
    }
  }

  async #fill(handle: FileHandle, path: string, content: Buffer | Readable): Promise<void> {
    try {
      for await (const chunk of Buffer.isBuffer(content) ? [content] : content) {
        await this.#call('write', path, () => handle.writeFile(chunk));
      }
      await this.#call('sync', path, () => handle.sync());
    } finally {
      await this.#call('close', path, () => handle.close());
    }
  }

  /** Gives a draft its name by `give`, durably; makes the directories of the name where they are missing. */
  async #name<T>(path: string, draft: string, give: () => Promise<T>): Promise<T> {
    try {
      return await this.#call('write', path, async () => {
        const given = await give().catch(async (error: unknown) => {
          if (systemCode(error) !== 'ENOENT') throw error;
          await this.#makeParents(path);
          return await give();
        });
        await syncDirectory(dirname(path));
        return given;
      });
    } catch (error) {
      await unlink(draft).catch(() => {});
      throw error;
    }
  }

  async #makeParents(path: string): Promise<void> {
    const parent = dirname(path);
    if (parent === this.#root) return;
    await this.#makeParents(parent);
    await makePrivateSubdirectory(parent);
  }

  /** What a file holds, with faults for people. */
  async *#told(source: Readable, path: string): AsyncGenerator<Buffer> {
    const chunks = source[Symbol.asyncIterator]();
    for (;;) {
      const { done, value } = await this.#call('read', path, () => chunks.next());
      if (done) return;
      yield value;
    }
  }

  async *#below(parent: string, prefix: string): AsyncGenerator<StoredObject> {
    const directory = join(this.#root, parent);
    const entries = await this.#call('list', directory, async () => {
      const found = readdir(directory, { withFileTypes: true });
      // The root itself must be there: one that is not mounted is no empty store.
      return parent === '' ? await found : ((await absentAsNull(found)) ?? []);
    });
    const names = entries
      .filter((entry) => !entry.name.startsWith('.') && (entry.isDirectory() || entry.isFile()))
      // In the order of keys: `a-b` stands before `a/b`.
      .map((entry) => parent + entry.name + (entry.isDirectory() ? '/' : ''))
      .filter((name) => name.startsWith(prefix) || (name.endsWith('/') && prefix.startsWith(name)))
      .sort();
    for (let at = 0; at < names.length; at += CONCURRENCY) {
      const some = names.slice(at, at + CONCURRENCY);
      const found = await Promise.all(some.map((name) => (name.endsWith('/') ? null : this.head(name))));
      for (const [index, name] of some.entries()) {
        if (name.endsWith('/')) yield* this.#below(name, prefix);
        const object = found[index];
        if (object) yield object;
      }
    }
  }

  async #call<T>(operation: string, path: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (error instanceof WharfError && error.code === 'backup_store_failed') throw error;
      const { message } = storageError(operation, path, error);
      throw new WharfError('backup_store_failed', `${message} (BACKUP_DIRECTORY is ${this.#root}.)`, {
        cause: error,
      });
    }
  }
}

async function absentAsNull<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}
