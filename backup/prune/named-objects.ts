import { isWharfError } from '../../common/errors.ts';
import type { BackupId } from '../../fleet/backup/api.ts';
import type { Catalog, ManifestHead } from '../manifest/manifest.ts';
import { Turns } from '../turns.ts';

/** An object that manifests name. */
export interface NamedObject {
  sha256: string;
  /** The newest backup that needs it. */
  backup: BackupId;
}

/** What all backups together need. */
export interface Named {
  /** By their SHA-256. */
  objects: Map<string, NamedObject>;
  /** Backups whose manifests cannot be read, or were removed before they could be: nobody knows what they name, or named for others to count on. */
  unreadable: BackupId[];
}

/**
 * Reads which objects backups need, one manifest after the other.
 *
 * @param heads oldest first
 * @throws WharfError `backup_store_failed`; the signal's reason
 */
export async function readNamed(
  catalog: Pick<Catalog, 'read'>,
  heads: readonly ManifestHead[],
  signal: AbortSignal,
): Promise<Named> {
  const named: Named = { objects: new Map(), unreadable: [] };
  const turns = new Turns();
  for (const { id } of heads) {
    signal.throwIfAborted();
    try {
      for (const { archive, pieces } of (await catalog.read(id)).sessions) {
        await turns.take();
        for (const { sha256 } of archive ? [archive, ...pieces] : pieces)
          named.objects.set(sha256, { sha256, backup: id });
      }
    } catch (error) {
      if (!isWharfError(error, 'backup_damaged') && !isWharfError(error, 'backup_not_found')) throw error;
      named.unreadable.push(id);
    }
  }
  return named;
}
