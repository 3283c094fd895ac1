import { WharfError } from '../../common/errors.ts';
import type { BackupId } from '../../fleet/backup/api.ts';
import { timeOfBackup } from './backup-ids.ts';
import type { Catalog, Manifest } from './manifest.ts';

/** Names of backups that an error suggests. */
const SUGGESTED = 3;

/**
 * The backup that a caller names.
 *
 * @throws WharfError `backup_not_found`, with the nearest ones named; `backup_damaged`, `backup_store_failed`
 */
export async function requireBackup(catalog: Catalog, backup: BackupId | 'latest'): Promise<Manifest> {
  if (backup === 'latest') {
    const latest = await catalog.latest();
    if (latest) return latest.manifest;
    throw new WharfError(
      'backup_not_found',
      'There is no backup that can be read. Make one: wharf backup run.',
    );
  }
  const ids = (await catalog.list()).map(({ id }) => id);
  if (ids.includes(backup)) return await catalog.read(backup);
  throw new WharfError('backup_not_found', `There is no backup ${backup}. ${suggestion(backup, ids)}`);
}

/** The ids nearest to one by the times they name, in the order they were given. */
export function nearestBackups(backup: BackupId, ids: readonly BackupId[]): BackupId[] {
  const distance = (id: BackupId) => Math.abs(timeOfBackup(id) - timeOfBackup(backup));
  const nearest = [...ids].sort((a, b) => distance(a) - distance(b)).slice(0, SUGGESTED);
  return ids.filter((id) => nearest.includes(id));
}

function suggestion(backup: BackupId, ids: readonly BackupId[]): string {
  if (ids.length === 0) return 'There are none at all yet. Make one: wharf backup run.';
  return `The nearest: ${nearestBackups(backup, ids).join(', ')}. All: wharf backup list.`;
}
