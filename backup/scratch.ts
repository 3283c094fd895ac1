import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../common/clock.ts';
import { systemCode } from '../common/errors.ts';
import { listNames, makePrivateDirectory, removeTree, storageError } from '../common/files.ts';

/** What is in the scratch directory and older belongs to nobody: no sample and no export takes so long. Milliseconds. */
const LEFT_BEHIND = 24 * 3_600_000;

/** Directories for what is put together, looked at or sent, and then removed: profiles of sessions, as large as those are. */
export class Scratch {
  readonly #root: string;
  readonly #clock: Pick<Clock, 'now'>;

  /** @param scratch where this host has room (`WHARF_SCRATCH`) */
  constructor(scratch: string, clock: Pick<Clock, 'now'>) {
    this.#root = join(scratch, 'backup');
    this.#clock = clock;
  }

  /**
   * Makes a directory for a piece of work, and removes it with all that is in it when the work has ended, however it did.
   *
   * @throws WharfError `storage_unavailable`; what the work throws
   */
  async use<T>(work: (directory: string) => Promise<T>): Promise<T> {
    const directory = join(this.#root, randomBytes(8).toString('hex'));
    await makePrivateDirectory(directory);
    try {
      return await work(directory);
    } finally {
      await removeTree(directory);
    }
  }

  /** Removes what killed services left. Throws WharfError `storage_unavailable`. */
  async tidy(): Promise<void> {
    for (const name of await listNames(this.#root)) {
      const path = join(this.#root, name);
      if (this.#clock.now() - (await changedAt(path)) > LEFT_BEHIND) await removeTree(path);
    }
  }
}

/** Of one that went meanwhile: never. */
async function changedAt(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return Number.POSITIVE_INFINITY;
    throw storageError('look at', path, error);
  }
}
