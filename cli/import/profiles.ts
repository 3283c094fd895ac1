import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { systemCode } from '../../common/errors.ts';
import { listNeeded } from '../../fleet/profile/needed-files.ts';
import { CommandFailure, EXIT_WRONG_USE } from '../failure.ts';

/** The client id of LocalAuth's directory for a client that was given none. */
const NO_CLIENT_ID = 'default';

/** What LocalAuth and RemoteAuth call the directories of their clients, below their data path. */
const DIRECTORY = /^(?:session|RemoteAuth)(?:-(.+))?$/;

/** A profile of a plain whatsapp-web.js client. */
export interface FoundProfile {
  /** LocalAuth's `clientId`. */
  clientId: string;
  /** The user data directory, absolute. */
  directory: string;
  /** Bytes of what a session needs of it (`needed-files.ts`), and of all the rest: caches and the like, which are left out. */
  bytes: number;
  leftOutBytes: number;
  /** The Chromium that opened it last, where it says so. */
  chromium: string | null;
  /** Whether WhatsApp Web ever stored anything in it. */
  wasUsed: boolean;
}

/**
 * The profiles in a directory: LocalAuth's data path (`.wwebjs_auth`, or the `sessions` of wwebjs-api), or one profile itself. Sorted by client id.
 *
 * @throws CommandFailure `no_profiles`, `no_directory`
 */
export async function findProfiles(source: string): Promise<FoundProfile[]> {
  const root = resolve(source);
  const own = DIRECTORY.exec(basename(root));
  if ((await isProfile(root)) || (own && (await subdirectories(root)).includes('Default')))
    return [await look(own?.[1] ?? NO_CLIENT_ID, root)];
  const names = await subdirectories(root);
  const found: FoundProfile[] = [];
  for (const name of names.sort()) {
    const match = DIRECTORY.exec(name);
    if (match) found.push(await look(match[1] ?? NO_CLIENT_ID, join(root, name)));
  }
  if (found.length > 0) return found;
  const below = names.find((name) => name === '.wwebjs_auth' || name === 'sessions');
  throw new CommandFailure(
    `There is no profile in ${root}: no directory session-ID, as LocalAuth makes them.${below === undefined ? '' : ` Did you mean ${join(root, below)}?`}`,
    { code: 'no_profiles', exitCode: EXIT_WRONG_USE },
  );
}

async function isProfile(directory: string): Promise<boolean> {
  return (await listNeeded(directory)).length > 0;
}

async function subdirectories(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (cause) {
    throw new CommandFailure(`${directory} cannot be read (${systemCode(cause) ?? 'unknown'}).`, {
      code: 'no_directory',
      exitCode: EXIT_WRONG_USE,
      cause,
    });
  }
}

async function look(clientId: string, directory: string): Promise<FoundProfile> {
  const files = await listNeeded(directory);
  const sizes = await Promise.all(files.map((file) => sizeOf(join(directory, file))));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  return {
    clientId,
    directory,

    bytes,
    leftOutBytes: Math.max(0, (await treeSize(directory)) - bytes),
    chromium: await lastVersion(directory),
    wasUsed: files.some((file) => file.startsWith('Default/IndexedDB/https_web.whatsapp.com_')),
  };
}

/** Chromium's own note, which its headless shell does not make. */
async function lastVersion(directory: string): Promise<string | null> {
  const text = await readFile(join(directory, 'Last Version'), 'utf8').catch(() => '');
  return /^\s*(\d+\.\d+\.\d+\.\d+)\s*$/.exec(text)?.[1] ?? null;
}

async function treeSize(directory: string): Promise<number> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  let sum = 0;
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) sum += await treeSize(path);
    else if (entry.isFile()) sum += await sizeOf(path);
  }
  return sum;
}

/** What vanishes meanwhile counts nothing: whether something is changing is looked at when it is copied. */
async function sizeOf(path: string): Promise<number> {
  return await stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
