import type { z } from 'zod';
import type { BackupId, Operation, verifyRequestSchema } from '../../fleet/backup/api.ts';
import type { Catalog } from '../manifest/manifest.ts';
import { requireBackup } from '../manifest/require-backup.ts';
import type { Operations } from '../operations.ts';
import type { BackupsInUse } from '../prune/backups-in-use.ts';
import { Verification, type VerificationParts } from './verification.ts';

export interface VerifierParts extends VerificationParts {
  catalog: Catalog;
  operations: Pick<Operations, 'begin'>;
  inUse: BackupsInUse;
}

/** Begins verifications of what is in the store. */
export class Verifier {
  readonly #parts: VerifierParts;

  constructor(parts: VerifierParts) {
    this.#parts = parts;
  }

  /**
   * Begins to read all that a backup, the latest or all of them need.
   *
   * @throws WharfError `backup_not_found`, with the nearest ones named; `backup_busy`, `backup_unavailable`, `backup_store_failed`
   */
  async begin(which: z.infer<typeof verifyRequestSchema>['backup']): Promise<Operation> {
    const { operations, inUse } = this.#parts;
    const ids = await this.#named(which);
    return operations.begin('verify', async (operation) => {
      await inUse.during(ids, () => new Verification(this.#parts, operation).check(ids));
      return ids[0] === undefined || ids.length > 1 ? undefined : { backup: ids[0] };
    });
  }

  /** Newest first. The latest is the one that a run builds on, and newer ones that cannot be read. */
  async #named(which: BackupId | 'latest' | 'all'): Promise<BackupId[]> {
    const { catalog } = this.#parts;
    const ids = (await catalog.list()).map(({ id }) => id).reverse();
    if (which === 'all') return ids;
    if (ids.includes(which)) return [which];
    const { id } = await requireBackup(catalog, which);
    return ids.includes(id) ? ids.slice(0, ids.indexOf(id) + 1) : [id];
  }
}
