import { mkdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pMap from 'p-map';
import { systemCode } from '../../common/errors.ts';
import { storageError, syncDirectory } from '../../common/files.ts';
import { copyFile, type FileFacts, hashFile, stampFile } from '../../fleet/profile/copy-file.ts';
import { isChanging, listNeeded } from '../../fleet/profile/needed-files.ts';

/** Files copied at one time: Node has four threads for files by default, and one stays free for the rest of the process. */
const CONCURRENCY = 3;

/** What a file that another host removes or replaces just now answers. */
const PASSING: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ESTALE']);

/** What a round found different from the round before. */
export interface Round {
  /** Files that were new or had changed, and were copied; or that could not be read for a passing reason. */
  changed: string[];
  /** Files that had been copied and are no longer there; their copies were removed. */
  gone: string[];
}

/**
 * A copy of what a session needs of a profile, brought up to date in rounds, so that the first may run while somebody still writes
 * to the source. After a round that found nothing different, the copy is what the source was throughout that round.
 */
export class TreeCopy {
  readonly #from: string;
  readonly #to: string;
  readonly #signal: AbortSignal;
  readonly #files = new Map<string, FileFacts>();

  /**
   * @param from the user data directory to copy, which nothing here changes
   * @param to an existing, empty directory
   */
  constructor(from: string, to: string, signal: AbortSignal) {
    this.#from = from;
    this.#to = to;
    this.#signal = signal;
  }

  /** What was copied, by path relative to the user data directory. */
  get files(): ReadonlyMap<string, FileFacts> {
    return this.#files;
  }

  /**
   * Copies what is new or changed, and removes what is gone. Logs, MANIFESTs and CURRENT are read again in each round; other files
   * only when their size or time has changed.
   *
   * @param suspects files to read again in any case
   * @throws WharfError `storage_unavailable`; the signal's reason when it is aborted
   */
  async round(suspects: ReadonlySet<string> = new Set()): Promise<Round> {
    const round: Round = { changed: [], gone: [] };
    this.#signal.throwIfAborted();
    const listed = await this.#list(round);
    await pMap(
      listed,
      async (path) => {
        this.#signal.throwIfAborted();
        if (await this.#refresh(path, suspects.has(path))) round.changed.push(path);
      },
      { concurrency: CONCURRENCY },
    );
    const present = new Set(listed);
    for (const path of [...this.#files.keys()].filter((known) => !present.has(known))) {
      this.#signal.throwIfAborted();
      await this.#drop(path);
      round.gone.push(path);
    }
    round.changed.sort();
    return round;
  }

  /** Makes the names of all that was copied durable; the contents are already. Throws `storage_unavailable`. */
  async sync(): Promise<void> {
    const directories = new Set<string>([this.#to]);
    for (const path of this.#files.keys()) {
      for (let parent = dirname(path); parent !== '.'; parent = dirname(parent))
        directories.add(join(this.#to, parent));
    }
    for (const directory of directories) {
      try {
        await syncDirectory(directory);
      } catch (error) {
        throw storageError('sync', directory, error);
      }
    }
  }

  /** A listing that fails for a passing reason counts as all of it changed: there will be another round. */
  async #list(round: Round): Promise<string[]> {
    try {
      return await listNeeded(this.#from);
    } catch (error) {
      if (!PASSING.has(systemCode(error))) throw storageError('list the profile', this.#from, error);
      round.changed.push('.');
      return [...this.#files.keys()];
    }
  }

  /** True if the file differs from what had been copied of it. */
  async #refresh(path: string, suspect: boolean): Promise<boolean> {
    const source = join(this.#from, path);
    const known = this.#files.get(path);
    try {
      if (known !== undefined) {
        if (!suspect && !isChanging(path)) {
          const { size, modified } = await stampFile(source);
          if (size === known.seen.size && modified === known.seen.modified) return false;
        }
        const now = await hashFile(source);
        if (now.sha256 === known.sha256) {
          this.#files.set(path, now);
          return false;
        }
      }
      const target = join(this.#to, path);
      await makeDirectories(dirname(target));
      this.#files.delete(path);
      this.#files.set(path, await copyFile(source, target));
    } catch (error) {
      if (!PASSING.has(systemCode(error))) throw storageError('copy', source, error);
      // A copy that broke off in the middle is neither the old file nor the new one.
      await this.#drop(path);
    }
    return true;
  }

  async #drop(path: string): Promise<void> {
    const target = join(this.#to, path);
    try {
      await unlink(target);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw storageError('remove', target, error);
    }
    this.#files.delete(path);
  }
}

async function makeDirectories(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw storageError('make the directory', path, error);
  }
}
