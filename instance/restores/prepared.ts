import { join } from 'node:path';
import pMap from 'p-map';
import type { Clock } from '../../common/clock.ts';
import { messageOf, systemCode, WharfError } from '../../common/errors.ts';
import { readJson, storageError } from '../../common/files.ts';
import { type PreparedRestore, preparedRestoreSchema } from '../../fleet/backup/prepared-restore.ts';
import { type FileFacts, hashFile } from '../../fleet/profile/copy-file.ts';
import { differencesFrom, type FileList } from '../../fleet/profile/file-list.ts';
import { listNeeded } from '../../fleet/profile/needed-files.ts';
import { endangersProfile, inspectProfile } from '../../fleet/profile/repair.ts';
import type { SessionPaths } from '../../fleet/session-paths.ts';

/** How often it is looked for what another host wrote, and how long between two looks, milliseconds: longer than a shared file system needs to show it (1.2 s measured). */
const LOOKS = 12;
const LOOK_PAUSE = 300;
/** Files read at one time: Node has four threads for files by default, and one stays free for the rest of the process. */
const CONCURRENCY = 3;

/** Which restore of which session. */
export interface RestoreKey {
  workspace: string;
  session: string;
  restore: string;
}

/**
 * What was prepared of a session, or null where nothing was, or nothing is left of it.
 *
 * @throws WharfError `storage_unavailable`; `restore_not_found` where it is another session's
 */
export async function readPrepared(paths: SessionPaths, key: RestoreKey): Promise<PreparedRestore | null> {
  const { workspace, session, restore } = key;
  const path = join(paths.preparedRestore(workspace, session, restore), 'prepared.json');
  const prepared = await readJson(path, preparedRestoreSchema);
  if (prepared === null) return null;
  const { record } = prepared;
  const isOurs = record.workspace_id === workspace && record.session_id === session;
  if (isOurs && prepared.restore === restore && (prepared.files !== null || !record.linked)) return prepared;
  throw new WharfError(
    'restore_not_found',
    `What is prepared in ${path} is none of restore ${restore} of session ${session} (workspace ${workspace}). Nothing was changed; restore it anew.`,
  );
}

/**
 * Sees that a prepared profile is what was written, and that it can be started: nothing was stopped for it yet. What another host wrote may show late, and is waited for.
 *
 * @param directory the user data directory that was prepared
 * @throws WharfError `storage_unavailable` where it is not what was written, `profile_damaged` where Chromium would throw it away
 */
export async function checkPrepared(
  directory: string,
  files: FileList,
  clock: Pick<Clock, 'sleep'>,
): Promise<void> {
  for (let look = 1; ; look += 1) {
    const differences = await differencesIn(directory, files);
    if (differences.length === 0) break;
    if (look >= LOOKS)
      throw new WharfError(
        'storage_unavailable',
        `The profile that was prepared in ${directory} is not what was written there: ${differences.slice(0, 3).join('; ')}. Look at the mount; then restore it anew.`,
      );
    await clock.sleep(LOOK_PAUSE);
  }
  const report = await inspectProfile(directory);
  if (!endangersProfile(report)) return;
  const fatal = report.faults.find(({ severity }) => severity === 'fatal');
  throw new WharfError(
    'profile_damaged',
    `The profile in the backup is damaged, and Chromium would throw it away: ${fatal?.file}: ${fatal?.detail}. Nothing was changed; restore an earlier one.`,
  );
}

async function differencesIn(directory: string, files: FileList): Promise<string[]> {
  const found = new Map<string, Pick<FileFacts, 'size' | 'sha256'>>();
  const unreadable: string[] = [];
  const read = async (path: string) => {
    try {
      found.set(path, await hashFile(join(directory, path)));
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return;
      unreadable.push(`${path}: ${messageOf(error)}`);
    }
  };
  await pMap(new Set([...files.map(({ path }) => path), ...(await listed(directory))]), read, {
    concurrency: CONCURRENCY,
  });
  return [...unreadable, ...differencesFrom(files, found).map(({ path, detail }) => `${path} ${detail}`)];
}

async function listed(directory: string): Promise<string[]> {
  try {
    return await listNeeded(directory);
  } catch (error) {
    throw storageError('list what was prepared', directory, error);
  }
}
