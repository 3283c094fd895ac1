import { isWharfError } from '../../common/errors.ts';
import type { BackupId, BackupSummary } from '../../fleet/backup/api.ts';
import type { Catalog, Manifest, ManifestHead } from '../manifest/manifest.ts';
import type { RetentionBackup } from '../retention/retention.ts';
import { Turns } from '../turns.ts';

/** The state of a backup whose manifest can be read. */
export function stateOf({ sessions, missed }: Pick<Manifest, 'sessions' | 'missed'>): BackupSummary['state'] {
  return missed.length === 0 && sessions.every(({ carried }) => carried === null) ? 'complete' : 'partial';
}

/** Tells backups' states. What was read once is known: a manifest is never changed. */
export class BackupStates {
  readonly #catalog: Pick<Catalog, 'read'>;
  #known = new Map<BackupId, RetentionBackup>();

  constructor(catalog: Pick<Catalog, 'read'>) {
    this.#catalog = catalog;
  }

  /**
   * Backups as the retention looks at them, one manifest after the other.
   *
   * @throws WharfError `backup_store_failed`; the signal's reason
   */
  async of(heads: readonly ManifestHead[], signal: AbortSignal): Promise<RetentionBackup[]> {
    const known = new Map<BackupId, RetentionBackup>();
    for (const head of heads) {
      signal.throwIfAborted();
      const before = this.#known.get(head.id);
      const found = before?.modified === head.modified ? before : await this.#look(head);
      if (found) known.set(head.id, found);
    }
    this.#known = new Map([...known].filter(([, { state }]) => state !== 'damaged'));
    return [...known.values()];
  }

  /** Null: it was removed meanwhile. */
  async #look({ id, made, modified }: ManifestHead): Promise<RetentionBackup | null> {
    try {
      return { id, made, modified, state: stateOf(await this.#catalog.read(id)) };
    } catch (error) {
      if (isWharfError(error, 'backup_damaged')) return { id, made, modified, state: 'damaged' };
      if (isWharfError(error, 'backup_not_found')) return null;
      throw error;
    }
  }
}

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
