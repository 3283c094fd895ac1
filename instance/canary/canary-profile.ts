import { lstat, readdir, realpath, rename } from 'node:fs/promises';
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
  syncTree,
} from '../../common/files.ts';
import { liesInFleet } from '../../fleet/fleet-directories.ts';
import { copyFiles } from '../../fleet/profile/copy-file.ts';
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
 *     before/                the profile before the start that tries a copy, until that was ready once
 *     copy.tmp/              a copy that is not complete
 *     gone.tmp/              what is being removed
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
    await profile.#tidy();
    return profile;
  }

  /** LocalAuth's data path. */
  get dataPath(): string {
    return join(this.#directory, 'profile');
  }

  get #before(): string {
    return join(this.#directory, 'before');
  }

  get #copy(): string {
    return join(this.#directory, 'copy.tmp');
  }

  get #gone(): string {
    return join(this.#directory, 'gone.tmp');
  }

  /** Ends what a run left that was cut off. A copy that was never ready is not trusted: the profile of before is. */
  async #tidy(): Promise<void> {
    await removeTree(this.#copy);
    await removeTree(this.#gone);
    if (await exists(this.#before)) await this.settle(false);
  }

  /** The user data directory. */
  get userData(): string {
    return join(this.dataPath, `session-${CANARY_CLIENT}`);
  }

  /** Makes the profile safe to start, since nobody knows how the last run ended. */
  async repair(now: number): Promise<void> {
    await repairProfile(this.userData, { tails: join(this.#directory, 'torn-tails'), now });
  }

  /**
   * Puts a copy in the profile's place that has only what a session is said to need; the profile of before stays until {@link CanaryProfile.settle}. No browser runs.
   *
   * @throws WharfError `storage_unavailable`: the profile is as it was, or is again when it is opened next
   */
  async reduce(): Promise<void> {
    const client = basename(this.userData);
    try {
      await removeTree(this.#copy);
      await copyFiles(this.userData, join(this.#copy, client), await listNeeded(this.userData));
      await syncTree(this.#copy);
      await rename(this.dataPath, this.#before);
      await rename(this.#copy, this.dataPath);
    } catch (error) {
      await removeTree(this.#copy).catch(() => undefined);
      throw storageError('copy the profile', this.#directory, error);
    }
  }

  /** The copy was ready: it stays, and what was there before goes; its browser may run. Or it is no good, no browser runs on it, and it is the other way round. */
  async settle(isGood: boolean): Promise<void> {
    // In one step each: half of a profile must never be taken for a whole one.
    if (isGood) await rename(this.#before, this.#gone);
    else {
      if (await exists(this.dataPath)) await rename(this.dataPath, this.#gone);
      await rename(this.#before, this.dataPath);
    }
    await removeTree(this.#gone);
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
  if (!(await liesInFleet(place, sessionPath))) return;
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
