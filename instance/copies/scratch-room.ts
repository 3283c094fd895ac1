import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { WharfError } from '../../common/errors.ts';
import {
  makePrivateDirectory,
  makePrivateSubdirectory,
  removeTree,
  storageError,
} from '../../common/files.ts';
import { Scratch } from './scratch.ts';

/** What copies that were not fetched yet may hold together, bytes. */
const MOST_BYTES = 8 * 1024 ** 3;

/** Where an instance's copies lie, each in a directory of its own, and how much they may hold. */
export class ScratchRoom {
  readonly #scratch: string;
  readonly #directory: string;
  readonly #limit: number;
  readonly #held = new Map<string, Scratch>();

  /**
   * @param scratch `WHARF_SCRATCH`, which others use as well
   * @param name tells this instance from all others of the host
   */
  constructor(scratch: string, name: string, limit = MOST_BYTES) {
    this.#scratch = scratch;
    this.#directory = join(scratch, name);
    this.#limit = limit;
  }

  /** Bytes of all that is held. */
  get bytes(): number {
    return [...this.#held.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /**
   * Makes room for a copy.
   *
   * @throws WharfError `storage_unavailable`
   */
  async make(id: string, have: ReadonlySet<string>): Promise<Scratch> {
    await makePrivateDirectory(this.#scratch);
    await this.#requireOurs();
    await makePrivateSubdirectory(this.#directory);
    const scratch = new Scratch(join(this.#directory, id), have, (bytes) => this.#requireRoom(bytes));
    this.#held.set(id, scratch);
    await scratch.open();
    return scratch;
  }

  /** Removes a copy. Throws WharfError `storage_unavailable`; it takes no room any more then either. */
  async remove(id: string): Promise<void> {
    const scratch = this.#held.get(id);
    this.#held.delete(id);
    await scratch?.close();
    await removeTree(join(this.#directory, id));
  }

  /** Removes everything, also what an earlier life of this instance left. Throws WharfError `storage_unavailable`. */
  async clear(): Promise<void> {
    for (const scratch of this.#held.values()) await scratch.close();
    this.#held.clear();
    await removeTree(this.#directory);
  }

  #requireRoom(bytes: number): void {
    if (this.bytes + bytes <= this.#limit) return;
    throw new WharfError(
      'storage_unavailable',
      `The copies for the backup in ${this.#directory} that were not fetched yet hold as much as they may (${Math.round(this.#limit / 1024 ** 2)} MB). Try again when some were fetched.`,
      { retryAfter: 60 },
    );
  }

  /** In a directory that all may write to, somebody else may have made one of this name before us: it would have sessions for the taking. */
  async #requireOurs(): Promise<void> {
    let owner: number;
    try {
      owner = (await stat(this.#scratch)).uid;
    } catch (error) {
      throw storageError('look at the scratch directory', this.#scratch, error);
    }
    if (owner === process.geteuid?.()) return;
    throw new WharfError(
      'storage_unavailable',
      `The scratch directory ${this.#scratch} belongs to another user (uid ${owner}). Set WHARF_SCRATCH to a directory of this one.`,
    );
  }
}
