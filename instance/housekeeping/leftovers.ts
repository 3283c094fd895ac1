import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../../common/clock.ts';
import { messageOf, systemCode, WharfError } from '../../common/errors.ts';
import { exists, listNames, readJson, removeTree, removeWhole, storageError } from '../../common/files.ts';
import type { Logger } from '../../common/logger.ts';
import type { ClaimStore } from '../../fleet/claims.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import { parseSessionDirectory, type SessionPaths } from '../../fleet/session-paths.ts';
import type { Ownership } from '../ownership.ts';
import type { Trash } from '../profile/trash.ts';
import type { ClockWatch } from './clock-watch.ts';
import {
  copyRooms,
  type Entry,
  type LeftoverKind,
  type OldRestore,
  oldCopies,
  oldDrafts,
  oldProbes,
  oldRestores,
  oldSandboxes,
} from './leftover-plan.ts';

/** What leftovers are removed with. */
export interface LeftoverParts {
  paths: SessionPaths;
  claims: Pick<ClaimStore, 'workspaces' | 'highest'>;
  ownership: Pick<Ownership, 'workspaces' | 'epoch' | 'requireAuthority'>;
  trash: Pick<Trash, 'purge'>;
  /** While the clock is not trusted, nothing is removed. */
  watch: Pick<ClockWatch, 'isTrusted'>;
  /** Removes the files of messages of a workspace that were kept long enough. */
  purgeMedia: (workspace: WorkspaceId) => Promise<number>;
  /** `WHARF_SCRATCH`, and the system's temporary directory. */
  scratch: string;
  temporary: string;
  clock: Pick<Clock, 'now'>;
  log: Logger;
  /** Hears of each that was removed. */
  onRemoved: (kind: LeftoverKind) => void;
}

/** What is read of `fleet/restores/{id}.json`, which the backup service writes. */
const jobSchema = z.looseObject({ restore: z.looseObject({ state: z.string() }) });

/**
 * Removes what killed processes left behind, and what workspaces that nobody owns have kept long enough: their owners would, and they have none.
 *
 * Names decide, and then age; links are neither followed nor removed. In a workspace that is owned only its owner removes, while it is. What several do at one time (the fleet's
 * own directories, workspaces that were never owned) may be done twice, and does no harm.
 */
export class Leftovers {
  readonly #parts: LeftoverParts;

  constructor(parts: LeftoverParts) {
    this.#parts = parts;
  }

