import { lchown, lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { WharfError } from '../../common/errors.ts';
import {
  exists,
  makePrivateSubdirectory,
  removeWhole,
  replaceFile,
  storageError,
  syncTree,
} from '../../common/files.ts';
import type { PreparedRestore } from '../../fleet/backup/prepared-restore.ts';
import { copyFiles } from '../../fleet/profile/copy-file.ts';
import { type FileList, filesOf } from '../../fleet/profile/file-list.ts';
import { listNeeded } from '../../fleet/profile/needed-files.ts';
import { endangersProfile, type RepairReport, repairProfile } from '../../fleet/profile/repair.ts';
import type { SessionPaths } from '../../fleet/session-paths.ts';
import type { Target } from './plan.ts';
import type { FoundProfile } from './profiles.ts';

/** What is prepared, under which id. */
export interface PrepareTask {
  profile: FoundProfile;
  target: Target;
  /** See `restoreIdSchema`. */
  id: string;
  replace: boolean;
  /** Milliseconds since 1970. */
  now: number;
}

/** What was mended in the copy. */
export interface PreparedProfile {
  /** Logs whose torn end was cut off. */
  tornLogs: number;
  /** What people should know of it. */
  notes: string[];
}

/**
 * Copies a profile to the shared storage, for the owner of its workspace to put in place: what a session needs of it, its torn logs cut, all of it synced, and
 * `prepared.json` last. The original is only read. It must not be in use: what changes while it is copied fails.
 *
 * @throws WharfError `storage_unavailable`, `invalid_state` where it changes, `profile_damaged`; the signal's reason
 */
export async function prepareProfile(
  task: PrepareTask,
  paths: SessionPaths,
  signal: AbortSignal,
): Promise<PreparedProfile> {
  const { profile, target, id } = task;
  const directory = paths.preparedRestore(target.workspace, target.session, id);
  const above = [paths.workspace(target.workspace), paths.restores(target.workspace)];
  for (const path of above) {
    await makePrivateSubdirectory(path);
    // At once, whatever becomes of this import and whoever made it: the instances make sessions in there.
    await giveToOwnerOf(paths.root, path);
  }
  await removeWhole(directory);
  await makePrivateSubdirectory(directory);
  try {
    const copy = join(directory, 'profile');
    await copyUnchanged(profile.directory, copy, signal);
    const report = await repairProfile(copy, { tails: join(directory, 'torn-tails'), now: task.now });
    requireWhole(report, profile);
    const prepared = preparedOf(task, await filesOf(copy, signal));
    await syncTree(directory);
    await replaceFile(join(directory, 'prepared.json'), `${JSON.stringify(prepared)}\n`);
    await giveTreeToOwnerOf(paths.root, directory);
    return { tornLogs: report.truncated.length, notes: notesOf(report) };
  } catch (error) {
    await removeWhole(directory).catch(() => undefined);
    throw error;
  }
}

/**
 * Removes what was prepared and is not wanted any more. What its owner has begun with stays: with it, the owner can tell how far it came.
 *
 * @returns whether it was there, and was not begun with
 * @throws WharfError `storage_unavailable`
 */
export async function removePrepared(paths: SessionPaths, target: Target, id: string): Promise<boolean> {
  const directory = paths.preparedRestore(target.workspace, target.session, id);
  if (!(await exists(join(directory, 'profile')))) return false;
  await removeWhole(directory);
  return true;
}

async function copyUnchanged(from: string, to: string, signal: AbortSignal): Promise<void> {
  const before = await stamps(from);
  try {
    await copyFiles(from, to, before.keys(), signal);
  } catch (error) {
    signal.throwIfAborted();
    throw storageError('copy the profile', from, error);
  }
  const after = await stamps(from);
  const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
    (file) => before.get(file) !== after.get(file),
  );
  if (changed.length === 0) return;
  throw new WharfError(
    'invalid_state',
    `${from} changed while it was copied (${changed.slice(0, 3).join(', ')}): a program uses it still. Stop that program; then import it again.`,
  );
}

async function stamps(directory: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  try {
    for (const file of await listNeeded(directory)) {
      const { size, mtimeNs, ino } = await stat(join(directory, file), { bigint: true });
      found.set(file, `${size} ${mtimeNs} ${ino}`);
    }
  } catch (error) {
    throw storageError('read the profile', directory, error);
  }
  return found;
}

function requireWhole(report: RepairReport, { directory }: FoundProfile): void {
  if (!endangersProfile(report)) return;
  const fault = report.faults.find(({ severity }) => severity === 'fatal');
  throw new WharfError(
    'profile_damaged',
    `The profile ${directory} is damaged, and Chromium would throw it away: ${fault?.file}: ${fault?.detail}. It is as it was; link the account anew, or import an older copy.`,
  );
}

function notesOf(report: RepairReport): string[] {
  const lost = report.faults.filter(({ code }) => code === 'records_lost').length;
  return lost === 0
    ? []
    : [`${lost} of its logs lost whole records: some of its chats may be missing, or it may ask for a QR`];
}

function preparedOf({ id, profile, target, replace, now }: PrepareTask, files: FileList): PreparedRestore {
  const at = new Date(now).toISOString();
  return {
    version: 1,
    restore: id,
    record: {
      version: 1,
      workspace_id: target.workspace,
      session_id: target.session,
      account_id: target.account,
      proxy: target.proxy,
      should_run: true,
      linked: true,
      phone_number: null,
      generation: 1,
      created_at: at,
      last_error: null,
    },
    taken_at: at,
    chromium: profile.chromium,
    files,
    forced: replace,
    origin: 'import',
  };
}

/** What root wrote belongs to whom the session path belongs to: the instances run as that user. Throws WharfError `storage_unavailable`. */
async function giveToOwnerOf(root: string, path: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  try {
    const { uid, gid } = await stat(root);
    if (uid !== 0 && (await lstat(path)).uid === 0) await lchown(path, uid, gid);
  } catch (error) {
    throw storageError('give to its user', path, error);
  }
}

/** {@link giveToOwnerOf} of a directory and all in it. */
async function giveTreeToOwnerOf(root: string, directory: string): Promise<void> {
  await giveToOwnerOf(root, directory);
  for (const entry of await readdir(directory, { withFileTypes: true }).catch(() => [])) {
    const path = join(directory, entry.name);
    await (entry.isDirectory() ? giveTreeToOwnerOf(root, path) : giveToOwnerOf(root, path));
  }
}
