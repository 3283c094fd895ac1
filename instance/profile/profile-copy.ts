import type { Clock } from '../../common/clock.ts';
import { WharfError } from '../../common/errors.ts';
import { differencesFrom, type FileList } from '../../fleet/profile/file-list.ts';
import {
  endangersProfile,
  inspectProfile,
  type RepairReport,
  repairProfile,
} from '../../fleet/profile/repair.ts';
import { TreeCopy } from './tree-copy.ts';

/** How often the source is looked at until it holds still, or is what a list says it is. */
const LOOKS = 12;
/** Between two looks, milliseconds: twelve take longer than a shared file system needs to show what another host wrote (1.2 s measured). */
const LOOK_PAUSE = 300;
/** So many looks wait for a list that should be there; the rest is for meeting it. */
const LOOKS_FOR_LIST = 6;

/** What a source must hold. */
export interface Expected {
  files: FileList;
  /** Whether the browser had closed by itself. */
  clean: boolean;
}

/** What is copied, to where, and what it must be. */
export interface ProfileCopyTask {
  /** A user data directory, which nothing here changes. */
  from: string;
  /** An existing, empty directory. */
  to: string;
  /** Where the repair of the copy keeps what it cuts off. */
  tails: string;
  /** What the source must hold, or null where nobody said; asked again before each look. */
  expected: () => Promise<Expected | null>;
  /** True where {@link ProfileCopyTask.expected} is known to come: it is waited for a while, since a file system may show it late. */
  awaitList: boolean;
  /**
   * What it means when the source is not what was expected: `late`, the file system does not show it yet, or `spoiled`, somebody has
   * written to it since.
   */
  mismatch: 'late' | 'spoiled';
  /** True for a linked session: a copy without an IndexedDB is none. */
  linked: boolean;
  /** The source in words. */
  about: string;
  signal: AbortSignal;
}

/** A copy that is whole. */
export interface CopiedProfile {
  /** What the source held, before the repair. */
  files: FileList;
  bytes: number;
  /** True where the source was exactly what its list said. */
  exact: boolean;
  /** True where no repair was needed, and none will be: {@link CopiedProfile.exact}, and the browser had closed by itself. */
  clean: boolean;
  /** What the repair of the copy did; null where it was clean. */
  repair: RepairReport | null;
}

/**
 * Copies a profile so that the copy can be started: in two passes, then repaired and checked. The first pass may run while somebody
 * still writes to the source; after {@link ProfileCopy.finish} the copy is what the source was at one moment.
 *
 * Stops with the signal's reason at the next step when the signal is aborted.
 */
export class ProfileCopy {
  readonly #task: ProfileCopyTask;
  readonly #clock: Pick<Clock, 'now' | 'sleep'>;
  readonly #tree: TreeCopy;

  constructor(task: ProfileCopyTask, clock: Pick<Clock, 'now' | 'sleep'>) {
    this.#task = task;
    this.#clock = clock;
    this.#tree = new TreeCopy(task.from, task.to, task.signal);
  }

  /** The first pass. Throws WharfError `storage_unavailable`. */
  async begin(): Promise<void> {
    await this.#tree.round();
  }

