import { readdir, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../../common/clock.ts';
import { systemCode } from '../../common/errors.ts';
import {
  listNames,
  makePrivateSubdirectory,
  removeTree,
  storageError,
  syncDirectory,
} from '../../common/files.ts';
import type { SessionId, WorkspaceId } from '../../fleet/ids.ts';
import {
  type GenerationName,
  parseTrashEntryName,
  type SessionPaths,
  type TrashEntry,
} from '../../fleet/session-paths.ts';

/** How long what was logged out or deleted can be had back: 7 days, in milliseconds. */
const TRASH_KEPT = 7 * 24 * 60 * 60 * 1000;

/** What a purge did. */
export interface Purge {
  /** Paths that were removed. */
  removed: string[];
  /** Names Wharf did not give; they are left alone. */
  unknown: string[];
}

/**
 * Where profiles go on logout, instead of being removed: `workspace_{id}/trash/`, by rename, with the time in the name.
 * Every method throws WharfError `storage_unavailable` when the disk fails.
 */
export class Trash {
  readonly #paths: SessionPaths;
  readonly #clock: Pick<Clock, 'now'>;

  constructor(paths: SessionPaths, clock: Pick<Clock, 'now'>) {
    this.#paths = paths;
    this.#clock = clock;
  }

  /**
   * Moves one generation to the trash: the session goes on without its login. The browser must have ended.
   *
   * @returns where it is now, or null if there was none
   */
  async moveGeneration(name: GenerationName): Promise<string | null> {
    const { workspace, session, generation } = name;
    const entry: TrashEntry = { time: this.#clock.now(), session, generation };
    return await this.#move(this.#paths.generation(name), workspace, entry);
  }

  /**
   * Moves a whole session to the trash, with its record and all generations. Its browser must have ended.
   *
   * @param why `replaced` where a restore, or the undoing of one, takes it away: then nobody deleted it
   * @returns where it is now, or null if there was none
   */
  async moveSession(
    workspace: WorkspaceId,
    session: SessionId,
    why: 'deleted' | 'replaced' = 'deleted',
  ): Promise<string | null> {
    const entry: TrashEntry = { time: this.#clock.now(), session, generation: null };
    if (why === 'replaced') entry.replaced = true;
    return await this.#move(this.#paths.session(workspace, session), workspace, entry);
  }

  /**
   * Removes for good what has been in a workspace's trash for longer than {@link TRASH_KEPT}, by the time in its name.
   *
   * @param kept milliseconds to keep instead
   */
  async purge(workspace: WorkspaceId, kept = TRASH_KEPT): Promise<Purge> {
    const purge: Purge = { removed: [], unknown: [] };
    const now = this.#clock.now();
    for (const name of await this.#list(workspace)) {
      const entry = parseTrashEntryName(name);
      if (entry === null) {
        purge.unknown.push(name);
      } else if (now - entry.time > kept) {
        const path = this.#paths.trashEntry(workspace, entry);
        await removeTree(path);
        purge.removed.push(path);
      }
    }
    return purge;
  }

  async #list(workspace: WorkspaceId): Promise<string[]> {
    return await listNames(this.#paths.trash(workspace), 'list the trash');
  }

  async #move(from: string, workspace: WorkspaceId, entry: TrashEntry): Promise<string | null> {
    const directory = this.#paths.trash(workspace);
    try {
      // One that is not there leaves no empty trash behind either.
      await readdir(from);
      await makePrivateSubdirectory(directory);
      const taken = new Set(await readdir(directory));
      for (;;) {
        const to = this.#paths.trashEntry(workspace, entry);
        if (!taken.has(to.slice(directory.length + 1)) && (await tryRename(from, to))) {
          await syncDirectory(directory);
          await syncDirectory(dirname(from));
          return to;
        }
        // Twice within one millisecond: the next one's name is free.
        entry.time++;
      }
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return null;
      throw storageError('move to the trash', from, error);
    }
  }
}

async function tryRename(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOTEMPTY' || systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}
