import { WharfError } from '../../common/errors.ts';
import type { Operation } from '../../fleet/backup/api.ts';
import type { Operations } from '../operations.ts';
import type { LastBackup } from '../schedule/due.ts';
import type { VerificationMemory } from './verification-memory.ts';
import type { Verifier } from './verifier.ts';

export interface VerificationRoundsParts {
  verifier: Pick<Verifier, 'begin'>;
  operations: Pick<Operations, 'ended'>;
  memory: Pick<VerificationMemory, 'learn' | 'checked'>;
  /** Whether a run or a restore goes on. */
  isBusy: () => boolean;
}

/** Verifications of everything, as a schedule makes them: none begins beside a run or a restore, and one that goes on waits while they do. */
export class VerificationRounds {
  readonly #parts: VerificationRoundsParts;

  constructor(parts: VerificationRoundsParts) {
    this.#parts = parts;
  }

  /** Throws WharfError `backup_busy`, `backup_unavailable`, `backup_store_failed`. */
  async begin(): Promise<Operation> {
    const { verifier, isBusy } = this.#parts;
    if (isBusy())
      throw new WharfError(
        'backup_busy',
        'A backup or a restore goes on; the verification waits for its end.',
      );
    return await verifier.begin('all', { givesWay: true });
  }

  async ended(id: string): Promise<Operation | undefined> {
    return await this.#parts.operations.ended(id);
  }

  /** Throws WharfError `backup_store_failed`, `backup_unavailable`. */
  async learn(): Promise<void> {
    await this.#parts.memory.learn();
  }

  last(): LastBackup | null {
    return this.#parts.memory.checked();
  }
}