  /**
   * The second pass: what changed since, until nothing does; then the repair and the checks.
   *
   * @throws WharfError `storage_unavailable` (the disk fails, or does not show what the list promises), `browser_failed` (somebody
   *   still writes to the source), `profile_damaged` (Chromium would throw the copy away)
   */
  async finish(): Promise<CopiedProfile> {
    const task = this.#task;
    const met = await this.#settle();
    if (this.#lacksDatabase()) throw damaged(task.about, ['there is no IndexedDB']);
    await this.#tree.sync();
    task.signal.throwIfAborted();
    const files = [...this.#tree.files]
      .map(([path, { size, sha256 }]) => ({ path, size, sha256 }))
      .sort((left, right) => (left.path < right.path ? -1 : 1));
    const copied = { files, bytes: files.reduce((sum, { size }) => sum + size, 0), exact: met !== null };

    const found = await inspectProfile(task.to);
    if (met?.clean && found.truncated.length === 0 && !endangersProfile(found))
      return { ...copied, clean: true, repair: null };
    task.signal.throwIfAborted();
    const repair = await repairProfile(task.to, { tails: task.tails, now: this.#clock.now() });
    const after = await inspectProfile(task.to);
    if (endangersProfile(repair) || endangersProfile(after) || after.truncated.length > 0)
      throw damaged(task.about, fatalFaults(repair));
    return { ...copied, clean: false, repair };
  }

  /** Looks until the source is what its list says, or, without one, holds still and is whole. */
  async #settle(): Promise<Expected | null> {
    const task = this.#task;
    let suspects: ReadonlySet<string> = new Set();
    let reason = '';
    for (let look = 1; ; look++) {
      const round = await this.#tree.round(suspects);
      const expected = await task.expected();
      task.signal.throwIfAborted();
      if (expected !== null) {
        const differences = differencesFrom(expected.files, this.#tree.files);
        if (differences.length === 0) return expected;
        suspects = new Set(differences.map(({ path }) => path));
        reason = differences.map(({ path, detail }) => `${path} ${detail}`).join('; ');
        if (look >= LOOKS)
          throw task.mismatch === 'late' ? notAsPromised(task.about, reason) : spoiled(task.about, reason);
      } else {
        const differing = [...round.changed, ...round.gone];
        const still = differing.length === 0;
        const enough = still && (look >= LOOKS || (await this.#isWhole()));
        if (enough && (!task.awaitList || look >= LOOKS_FOR_LIST)) return null;
        if (look >= LOOKS) throw stillWritten(task.about, differing);
        suspects = new Set();
      }
      await this.#clock.sleep(LOOK_PAUSE, task.signal);
    }
  }

  /** What is not there may only not show yet: a file system tells late of what another host made. */
  async #isWhole(): Promise<boolean> {
    if (this.#lacksDatabase()) return false;
    const { faults } = await inspectProfile(this.#task.to);
    return faults.every(({ severity, code }) => severity !== 'fatal' && code !== 'log_missing');
  }

  #lacksDatabase(): boolean {
    const paths = [...this.#tree.files.keys()];
    return this.#task.linked && !paths.some((path) => /^Default\/IndexedDB\/[^/]+\/CURRENT$/.test(path));
  }
}

function fatalFaults(report: RepairReport): string[] {
  return report.faults
    .filter(({ severity }) => severity === 'fatal')
    .map(({ file, detail }) => `${file}: ${detail}`);
}

function damaged(about: string, faults: readonly string[]): WharfError {
  return new WharfError(
    'profile_damaged',
    `${about} is damaged, and Chromium would throw it away: ${shorten(faults.join('; '))}. Restore a copy of it, or log the session out to link it anew.`,
  );
}

function notAsPromised(about: string, reason: string): WharfError {
  return new WharfError(
    'storage_unavailable',
    `${about} is not what its owner left when it handed the session over: ${shorten(reason)}. Look at the mount; if the files are lost for good, remove the list (wharf-release.json) beside them, and what is there is repaired and used.`,
  );
}

function spoiled(about: string, reason: string): WharfError {
  return new WharfError(
    'profile_damaged',
    `${about} is no longer what was copied from it: ${shorten(reason)}. An owner that had lost the session wrote there, and nothing of that is used.`,
  );
}

function stillWritten(about: string, paths: readonly string[]): WharfError {
  return new WharfError(
    'browser_failed',
    `${about} does not hold still: ${shorten(paths.join(', '))} changed between two looks. Whoever owned the session before still writes there; end that browser, or wait until it has ended.`,
  );
}

function shorten(text: string): string {
  return text.length > 400 ? `${text.slice(0, 400)}...` : text;
}
