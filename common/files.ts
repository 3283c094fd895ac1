import { randomBytes } from 'node:crypto';
import { constants, type Dirent, type PathLike } from 'node:fs';
import {
  chmod,
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  unlink,
} from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { z } from 'zod';
import { systemClock } from './clock.ts';
import { messageOf, systemCode, WharfError } from './errors.ts';
import { faultsOf } from './faults.ts';

/** Rights of what only this user may read: sessions are logins. */
const PRIVATE_FILE = 0o600;
const PRIVATE_DIRECTORY = 0o700;

/** How often a read is begun again after ESTALE: a file replaced by another host while it was being opened. */
const STALE_RETRIES = 5;
/** And after how long, milliseconds: begun again at once, five in a row were seen to meet it on NFS. */
const STALE_PAUSE = 20;

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; make room, or raise the quota',
  EDQUOT: 'the quota is used up; make room, or raise it',
  EACCES: 'this user may not; give it the rights (directories of profiles are 0700)',
  EPERM: 'this user may not; give it the rights',
  EROFS: 'the file system is mounted read-only; look at the kernel log, then mount it read-write',
  ENOTDIR: 'a part of the path is a file; move it out of the way',
  ENOENT: 'it is not there; make it, or mount the file system it is on',
  EIO: 'the disk or the file server failed; look at the kernel log',
  ESTALE: 'the file server knows the file no more; look at the mount',
  ENOTCONN: 'the file server cannot be reached; look at the mount',
  ETIMEDOUT: 'the file server did not answer; look at the mount',
  EMFILE: 'this process has too many open files; raise its limit (LimitNOFILE)',
  ENAMETOOLONG: 'the path is too long; choose a shorter session path',
};

/**
 * A failed file operation as an error for people: `storage_unavailable`, with operation, path, cause and what to do.
 * A {@link WharfError} comes back as it is.
 *
 * @param operation what was attempted, such as `write the session record`
 */
export function storageError(operation: string, path: PathLike, error: unknown): WharfError {
  if (error instanceof WharfError) return error;
  const code = systemCode(error);
  const hint = code === undefined ? undefined : HINTS[code];
  const reason = hint === undefined ? messageOf(error) : `${code}: ${hint}`;
  return new WharfError('storage_unavailable', `Could not ${operation} at ${String(path)}: ${reason}.`, {
    cause: error,
  });
}

/**
 * Makes a directory and its missing parents, for this user alone (0700), durably; one that exists is narrowed to that.
 *
 * For what lies on a mount use {@link makePrivateSubdirectory}: made with its parents, an unmounted session path would come into
 * being on the local disk, in silence.
 *
 * @throws WharfError `storage_unavailable`
 */
export async function makePrivateDirectory(path: string): Promise<void> {
  await makeDirectory(resolve(path), true);
}

/**
 * Makes a directory in one that exists, for this user alone (0700), durably; one that exists is narrowed to that.
 *
 * @throws WharfError `storage_unavailable`, also if the parent is missing
 */
export async function makePrivateSubdirectory(path: string): Promise<void> {
  await makeDirectory(resolve(path), false);
}

async function makeDirectory(path: string, withParents: boolean): Promise<void> {
  try {
    await mkdir(path, PRIVATE_DIRECTORY);
    await syncDirectory(dirname(path));
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EEXIST') return await narrow(path, error);
    // Not mkdir's own recursion: where it may not write it says ENOENT, whatever the reason.
    if (code !== 'ENOENT' || dirname(path) === path) throw storageError('make the directory', path, error);
    if (!withParents) throw storageError('find the parent directory', dirname(path), error);
    await makeDirectory(dirname(path), true);
    await makeDirectory(path, false);
  }
}

async function narrow(path: string, exists: unknown): Promise<void> {
  try {
    const found = await stat(path);
    if (!found.isDirectory()) {
      const message = `Could not make the directory ${path}: there is a file of that name; move it out of the way.`;
      throw new WharfError('storage_unavailable', message, { cause: exists });
    }
    if ((found.mode & 0o777) !== PRIVATE_DIRECTORY) await chmod(path, PRIVATE_DIRECTORY);
  } catch (error) {
    throw storageError('make the directory', path, error);
  }
}

/** Makes the names in a directory durable: what was created, renamed or removed in it. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } catch (error) {
    // Some file systems (FUSE without fsyncdir, some network ones) cannot sync a directory, and say so.
    const code = systemCode(error);
    if (code !== 'EINVAL' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error;
  } finally {
    await handle.close();
  }
}

/**
 * Makes a tree durable: every plain file's content, then every directory. Symbolic links are not followed. Nothing there is no error.
 *
 * @throws WharfError `storage_unavailable`
 */
