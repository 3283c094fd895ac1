import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../common/clock.ts';
import { messageOf, systemCode, WharfError } from '../../common/errors.ts';
import { makePrivateSubdirectory, storageError, syncTree } from '../../common/files.ts';
import type { SessionId, WorkspaceId } from '../../fleet/ids.ts';
import {
  type GenerationName,
  parseGenerationDirectory,
  type SessionPaths,
} from '../../fleet/session-paths.ts';
import {
  type ChromiumVersion,
  formatChromiumVersion,
  mayOpen,
  parseChromiumVersion,
} from './chromium-version.ts';
import { type ProfileRecord, readProfileRecord, writeProfileRecord } from './profile-record.ts';
import { endangersProfile, inspectProfile, type RepairReport, repairProfile } from './repair.ts';

/** The outcome of {@link ProfileStore.open}. */
export interface OpenedProfile {
  /**
   * `ready`: start the browser. `damaged`: Chromium would throw data away, nothing was opened; take the last good copy, or open with
   * `acceptDamage`. */
  state: 'ready' | 'damaged';
  /** LocalAuth's `dataPath`, with the session id as `clientId`. */
  directory: string;
  /** The browser's user data directory. */
  userData: string;
  /** True if no browser has run here yet. */
  fresh: boolean;
  /** What the repair found; null if the last stop was clean, so that none was needed. */
  repair: RepairReport | null;
  /** Why the generation's record could not be used, or null. Its Chromium version is then unknown. */
  recordFault: string | null;
}

/** The outcome of {@link ProfileStore.markCleanStop}. */
export interface CleanStop {
  /** False if the databases are not whole after all: the next start repairs them. */
  marked: boolean;
  report: RepairReport;
}

/**
 * The profiles of sessions on the session path. It starts and stops nothing, and takes the caller's word for who owns a workspace and
 * whether a browser runs.
 *
 * A generation's life: `open` before every start (clears the clean-stop mark; repairs unless that mark stood), the browser runs,
 * `markCleanStop` only after its close was confirmed. A kill leaves no mark, and so brings the repair.
 *
 * Every method throws WharfError `storage_unavailable` when the disk fails, with what to do about it.
 */
export class ProfileStore {
  readonly #paths: SessionPaths;
  readonly #clock: Pick<Clock, 'now'>;

  constructor(paths: SessionPaths, clock: Pick<Clock, 'now'>) {
    this.#paths = paths;
    this.#clock = clock;
  }

