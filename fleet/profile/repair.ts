import type { Dirent } from 'node:fs';
import { lstat, readdir, unlink } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { messageOf, systemCode } from '../../common/errors.ts';
import { syncDirectory } from '../../common/files.ts';
import { cutFile, keepTail } from './cut.ts';
import { readDatabase } from './leveldb-files.ts';
import type { LogDamageReason } from './leveldb-log.ts';
import { type Cut, type DatabaseFault, type FaultSeverity, planRepair } from './leveldb-plan.ts';
import { lockHolder } from './lock-holder.ts';

/** A file that was shortened; paths are relative to the user data directory. */
export interface Truncation {
  file: string;
  from: number;
  to: number;
  reason: LogDamageReason;
  /** Where the bytes cut off are kept, or null. */
  kept: string | null;
}

/** Something a repair saw and could not mend, or that says data is gone. */
export interface ProfileFault {
  /** Relative to the user data directory. */
  file: string;
  code: DatabaseFault['code'] | 'in_use' | 'unreadable' | 'cut_failed' | 'tail_not_kept' | 'link_not_removed';
  severity: FaultSeverity;
  detail: string;
}

/** What a repair found and did. */
export interface RepairReport {
  /** Files of databases that were looked at. */
  files: number;
  truncated: Truncation[];
  /** `Singleton*` links of a browser that is gone, removed. */
  removedLinks: string[];
  faults: ProfileFault[];
}

export interface RepairOptions {
  /**
   * Where to keep what is cut off, for a later look: a directory outside the user data directory, made at need. Null: nowhere, and then
   * a file with whole records behind its damage is not cut.
   */
  tails: string | null;
  /** Milliseconds since 1970, for the names of the tails. */
  now: number;
}

/**
 * Where a session's databases are: IndexedDB (one directory per origin) and Local Storage. They are all a session needs.
 */
const INDEXED_DB = join('Default', 'IndexedDB');
const LOCAL_STORAGE = join('Default', 'Local Storage', 'leveldb');

/** Links a full Chromium leaves in its user data directory; the headless shell makes none. */
const SINGLETON_LINKS = ['SingletonLock', 'SingletonCookie', 'SingletonSocket'] as const;

/**
 * Makes the profile of a *stopped* browser safe to start: cuts the torn ends off its LevelDB logs and MANIFESTs, since Chromium goes
 * on appending behind a torn record, and deletes the database at the start after that; removes `Singleton*` links, whose owner is gone.
 * A LevelDB LOCK file stays: the lock is the kernel's and ended with its process, the file means nothing.
 *
 * The caller knows that no browser runs on the profile (it owns the workspace, and saw the processes end). Where a process of this host can be
 * seen holding a database, nothing at all is touched.
 *
 * Never throws, whatever lies there: what could not be read or mended is a fault in the report.
 *
 * @param userData the user data directory (the one that holds `Default`); one that does not exist is a profile without files
 */
export async function repairProfile(userData: string, options: RepairOptions): Promise<RepairReport> {
  return await look(userData, options);
}

/** What {@link repairProfile} would do, without doing it: `truncated` is what it would cut, `removedLinks` what it would remove. Never throws. */
export async function inspectProfile(userData: string): Promise<RepairReport> {
  return await look(userData, null);
}

/** True if Chromium, started on a profile with this report, throws a database away, or may. */
export function endangersProfile(report: RepairReport): boolean {
  return report.faults.some((fault) => fault.severity === 'fatal');
}

async function look(userData: string, options: RepairOptions | null): Promise<RepairReport> {
  const report: RepairReport = { files: 0, truncated: [], removedLinks: [], faults: [] };
  const databases = await findDatabases(userData, report);
  for (const database of databases) {
    const holder = await lockHolder(join(database, 'LOCK'));
    if (holder === null) continue;
    const detail = `process ${holder} has this database open: the browser has not ended, and nothing was touched`;
    report.faults.push({ file: relative(userData, database), code: 'in_use', severity: 'fatal', detail });
    return report;
  }
  for (const database of databases) await lookAtDatabase(userData, database, options, report);
  await removeLinks(userData, options !== null, report);
  return report;
}

