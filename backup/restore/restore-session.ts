import { join } from 'node:path';
import type { Clock } from '../../common/clock.ts';
import { ERROR_CODES, isWharfError, WharfError } from '../../common/errors.ts';
import { exists, makePrivateSubdirectory, removeWhole, replaceFile } from '../../common/files.ts';
import type { PreparedRestore } from '../../fleet/backup/prepared-restore.ts';
import type { SessionPaths } from '../../fleet/session-paths.ts';
import { assembleProfile } from '../archive/assemble.ts';
import type { Instances } from '../fleet/instances.ts';
import type { SessionName } from '../fleet/sessions-on-storage.ts';
import type { BackedUpSession } from '../manifest/manifest.ts';
import type { Objects } from '../objects/objects.ts';

/** How often an owner is asked where what it met may pass, and the pause before the second time, milliseconds. */
const TRIES = 4;
const PAUSE = 2000;

/** What one session is restored with. */
export interface RestoreSessionParts {
  paths: SessionPaths;
  objects: Pick<Objects, 'read'>;
  instances: Pick<Instances, 'restore' | 'undoRestore'>;
  clock: Pick<Clock, 'sleep'>;
}

/** Which session, from which backup, in which restore. */
export interface SessionTask {
  restore: string;
  session: BackedUpSession;
  forced: boolean;
}

/** The session's name. */
function nameOf({ record }: Pick<BackedUpSession, 'record'>): SessionName {
  return { workspace: record.workspace_id, session: record.session_id };
}

/** Whether all of a session lies on the shared storage for its owner. Throws WharfError `storage_unavailable`. */
export async function isPrepared({ restore, session }: SessionTask, paths: SessionPaths): Promise<boolean> {
  return await exists(join(directoryOf(restore, session, paths), 'prepared.json'));
}

/**
 * Assembles a session on the shared storage, for its owner to put in place: all of it synced, and `prepared.json` last. What an earlier try left there is made anew.
 *
 * @throws WharfError `backup_damaged`, `backup_store_failed`, `storage_unavailable`; the signal's reason
 */
export async function prepareSession(
  { restore, session, forced }: SessionTask,
  { paths, objects }: Pick<RestoreSessionParts, 'paths' | 'objects'>,
  how: { signal: AbortSignal; onBytes: (bytes: number) => void },
): Promise<void> {
  const { workspace } = nameOf(session);
  const directory = directoryOf(restore, session, paths);
  await makePrivateSubdirectory(paths.workspace(workspace));
  await makePrivateSubdirectory(paths.restores(workspace));
  // An order to its owner may still be on its way: it finds all of what was prepared, or nothing.
  await removeWhole(directory);
  await makePrivateSubdirectory(directory);
  const files = await assembleProfile(session, join(directory, 'profile'), { objects, ...how });
  const prepared: PreparedRestore = {
    version: 1,
    restore,
    record: session.record,
    taken_at: session.taken_at,
    chromium: session.chromium,
    files,
    forced,
  };
  await replaceFile(join(directory, 'prepared.json'), `${JSON.stringify(prepared)}\n`);
}

/**
 * Has the session's owner put it in place. Repeatable: one that has answered before answers the same.
 *
 * @returns the name in the trash of what was replaced
 * @throws WharfError what the owner answers, after some tries where it may pass
 */
export async function switchSession(
  { restore, session }: SessionTask,
  { instances, clock }: RestoreSessionParts,
  signal: AbortSignal,
): Promise<string | null> {
  const order = () => instances.restore(nameOf(session), restore, signal);
  return (await persist(order, clock, signal)).trash;
}

/** Has the session's owner put back what the restore replaced. As {@link switchSession}. */
export async function undoSession(
  name: SessionName,
  restore: string,
  { instances, clock }: Pick<RestoreSessionParts, 'instances' | 'clock'>,
  signal: AbortSignal,
): Promise<void> {
  await persist(() => instances.undoRestore(name, restore, signal), clock, signal);
}

/**
 * Removes what was prepared and is not wanted any more. What its owner has begun with stays: with it, the owner can tell how far it came.
 *
 * @throws WharfError `storage_unavailable`
 */
export async function removePrepared(
  { restore, session }: Pick<SessionTask, 'restore' | 'session'>,
  paths: SessionPaths,
): Promise<void> {
  const directory = directoryOf(restore, session, paths);
  const isBegun =
    (await exists(join(directory, 'prepared.json'))) && !(await exists(join(directory, 'profile')));
  if (!isBegun || session.archive === null) await removeWhole(directory);
}

function directoryOf(restore: string, session: BackedUpSession, paths: SessionPaths): string {
  const { workspace, session: id } = nameOf(session);
  return paths.preparedRestore(workspace, id, restore);
}

async function persist<T>(
  order: () => Promise<T>,
  clock: Pick<Clock, 'sleep'>,
  signal: AbortSignal,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await order();
    } catch (error) {
      signal.throwIfAborted();
      if (attempt >= TRIES || !mayPass(error)) throw error;
      await clock.sleep(PAUSE * attempt, signal);
    }
  }
}

function mayPass(error: unknown): boolean {
  return (
    isWharfError(error) &&
    ERROR_CODES[error.code].retry &&
    !(error instanceof WharfError && error.code === 'no_capacity')
  );
}
