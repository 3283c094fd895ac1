import { copyFile, lstat, mkdir, readdir, realpath, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { messageOf, systemCode, WharfError } from '../../common/errors.ts';
import {
  exists,
  makePrivateDirectory,
  readJson,
  removeTree,
  replaceFile,
  storageError,
} from '../../common/files.ts';
import { listNeeded } from '../../fleet/profile/needed-files.ts';
import { repairProfile } from '../../fleet/profile/repair.ts';
import { lockInstance } from '../supervisor/host-lock.ts';

/** Says that a directory is a canary's own. */
const MARKER = 'wharf-canary.json';

/** The client id of the one client in it. */
export const CANARY_CLIENT = 'canary';

/**
 * A canary's own directory:
 *
 *     wharf-canary.json      says that it is one
 *     profile/               LocalAuth's data path
 *     before/                the profile before the start that tries a copy, for as long as it is not known whether that is good
 */
export class CanaryProfile {
  readonly #directory: string;
  readonly #unlock: () => Promise<void>;

  private constructor(directory: string, unlock: () => Promise<void>) {
    this.#directory = directory;
    this.#unlock = unlock;
  }

  /**
   * Opens a canary's directory, or makes one where there is nothing.
   *
   * @param sessionPath of the fleet, if this host has one
   * @throws WharfError `invalid_state` where it is anything else, a fleet's above all, or another canary runs on it; `storage_unavailable`
   */
  static async open(directory: string, sessionPath: string): Promise<CanaryProfile> {
    const place = await nearestReal(directory);
    await refuseFleets(place, sessionPath);
    const marker = join(directory, MARKER);
    if ((await readJson(marker, z.object({ version: z.literal(1) }))) === null) {
      await refuseForeign(directory);
      await makePrivateDirectory(directory);
      await replaceFile(marker, `${JSON.stringify({ version: 1 })}\n`);
    }
    const unlock = await lockInstance('canary', place, `process ${process.pid}`).catch((cause: unknown) => {
      throw new WharfError(
        'invalid_state',
        `Another canary runs on ${directory} (${messageOf(cause)}). Wait for its end, or give this one another --profile.`,
        { cause },
      );
    });
    const profile = new CanaryProfile(directory, unlock);
    // What was left by a run that was cut off: the copy has been connected since, and is the newer one.
    if (await exists(profile.dataPath)) await removeTree(profile.#before);
    else if (await exists(profile.#before)) await rename(profile.#before, profile.dataPath);
    return profile;
  }

  /** LocalAuth's data path. */
  get dataPath(): string {
    return join(this.#directory, 'profile');
  }

  get #before(): string {
    return join(this.#directory, 'before');
  }

  /** The user data directory. */
  get userData(): string {
    return join(this.dataPath, `session-${CANARY_CLIENT}`);
  }

  /** Makes the profile safe to start, since nobody knows how the last run ended. */
  async repair(now: number): Promise<void> {
    await repairProfile(this.userData, { tails: join(this.#directory, 'torn-tails'), now });
  }

  /** Puts a copy in the profile's place that has only what a session is said to need. No browser runs. Throws WharfError `storage_unavailable`. */
  async reduce(): Promise<void> {
    try {
      await removeTree(this.#before);
      await rename(this.dataPath, this.#before);
      const from = join(this.#before, `session-${CANARY_CLIENT}`);
      for (const file of await listNeeded(from)) {
        const target = join(this.userData, file);
        await mkdir(dirname(target), { recursive: true, mode: 0o700 });
        await copyFile(join(from, file), target);
      }
    } catch (error) {
      throw storageError('copy the profile', this.#directory, error);
    }
  }

  /** The copy is good: it stays, and what was there before goes. Or it is not, and the other way round. */
  async settle(isGood: boolean): Promise<void> {
    if (!isGood && (await exists(this.#before))) {
      await removeTree(this.dataPath);
      await rename(this.#before, this.dataPath);
    }
    await removeTree(this.#before);
  }

  /** The device is gone. */
  async forget(): Promise<void> {
    await removeTree(this.dataPath);
  }

  async close(): Promise<void> {
    await this.#unlock();
  }
}

async function refuseFleets(place: string, sessionPath: string): Promise<void> {
  const root = await realpath(sessionPath).catch(() => sessionPath);
  let isFleets = `${place}/`.startsWith(`${root}/`);
  for (let above = place; above !== dirname(above) && !isFleets; above = dirname(above))
    isFleets = /^(workspace|session)_/.test(basename(above)) || (await exists(join(above, 'owners')));
  if (!isFleets) return;
  throw new WharfError(
    'invalid_state',
    `${place} belongs to a fleet, whose sessions only their owners may run: a second browser would cut the first one off. Give the canary a directory of its own with --profile, and an account of its own.`,
  );
}

async function refuseForeign(directory: string): Promise<void> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw storageError('list', directory, error);
  });
  if (names.length === 0) return;
  throw new WharfError(
    'invalid_state',
    `${directory} is not empty, and no canary made it (there is no ${MARKER}). Name a new directory with --profile.`,
  );
}

/** The real path of a directory that may not be there yet: of what is above it, and the rest. */
async function nearestReal(directory: string): Promise<string> {
  const parent = dirname(directory);
  const isThere = await lstat(directory).then(
    () => true,
    () => false,
  );
  if (isThere || parent === directory) return await realpath(directory);
  return join(await nearestReal(parent), basename(directory));
}