async function findDatabases(userData: string, report: RepairReport): Promise<string[]> {
  const origins = await list(userData, INDEXED_DB, report);
  const databases = origins
    .filter((entry) => entry.isDirectory() && entry.name.endsWith('.leveldb'))
    .map((entry) => join(userData, INDEXED_DB, entry.name));
  if ((await list(userData, LOCAL_STORAGE, report)).length > 0) databases.push(join(userData, LOCAL_STORAGE));
  return databases;
}

async function list(userData: string, directory: string, report: RepairReport): Promise<Dirent[]> {
  try {
    return await readdir(join(userData, directory), { withFileTypes: true });
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') report.faults.push(unreadable(directory, error));
    return [];
  }
}

async function lookAtDatabase(
  userData: string,
  database: string,
  options: RepairOptions | null,
  report: RepairReport,
): Promise<void> {
  const place = relative(userData, database);
  const { files, unreadable: failed } = await readDatabase(database);
  report.files += files.sizes.size;
  for (const { name, error } of failed) report.faults.push(unreadable(join(place, name), error));

  const plan = planRepair(files);
  for (const { name, ...fault } of plan.faults) report.faults.push({ file: join(place, name), ...fault });
  for (const cut of plan.cuts) {
    const { name, ...what } = cut;
    if (options === null) {
      report.truncated.push({ file: join(place, name), ...what, kept: null });
      continue;
    }
    const losesRecords = plan.faults.some((fault) => fault.name === name && fault.code === 'records_lost');
    await apply({ userData, database, cut, losesRecords }, options, report);
  }
}

async function apply(
  task: { userData: string; database: string; cut: Cut; losesRecords: boolean },
  options: RepairOptions,
  report: RepairReport,
): Promise<void> {
  const path = join(task.database, task.cut.name);
  const file = relative(task.userData, path);
  const { name: _, ...what } = task.cut;

  let kept: string | null = null;
  if (options.tails !== null) {
    try {
      const label = `${basename(task.database)}-${task.cut.name}`;
      kept = await keepTail(path, task.cut.to, { directory: options.tails, label, now: options.now });
    } catch (error) {
      const detail = `what was cut off could not be kept in ${options.tails}: ${messageOf(error)}`;
      report.faults.push({ file, code: 'tail_not_kept', severity: 'note', detail });
    }
  }
  if (task.losesRecords && kept === null) {
    const detail =
      'there are whole records behind the damage and no place to keep them, so the file is left as it is';
    report.faults.push({ file, code: 'cut_failed', severity: 'fatal', detail });
    return;
  }
  try {
    await cutFile(path, task.cut.from, task.cut.to);
    report.truncated.push({ file, ...what, kept });
  } catch (error) {
    report.faults.push({ file, code: 'cut_failed', severity: 'fatal', detail: messageOf(error) });
  }
}

async function removeLinks(userData: string, forReal: boolean, report: RepairReport): Promise<void> {
  for (const name of SINGLETON_LINKS) {
    try {
      const found = await lstat(join(userData, name));
      if (found.isDirectory()) throw new Error('it is a directory');
      if (forReal) await unlink(join(userData, name));
      report.removedLinks.push(name);
    } catch (error) {
      if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') continue;
      const detail = `a browser may refuse to start over it: ${messageOf(error)}`;
      report.faults.push({ file: name, code: 'link_not_removed', severity: 'note', detail });
    }
  }
  if (forReal && report.removedLinks.length > 0) await syncDirectory(userData).catch(() => undefined);
}

function unreadable(file: string, error: unknown): ProfileFault {
  return { file, code: 'unreadable', severity: 'fatal', detail: messageOf(error) };
}