  /** Goes through all of it, one after the other: this is in no hurry, and storage that hangs must not take all of Node's threads. What fails is logged. */
  async clear(signal: AbortSignal): Promise<void> {
    const { claims, ownership, watch } = this.#parts;
    if (!(await watch.isTrusted())) return;
    await this.#attempt('the session path', () => this.#clearRoot());
    await this.#attempt("the fleet's own files", () => this.#clearFleet());
    await this.#attempt('the scratch directory', () => this.#clearScratch());
    for (const workspace of ownership.workspaces()) {
      if (signal.aborted) return;
      await this.#attempt(`workspace ${workspace}`, () => this.#clearOwned(workspace));
    }
    await this.#attempt('the workspaces', async () => {
      for (const workspace of await claims.workspaces()) {
        if (signal.aborted) return;
        await this.#attempt(`workspace ${workspace}`, () => this.#clearUnowned(workspace));
      }
    });
  }

  async #clearRoot(): Promise<void> {
    const { clock, paths } = this.#parts;
    await this.#remove('probe', paths.root, oldProbes(await entriesIn(paths.root, '.'), clock.now()));
  }

  /** Two levels deep: `fleet/keys/`, `fleet/settings/draining/`. */
  async #clearFleet(): Promise<void> {
    const fleet = this.#parts.paths.fleet();
    if (!(await isDirectory(fleet))) return;
    await this.#clearDrafts(fleet);
    for (const folder of await foldersIn(fleet)) {
      await this.#clearDrafts(folder);
      for (const inner of await foldersIn(folder)) await this.#clearDrafts(inner);
    }
  }

  async #clearScratch(): Promise<void> {
    const { clock, scratch, temporary } = this.#parts;
    // In a directory that all may write to, what is another's is none of ours, whatever its name.
    for (const room of copyRooms(await entriesIn(scratch, 'copies-', process.geteuid?.()))) {
      const directory = join(scratch, room);
      await this.#remove('copy', directory, oldCopies(await entriesIn(directory, ''), clock.now()));
    }
    const sandboxes = oldSandboxes(
      await entriesIn(temporary, 'wharf-sandbox-', process.geteuid?.()),
      clock.now(),
    );
    await this.#remove('sandbox', temporary, sandboxes);
  }

  async #clearOwned(workspace: WorkspaceId): Promise<void> {
    const { ownership } = this.#parts;
    const epoch = ownership.epoch(workspace);
    await this.#clearWorkspace(workspace, () => ownership.requireAuthority(workspace, epoch));
  }

  /** One without a claim: files were uploaded before its first session was made, or the claims were lost. */
  async #clearUnowned(workspace: WorkspaceId): Promise<void> {
    const { claims, ownership, purgeMedia, trash } = this.#parts;
    const isOwned = ownership.workspaces().includes(workspace) || (await claims.highest(workspace));
    if (isOwned) return;
    await this.#clearWorkspace(workspace, () => {});
    await trash.purge(workspace);
    await purgeMedia(workspace);
  }

  /** @param require throws where it is not to be touched any more */
  async #clearWorkspace(workspace: WorkspaceId, require: () => void): Promise<void> {
    const { paths } = this.#parts;
    const root = paths.workspace(workspace);
    if (!(await isDirectory(root))) return;
    await this.#clearDrafts(root, require);
    for (const name of await listNames(root)) {
      const directory = join(root, name);
      const isOurs = name === 'owners' || parseSessionDirectory(name) !== null;
      if (isOurs && (await isDirectory(directory))) await this.#clearDrafts(directory, require);
    }
    await this.#clearRestores(paths.restores(workspace), require);
  }

  async #clearRestores(directory: string, require: () => void): Promise<void> {
    const { clock, log } = this.#parts;
    if (!(await isDirectory(directory))) return;
    for (const old of oldRestores(await entriesIn(directory, 'r-'), clock.now())) {
      const path = join(directory, old.name);
      if (await this.#isNeeded(path, old)) {
        log.warn({ path }, 'what a restore left is kept: it was never ended, and may be all there is');
        continue;
      }
      require();
      await (old.name.endsWith('.removed') ? removeTree(path) : removeWhole(path));
      this.#note('restore', path);
    }
  }

  /** Its restore goes on, or stopped between taking away what was there and putting this in its place. */
  async #isNeeded(path: string, { restore }: OldRestore): Promise<boolean> {
    if (await exists(join(path, 'generation'))) return true;
    const job = await readJson(join(this.#parts.paths.fleet(), 'restores', `${restore}.json`), jobSchema);
    return job?.restore.state === 'running' || job?.restore.state === 'undoing';
  }

  async #clearDrafts(directory: string, require: () => void = () => {}): Promise<void> {
    const drafts = oldDrafts(await entriesIn(directory, '.'), this.#parts.clock.now());
    await this.#remove('draft', directory, drafts, require);
  }

  async #remove(
    kind: LeftoverKind,
    directory: string,
    names: readonly string[],
    require: () => void = () => {},
  ): Promise<void> {
    for (const name of names) {
      require();
      const path = join(directory, name);
      await removeTree(path);
      this.#note(kind, path);
    }
  }

  #note(kind: LeftoverKind, path: string): void {
    this.#parts.log.info({ kind, path }, 'removed what a process left behind');
    this.#parts.onRemoved(kind);
  }

  async #attempt(what: string, task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      // Another's by now: its owner clears it.
      if (error instanceof WharfError && error.code === 'not_owner') return;
      this.#parts.log.warn(
        { what, reason: messageOf(error) },
        'leftovers could not be removed; that is tried again tomorrow',
      );
    }
  }
}

/**
 * What lies in a directory under names that begin so; nothing where there is none.
 *
 * @param owner only what belongs to this user
 */
async function entriesIn(directory: string, prefix: string, owner?: number): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const name of await listNames(directory)) {
    if (!name.startsWith(prefix)) continue;
    const found = await lookAt(join(directory, name));
    if (found === null || (owner !== undefined && found.uid !== owner)) continue;
    const kind = found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'other';
    entries.push({ name, kind, changed: found.mtimeMs });
  }
  return entries;
}

async function foldersIn(directory: string): Promise<string[]> {
  const folders: string[] = [];
  for (const name of await listNames(directory)) {
    const path = join(directory, name);
    if (!name.startsWith('.') && (await isDirectory(path))) folders.push(path);
  }
  return folders;
}

/** Whether it is a directory of its own, and no link to one. */
async function isDirectory(path: string): Promise<boolean> {
  return (await lookAt(path))?.isDirectory() ?? false;
}

async function lookAt(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw storageError('look at', path, error);
  }
}
