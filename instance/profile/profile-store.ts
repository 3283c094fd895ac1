import { join } from 'node:path';
import type { Clock } from '../../common/clock.ts';
import { WharfError } from '../../common/errors.ts';
import { exists, makePrivateSubdirectory, removeTree, syncTree } from '../../common/files.ts';
import type { Logger } from '../../common/logger.ts';
import type { SessionId, WorkspaceId } from '../../fleet/ids.ts';
import { NEEDED } from '../../fleet/profile/needed-files.ts';
import {
  endangersProfile,
  inspectProfile,
  type RepairReport,
  repairProfile,
} from '../../fleet/profile/repair.ts';
import type { GenerationName, SessionPaths } from '../../fleet/session-paths.ts';
import {
  type ChromiumVersion,
  formatChromiumVersion,
  mayOpen,
  parseChromiumVersion,
} from './chromium-version.ts';
import { listGenerations } from './generation-facts.ts';
import { keepGoodCopy, type LastGood, prepareLastGood } from './good-copy.ts';
import { beginGeneration, type GenerationInMaking, type GenerationRequest } from './new-generation.ts';
import {
  NEW_RECORD,
  PROVEN_STARTS,
  readProfileRecord,
  readRecordOrFault,
  writeProfileRecord,
} from './profile-record.ts';
import { type Releaser, releaseProfile } from './release.ts';
import type { ReleaseList } from './release-list.ts';
import { finishRestore } from './replace-profile.ts';
import { type Tidied, tidyGenerations } from './tidy-generations.ts';
import type { Trash } from './trash.ts';

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
  /** True if a restored profile was put in the place of one that was lost. */
  restored: boolean;
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
 * `markReady` when the session came to be ready, `markCleanStop` only after its close was confirmed. A kill leaves no mark, and so brings
 * the repair. `release` leaves it for another owner, who makes the next generation from it with `adopt`.
 *
 * Every method throws WharfError `storage_unavailable` when the disk fails, with what to do about it.
 */
export class ProfileStore {
  readonly #paths: SessionPaths;
  readonly #clock: Pick<Clock, 'now' | 'sleep'>;

  constructor(paths: SessionPaths, clock: Pick<Clock, 'now' | 'sleep'>) {
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
    const { record, fault } = await readRecordOrFault(this.#paths.profileRecord(name));
    const wroteIt = parseChromiumVersion(record?.chromium ?? '');
    if (!mayOpen(wroteIt, chromium)) {
      throw new WharfError(
        'chromium_too_old',
        `The profile of session ${name.session} (workspace ${name.workspace}) was last opened by Chromium ${record?.chromium}, and this host has ` +
          `${formatChromiumVersion(chromium)}: an older one would destroy it. Install ${record?.chromium} or newer here, or run the workspace where it is.`,
      );
    }

    const restored = await finishRestore(name, this.#paths);
    const userData = this.#paths.userData(name);
    const fresh = !(await exists(userData));
    // LocalAuth would make it, for everybody to look into.
    if (fresh) await makePrivateSubdirectory(userData);
    const clean = record?.clean_stop === true && !restored;
    const repair =
      fresh || clean
        ? null
        : await repairProfile(userData, { tails: this.#paths.tornTails(name), now: this.#clock.now() });
    const profile = {
      directory: this.#paths.generation(name),
      userData,
      fresh,
      restored,
      repair,
      recordFault: fault,
    };
    if (repair !== null) throwWhatMayPass(name, userData, repair, options.acceptDamage === true);
    if (repair !== null && endangersProfile(repair) && !options.acceptDamage)
      return { state: 'damaged', ...profile };

    // From here on the files may change: they are what nobody promised any more.
    await removeTree(this.#paths.releaseList(name));
    const now = new Date(this.#clock.now()).toISOString();
    await writeProfileRecord(this.#paths.profileRecord(name), {
      ...(record ?? { ...NEW_RECORD, made_at: fresh ? now : null }),
      chromium: formatChromiumVersion(chromium),
      opened_at: now,
      clean_stop: false,
      starts: (record?.starts ?? 0) + 1,
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
    if (record === null || record.starts === 0) {
      throw new WharfError(
        'invalid_state',
        `Generation ${name.generation} of session ${name.session} was never opened, so it cannot have been stopped.`,
      );
    }
    const userData = this.#paths.userData(name);
    for (const directory of NEEDED) await syncTree(join(userData, directory));
    const report = await inspectProfile(userData);
    const whole = report.truncated.length === 0 && !endangersProfile(report);
    if (whole) {
      await writeProfileRecord(path, { ...record, clean_stop: true });
    }
    return { marked: whole, report };
  }

  /** Records that the session came to be ready on the generation, as far as that matters. A browser runs there. */
  async markReady(name: GenerationName): Promise<void> {
    const path = this.#paths.profileRecord(name);
    const record = await readProfileRecord(path);
    if (record === null || record.ready_starts >= Math.min(PROVEN_STARTS, record.starts)) return;
    await writeProfileRecord(path, { ...record, ready_starts: record.ready_starts + 1 });
  }

  /** Keeps a copy of a profile whose stop was marked as clean after the session had been ready on it: the last good copy from now on. */
  async keepGoodCopy(name: GenerationName): Promise<void> {
    await keepGoodCopy(name, this.#parts);
  }

  /**
   * Gets the last good copy ready: the next {@link ProfileStore.open} puts it in the place of the profile. The browser must have ended.
   *
   * @returns where it comes from, in words, or null if there is no good one
   */
  async prepareLastGood(name: GenerationName, log: Logger, signal: AbortSignal): Promise<LastGood | null> {
    return await prepareLastGood(name, log, signal, this.#parts);
  }

  /**
   * Hands a session over: syncs its profile and leaves a list of what is there, to be met by the next owner. The browser must have ended.
   *
   * @returns the list, or null where there is no profile yet
   * @throws WharfError `browser_failed` if a process of this host still has it open
   */
  async release(name: GenerationName, by: Releaser): Promise<ReleaseList | null> {
    return await releaseProfile(name, by, this.#paths, this.#clock);
  }

  /**
   * Takes a session over: begins its next generation, and returns after the first pass over the files, which may run while the owner
   * before is still writing; `finish()` when it no longer can. Then write {@link MadeGeneration.generation} into the session's record, and only
   * then start it. See {@link beginGeneration} for the errors.
   */
  async adopt(request: GenerationRequest): Promise<GenerationInMaking> {
    return await beginGeneration(request, this.#parts);
  }

  /** Moves the session's old generations to the trash, and keeps the trash within its limits. For its owner, at any time. */
  async tidy(current: GenerationName, trash: Trash): Promise<Tidied> {
    return await tidyGenerations(current, { ...this.#parts, trash });
  }

  /** The generations of a session that are complete, newest first. */
  async generations(workspace: WorkspaceId, session: SessionId): Promise<number[]> {
    return (await listGenerations(this.#paths, workspace, session)).complete;
  }

  get #parts() {
    return { paths: this.#paths, clock: this.#clock };
  }

  async #makeDirectories(name: GenerationName): Promise<void> {
    await makePrivateSubdirectory(this.#paths.workspace(name.workspace));
    await makePrivateSubdirectory(this.#paths.session(name.workspace, name.session));
    await makePrivateSubdirectory(this.#paths.generation(name));
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
