import { WharfError } from '../../common/errors.ts';
import type { BackupId, RestoreRequest } from '../../fleet/backup/api.ts';
import { backupIdAt, timeOfBackup } from '../manifest/backup-ids.ts';
import type { Catalog, Manifest, ManifestHead } from '../manifest/manifest.ts';

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
  const heads = await catalog.list();
  const exact = heads.find(({ id }) => id === at);
  if (exact !== undefined) return { manifest: await catalog.read(exact.id), damaged: [] };
  const time = at === 'latest' ? Number.POSITIVE_INFINITY : timeAsked(at);
  const isId = at !== 'latest' && !at.includes('-');
  const damaged: BackupId[] = [];
  for (const head of isId ? [] : madeBy(heads, time)) {
    try {
      const manifest = await catalog.read(head.id);
      if (finishedAt(manifest, head) <= time) return { manifest, damaged };
    } catch (error) {
      if (!(error instanceof WharfError && error.code === 'backup_damaged')) throw error;
      damaged.push(head.id);
    }
  }
  throw notFound(at, heads, time, damaged);
}

/** Those that were made by a time, newest first: not by their ids, which a clock that was ahead takes from the future. Pure. */
function madeBy(heads: readonly ManifestHead[], time: number): ManifestHead[] {
  return heads.filter(({ made }) => made <= time).reverse();
}

/** When a backup was finished: when it says, or when its manifest was put where that was earlier, as in `madeAt`. Pure. */
function finishedAt({ finished_at }: Manifest, { modified }: ManifestHead): number {
  return Math.min(Date.parse(finished_at), modified);
}

/**
 * The ids of the backups nearest to a time, oldest first: some before it, and some after. Pure.
 *
 * @param heads in the order they were made, oldest first
 */
export function nearestTo(heads: readonly Pick<ManifestHead, 'id' | 'made'>[], time: number): BackupId[] {
  const after = heads.findIndex(({ made }) => made > time);
  const middle = after === -1 ? heads.length : after;
  return heads.slice(Math.max(0, middle - NAMED), middle + NAMED).map(({ id }) => id);
}

function timeAsked(at: string): number {
  return at.includes('-') ? Date.parse(at) : timeOfBackup(at);
}

function notFound(
  at: string,
  heads: readonly ManifestHead[],
  time: number,
  damaged: readonly BackupId[],
): WharfError {
  if (heads.length === 0)
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
    `${what}.${broken} The nearest: ${nearestTo(heads, time).join(', ')}; wharf backup list shows all.`,
  );
}