  /**
   * Makes a generation ready for a browser to be started on it, and makes it if need be (directories 0700).
   *
   * @param chromium the version of the binary that will run
   * @throws WharfError `chromium_too_old` if a newer one has opened it: an older one would lose the session; `browser_failed` if a
   *   process of this host still has it open; `storage_unavailable` if the disk fails, or a part of it cannot be read or mended now
   */
  async open(
    name: GenerationName,
    chromium: ChromiumVersion,
    options: { acceptDamage?: boolean } = {},
  ): Promise<OpenedProfile> {
    await this.#makeDirectories(name);
    const { record, fault } = await this.#record(name);
    const wroteIt = record === null ? null : parseChromiumVersion(record.chromium);
    if (!mayOpen(wroteIt, chromium)) {
      throw new WharfError(
        'chromium_too_old',
        `The profile of session ${name.session} (workspace ${name.workspace}) was last opened by Chromium ${record?.chromium}, and this host has ` +
          `${formatChromiumVersion(chromium)}: an older one would destroy it. Install ${record?.chromium} or newer here, or run the workspace where it is.`,
      );
    }

    const userData = this.#paths.userData(name);
    const fresh = !(await exists(userData));
    // LocalAuth would make it, for everybody to look into.
    if (fresh) await makePrivateSubdirectory(userData);
    const clean = record?.clean_stop === true;
    const repair =
      fresh || clean
        ? null
        : await repairProfile(userData, { tails: this.#paths.tornTails(name), now: this.#clock.now() });
    const profile = { directory: this.#paths.generation(name), userData, fresh, repair, recordFault: fault };
    if (repair !== null) throwWhatMayPass(name, userData, repair, options.acceptDamage === true);
    if (repair !== null && endangersProfile(repair) && !options.acceptDamage)
      return { state: 'damaged', ...profile };

    await writeProfileRecord(this.#paths.profileRecord(name), {
      chromium,
      openedAt: this.#clock.now(),
      cleanStop: false,
    });
    return { state: 'ready', ...profile };
  }

  /**
   * Records that the browser closed by itself: its files are synced, looked over, and only then marked.
   * Call it only when the browser was *seen* to end after a close it acknowledged.
   */
  async markCleanStop(name: GenerationName): Promise<CleanStop> {
    const path = this.#paths.profileRecord(name);
    const record = await readProfileRecord(path);
    const chromium = record === null ? null : parseChromiumVersion(record.chromium);
    if (record === null || chromium === null) {
      throw new WharfError(
        'invalid_state',
        `Generation ${name.generation} of session ${name.session} was never opened, so it cannot have been stopped.`,
      );
    }
    const userData = this.#paths.userData(name);
    for (const part of ['IndexedDB', 'Local Storage']) await syncTree(join(userData, 'Default', part));
    const report = await inspectProfile(userData);
    const whole = report.truncated.length === 0 && !endangersProfile(report);
    if (whole) {
      await writeProfileRecord(path, { chromium, openedAt: Date.parse(record.opened_at), cleanStop: true });
    }
    return { marked: whole, report };
  }

  /** The generations of a session that exist, newest first. */
  async generations(workspace: WorkspaceId, session: SessionId): Promise<number[]> {
    const directory = this.#paths.session(workspace, session);
    try {
      const names = await readdir(directory);
      return names
        .map(parseGenerationDirectory)
        .filter((number) => number !== null)
        .sort((left, right) => right - left);
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return [];
      throw storageError('list the generations', directory, error);
    }
  }

  async #makeDirectories(name: GenerationName): Promise<void> {
    await makePrivateSubdirectory(this.#paths.workspace(name.workspace));
    await makePrivateSubdirectory(this.#paths.session(name.workspace, name.session));
    await makePrivateSubdirectory(this.#paths.generation(name));
  }

  /** A record that cannot be understood must not lock a session out for ever: it counts as no clean stop and no known version. */
  async #record(name: GenerationName): Promise<{ record: ProfileRecord | null; fault: string | null }> {
    try {
      return { record: await readProfileRecord(this.#paths.profileRecord(name)), fault: null };
    } catch (error) {
      if (error instanceof WharfError && systemCode(error.cause) === undefined)
        return { record: null, fault: messageOf(error) };
      throw error;
    }
  }
}

/** Faults of the moment (a browser that has not ended yet, a disk that fails) are no damage: trying again may find them gone. */
function throwWhatMayPass(
  name: GenerationName,
  userData: string,
  report: RepairReport,
  acceptDamage: boolean,
): void {
  const about = `The profile of session ${name.session} (workspace ${name.workspace}) cannot be opened`;
  const inUse = report.faults.find((fault) => fault.code === 'in_use');
  if (inUse !== undefined)
    throw new WharfError('browser_failed', `${about}: ${inUse.file}: ${inUse.detail}.`);
  const stuck = report.faults.filter((fault) => fault.code === 'unreadable' || fault.code === 'cut_failed');
  if (stuck.length === 0 || acceptDamage) return;
  const list = stuck.map((fault) => `${fault.file}: ${fault.detail}`).join('; ');
  throw new WharfError(
    'storage_unavailable',
    `${about}. In ${userData}: ${list}. Look at the disk, its rights and its room.`,
  );
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw storageError('look at', path, error);
  }
}
