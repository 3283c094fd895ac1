import { WharfError } from '../../common/errors.ts';
import type { BackupId, RestoreRequest } from '../../fleet/backup/api.ts';
import { backupIdAt, timeOfBackup } from '../manifest/backup-ids.ts';
import type { Catalog, Manifest } from '../manifest/manifest.ts';

/** So many ids of backups are named to somebody who asked for one that is not there, before and after it. */
const NAMED = 3;

/** A backup that was chosen, and newer ones that would have been but for their damage. */
export interface ChosenBackup {
  manifest: Manifest;
  damaged: BackupId[];
}

/**
 * Reads the backup that a restore asks for: the one of that id, else the newest that was finished by that time and can be read.
 *
 * @throws WharfError `backup_not_found`, with the nearest ones named; `backup_damaged` where the one of that id is; `backup_store_failed`
 */
export async function chooseBackup(
  catalog: Pick<Catalog, 'list' | 'read'>,
  at: RestoreRequest['at'],
): Promise<ChosenBackup> {
  const ids = (await catalog.list()).map(({ id }) => id).sort();
  const exact = ids.find((id) => id === at);
  if (exact !== undefined) return { manifest: await catalog.read(exact), damaged: [] };
  const time = at === 'latest' ? Number.POSITIVE_INFINITY : timeAsked(at);
  const isId = at !== 'latest' && !at.includes('-');
  const damaged: BackupId[] = [];
  for (const id of isId ? [] : begunBy(ids, time)) {
    try {
      const manifest = await catalog.read(id);
      if (Date.parse(manifest.finished_at) <= time) return { manifest, damaged };
    } catch (error) {
      if (!(error instanceof WharfError && error.code === 'backup_damaged')) throw error;
      damaged.push(id);
    }
  }
  throw notFound(at, ids, time, damaged);
}

/** Those that were begun by a time, newest first. Pure. */
function begunBy(ids: readonly BackupId[], time: number): BackupId[] {
  return ids.filter((id) => timeOfBackup(id) <= time).reverse();
}

/** The ids nearest to a time, oldest first: some before it, and some after. Pure. */
export function nearestTo(ids: readonly BackupId[], time: number): BackupId[] {
  const sorted = [...ids].sort();
  const after = sorted.findIndex((id) => timeOfBackup(id) > time);
  const middle = after === -1 ? sorted.length : after;
  return sorted.slice(Math.max(0, middle - NAMED), middle + NAMED);
}

function timeAsked(at: string): number {
  return at.includes('-') ? Date.parse(at) : timeOfBackup(at);
}

function notFound(
  at: string,
  ids: readonly BackupId[],
  time: number,
  damaged: readonly BackupId[],
): WharfError {
  if (ids.length === 0)
    return new WharfError('backup_not_found', 'There are no backups yet: wharf backup run makes one.');
  const what =
    at === 'latest'
      ? 'No backup can be read'
      : at.includes('-')
        ? `No backup was finished by ${backupIdAt(time)}`
        : `There is no backup ${at}`;
  const broken = damaged.length === 0 ? '' : ` Damaged: ${damaged.slice(0, NAMED).join(', ')}.`;
  return new WharfError(
    'backup_not_found',
    `${what}.${broken} The nearest: ${nearestTo(ids, time).join(', ')}; wharf backup list shows all.`,
  );
}
