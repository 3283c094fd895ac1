import { join } from 'node:path';
import type { Clock } from '../../common/clock.ts';
import { WharfError } from '../../common/errors.ts';
import { exists, syncTree } from '../../common/files.ts';
import { filesOf } from '../../fleet/profile/file-list.ts';
import { NEEDED } from '../../fleet/profile/needed-files.ts';
import { inspectProfile } from '../../fleet/profile/repair.ts';
import type { GenerationName, SessionPaths } from '../../fleet/session-paths.ts';
import { readRecordOrFault } from './profile-record.ts';
import { type ReleaseList, writeReleaseList } from './release-list.ts';
import { finishRestore } from './replace-profile.ts';

/** Who hands a session over. */
export interface Releaser {
  epoch: number;
  instance: string;
  host: string;
}

/**
 * Syncs a profile whose browser has ended, and writes down exactly what is there, for the next owner to meet.
 *
 * @returns the list, or null where there is no profile yet
 * @throws WharfError `browser_failed` if a process of this host still has it open; `storage_unavailable`
 */
export async function releaseProfile(
  name: GenerationName,
  by: Releaser,
  paths: SessionPaths,
  clock: Pick<Clock, 'now'>,
): Promise<ReleaseList | null> {
  await finishRestore(name, paths);
  const userData = paths.userData(name);
  if (!(await exists(userData))) return null;
  const { faults } = await inspectProfile(userData);
  const inUse = faults.find(({ code }) => code === 'in_use');
  if (inUse !== undefined) {
    throw new WharfError(
      'browser_failed',
      `The profile of session ${name.session} (workspace ${name.workspace}) cannot be handed over: ${inUse.file}: ${inUse.detail}.`,
    );
  }
  for (const directory of NEEDED) await syncTree(join(userData, directory));
  const { record } = await readRecordOrFault(paths.profileRecord(name));
  const list: ReleaseList = {
    version: 1,
    workspace_id: name.workspace,
    session_id: name.session,
    generation: name.generation,
    epoch: by.epoch,
    instance: by.instance,
    host: by.host,
    written_at: new Date(clock.now()).toISOString(),
    clean: record?.clean_stop === true,
    files: await filesOf(userData),
  };
  await writeReleaseList(paths.releaseList(name), list);
  return list;
}
