import type { z } from 'zod';
import type { Clock } from '../../common/clock.ts';
import type { BackupId, Operation, verifyRequestSchema } from '../../fleet/backup/api.ts';
import type { Catalog } from '../manifest/manifest.ts';
import { requireBackup } from '../manifest/require-backup.ts';
import type { Operations } from '../operations.ts';
import type { BackupsInUse } from '../prune/backups-in-use.ts';
import { Verification, type VerificationParts } from './verification.ts';
import type { VerificationMemory } from './verification-memory.ts';

/** How often one that waits looks whether it may go on, milliseconds. */
const LOOK = 1000;

export interface VerifierParts extends Omit<VerificationParts, 'giveWay'> {
  catalog: Catalog;
  operations: Pick<Operations, 'begin'>;
  inUse: BackupsInUse;
  memory: Pick<VerificationMemory, 'learn' | 'noteAll'>;
  clock: Pick<Clock, 'now' | 'sleep'>;
  /** Whether a run or a restore goes on. */
  isBusy: () => boolean;
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
   * @param givesWay reads nothing while a run or a restore goes on; else beside them
   * @throws WharfError `backup_not_found`, with the nearest ones named; `backup_busy`, `backup_unavailable`, `backup_store_failed`
   */
  async begin(
    which: z.infer<typeof verifyRequestSchema>['backup'],
    { givesWay = false } = {},
  ): Promise<Operation> {
    const { operations, inUse, memory, clock } = this.#parts;
    await memory.learn();
    const ids = await this.#named(which);
    const giveWay = givesWay ? (signal: AbortSignal) => this.#untilCalm(signal) : undefined;
    return operations.begin('verify', async (operation) => {
      const begun = clock.now();
      const verification = new Verification({ ...this.#parts, giveWay }, operation);
      await inUse.during(ids, () => verification.check(ids));
      if (which === 'all') memory.noteAll(begun, verification.failed === 0);
      return ids[0] === undefined || ids.length > 1 ? undefined : { backup: ids[0] };
    });
  }

  async #untilCalm(signal: AbortSignal): Promise<void> {
    while (this.#parts.isBusy()) await this.#parts.clock.sleep(LOOK, signal);
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
