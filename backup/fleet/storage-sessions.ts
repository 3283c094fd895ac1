import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pMap from 'p-map';
import { systemCode } from '../../common/errors.ts';
import { listNames, storageError } from '../../common/files.ts';
import { deletedAt } from '../../fleet/deletions.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import {
  parseOwnersRecord,
  parseSessionDirectory,
  parseWorkspaceDirectory,
  type SessionPaths,
} from '../../fleet/session-paths.ts';
import type { FleetFile } from '../manifest/manifest.ts';
import { compareNames } from './session-names.ts';
import type { SessionName, SessionsOnStorage } from './sessions-on-storage.ts';

/** Directories that are looked into at one time: the shared storage answers slowly, and Node has few threads for it. */
const AT_ONCE = 4;

/**
 * What of `fleet/` is worth keeping. The internal token belongs to the running fleet, beacons to its running processes, and who drains or is let move freely is
 * decided by the day.
 */
const KEPT_FOLDERS = ['keys', 'webhooks', 'settings/quarantined'];
/** Bytes of a file of the fleet; what is larger is none of ours. */
const LARGEST = 1024 * 1024;

/** The sessions on the session path. Directories that vanish while it looks were deleted: no error. */
export class StorageSessions implements SessionsOnStorage {
  readonly #paths: SessionPaths;

  constructor(paths: SessionPaths) {
    this.#paths = paths;
  }

  async list(): Promise<SessionName[]> {
    const workspaces = (await this.#names(this.#paths.root)).flatMap(
      (name) => parseWorkspaceDirectory(name) ?? [],
    );
    const found = await pMap(workspaces, (workspace) => this.#sessions(workspace), { concurrency: AT_ONCE });
    return found.flat().sort(compareNames);
  }

  async deletedAt({ workspace, session }: SessionName): Promise<number | null> {
    return deletedAt(await this.#names(this.#paths.trash(workspace)), session);
  }

  async fleetFiles(): Promise<FleetFile[]> {
    const files: FleetFile[] = [];
    for (const folder of KEPT_FOLDERS) files.push(...(await this.#folder(folder)));
    return files.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /**
   * Those of a workspace that have a record: a directory without one is being made, or is what is left of one. One that cannot be read may have one, and must not end the
   * backup of all others: its owner will say what is wrong.
   */
  async #sessions(workspace: WorkspaceId): Promise<SessionName[]> {
    const names = await this.#names(this.#paths.workspace(workspace));
    const sessions = names.flatMap((name) => parseSessionDirectory(name) ?? []);
    const found: SessionName[] = [];
    for (const session of sessions) {
      const inside = await this.#names(this.#paths.session(workspace, session)).catch(() => null);
      const recorded =
        inside?.some((name) => name === 'session.json' || parseOwnersRecord(name) !== null) ?? true;
      if (recorded) found.push({ workspace, session });
    }
    return found;
  }

  /** Its files; names that begin with a dot are drafts. */
  async #folder(folder: string): Promise<FleetFile[]> {
    const names = await this.#names(join(this.#paths.fleet(), folder));
    const kept = names.filter((name) => /^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/.test(name));
    return (await pMap(kept, (name) => this.#file(`${folder}/${name}`), { concurrency: AT_ONCE })).flat();
  }

  /** None where it is no plain file, or a link to one: what is kept lies where it is looked for. */
  async #file(path: string): Promise<FleetFile[]> {
    const whole = join(this.#paths.fleet(), path);
    try {
      const found = await lstat(whole);
      if (!found.isFile() || found.size > LARGEST) return [];
      return [{ path, text: await readFile(whole, 'utf8') }];
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return [];
      throw storageError('read the file', whole, error);
    }
  }

  /** A name that is no directory has nothing in it. */
  async #names(directory: string): Promise<string[]> {
    try {
      return await listNames(directory);
    } catch (error) {
      if (error instanceof Error && systemCode(error.cause) === 'ENOTDIR') return [];
      throw error;
    }
  }
}
