import type { BackupId } from '../../fleet/backup/api.ts';
import { stampOf, timeOfStamp } from '../../fleet/stamps.ts';

/** The id of a backup that is begun at a moment, milliseconds since 1970. */
export function backupIdAt(time: number): BackupId {
  return stampOf(time);
}

/** The moment that a backup's id names, milliseconds since 1970; NaN where there is no such moment. */
export function timeOfBackup(id: BackupId): number {
  return timeOfStamp(id) ?? Number.NaN;
}

/**
 * When a backup was made, milliseconds since 1970: when its id says, or when its manifest was put where that was earlier, since then the clock that named it was ahead.
 *
 * @param modified when the manifest was put, by the store's clock; later where the store was copied from another
 */
export function madeAt(id: BackupId, modified: number): number {
  const named = timeOfBackup(id);
  return Number.isNaN(named) ? modified : Math.min(named, modified);
}

/** Orders backups as they were made, oldest first. Their ids alone do not: one whose clock was ahead has an id from the future, and was made before those that came after it. */
export function byMade(a: { id: BackupId; made: number }, b: { id: BackupId; made: number }): number {
  return a.made - b.made || (a.id === b.id ? 0 : a.id < b.id ? -1 : 1);
}