export async function syncTree(path: string): Promise<void> {
  let entries: Dirent[];
  try {
    entries = await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw storageError('list', path, error);
  }
  for (const entry of entries) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) await syncTree(child);
    else if (entry.isFile()) await syncFile(child);
  }
  try {
    await syncDirectory(path);
  } catch (error) {
    throw storageError('sync', path, error);
  }
}

async function syncFile(path: string): Promise<void> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw storageError('sync', path, error);
  }
}

/**
 * Replaces a file, so that whoever reads it, whenever, after whatever crash, sees the old content whole or the new content whole:
 * temporary name in the same directory, fsync, rename, fsync of the directory. Mode 0600.
 *
 * @throws WharfError `storage_unavailable`; the file is then as it was, or already replaced if only the last fsync failed
 */
export async function replaceFile(path: string, data: string | Uint8Array): Promise<void> {
  const temporary = temporaryNameOf(path);
  try {
    await writeNew(temporary, data);
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw storageError('replace the file', path, error);
  }
}

/**
 * Creates a file that must not exist, durably and with all its content at once: written under another name, then given its own by
 * link(2), which lets one win as O_EXCL does. With O_EXCL alone the name would be there before the content, and whoever lost the race
 * would find an empty file and could not tell who won. Mode 0600.
 *
 * @returns false if there was one already
 * @throws WharfError `storage_unavailable`; the file is then not there, or complete if only the last fsync failed
 */
export async function createExclusive(path: string, data: string | Uint8Array): Promise<boolean> {
  const draft = temporaryNameOf(path);
  try {
    await writeNew(draft, data);
    const created = await linkOnce(draft, path);
    await unlink(draft);
    if (created) await syncDirectory(dirname(path));
    return created;
  } catch (error) {
    await unlink(draft).catch(() => undefined);
    throw storageError('create the file', path, error);
  }
}

/**
 * Gives a draft, which has one name, its own name, unless that is taken: then false. Over NFS the answer of a link that succeeded may be
 * lost, and its repetition says EEXIST: two names of the draft tell the truth. Throws system errors.
 */
export async function linkOnce(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
    return (await stat(draft)).nlink === 2;
  }
}

function temporaryNameOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`);
}

async function writeNew(path: string, data: string | Uint8Array): Promise<void> {
  const handle: FileHandle = await open(path, 'wx', PRIVATE_FILE);
  try {
    await handle.writeFile(data);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Reads a JSON file and checks it against a schema.
 *
 * @returns null if there is no such file
 * @throws WharfError `storage_unavailable` if it cannot be read, is not JSON, or is not as the schema wants it (`faults` names what)
 */
export async function readJson<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
): Promise<z.infer<Schema> | null> {
  let text: string;
  try {
    text = await readText(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw storageError('read the file', path, error);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new WharfError(
      'storage_unavailable',
      `The file ${path} is not JSON (${text.length} characters): restore it from a copy, or move it away.`,
      { cause: error },
    );
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = faultsOf(parsed.error);
  const list = faults.map((fault) => `${fault.path}: ${fault.message}`).join('; ');
  throw new WharfError(
    'storage_unavailable',
    `The file ${path} is not as it should be: ${list}. Restore it from a copy, or move it away.`,
    { faults },
  );
}

async function readText(path: string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      if (systemCode(error) !== 'ESTALE' || attempt >= STALE_RETRIES) throw error;
      await systemClock.sleep(STALE_PAUSE * attempt);
    }
  }
}

/**
 * Removes a file or a directory with all that is in it; symbolic links are removed, not followed. Nothing there is no error.
 *
 * @throws WharfError `storage_unavailable`, with part of it perhaps gone
 */
export async function removeTree(path: string): Promise<void> {
  try {
    // A browser that is just ending may still make a file in a directory being emptied: ENOTEMPTY, and another try.
    await rm(path, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 });
  } catch (error) {
    throw storageError('remove', path, error);
  }
}

/**
 * The same, but in one step for whoever knows its name: it is moved aside first (`{path}.removed`), so that nobody takes a part of it out while it is being emptied.
 *
 * @throws WharfError `storage_unavailable`; what is left lies aside, and goes with the next removal under that name
 */
export async function removeWhole(path: string): Promise<void> {
  const aside = `${path}.removed`;
  await removeTree(aside);
  try {
    await rename(path, aside);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw storageError('remove', path, error);
  }
  await removeTree(aside);
}

/** Whether something stands under a name, of whatever kind; nobody opens it. Throws WharfError `storage_unavailable`. */
export async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw storageError('look at', path, error);
  }
}

/**
 * The names in a directory; none where there is no directory.
 *
 * @param operation for the error: what is done to the directory
 * @throws WharfError `storage_unavailable`
 */
export async function listNames(directory: string, operation = 'list'): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw storageError(operation, directory, error);
  }
}
