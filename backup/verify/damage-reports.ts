import type { BackupId } from '../../fleet/backup/api.ts';
import type { BackupEvents } from '../events.ts';
import type { BackupMetrics } from '../metrics.ts';
import type { OperationHandle } from '../operations.ts';

/** Events that one operation tells of at most; the findings have more. */
const MOST_EVENTS = 20;

/** Something damaged. */
export interface Damage {
  /** The newest backup it is of. */
  backup: BackupId;
  /** In words: what, of what, and who needs it. Begins small, ends without a full stop. */
  what: string;
}

export interface DamageReportsParts {
  events: Pick<BackupEvents, 'tell'>;
  metrics: Pick<BackupMetrics, 'damaged'>;
  /** What the next run must not count on. */
  distrusted: { add(sha256: string): void };
}

/** Tells everybody of what is damaged: the operation's findings, the metrics, the events, and the next run, which puts objects anew where it can. */
export class DamageReports {
  readonly #parts: DamageReportsParts;
  /** How many events an operation told of. */
  readonly #told = new WeakMap<object, number>();

  constructor(parts: DamageReportsParts) {
    this.#parts = parts;
  }

  /** An object that is damaged or missing. */
  object(operation: Pick<OperationHandle, 'find'>, damage: Damage & { sha256: string }): void {
    this.#parts.distrusted.add(damage.sha256);
    this.#tell(operation, damage, damage.sha256);
  }

  /** A manifest, or a session as it was copied. */
  other(operation: Pick<OperationHandle, 'find'>, damage: Damage): void {
    this.#tell(operation, damage, damage.what);
  }

  #tell(operation: Pick<OperationHandle, 'find'>, { backup, what }: Damage, nature: string): void {
    this.#parts.metrics.damaged();
    operation.find(`Backup ${backup}: ${what}.`);
    const told = (this.#told.get(operation) ?? 0) + 1;
    this.#told.set(operation, told);
    if (told > MOST_EVENTS) return;
    const rest = told === MOST_EVENTS ? '; more may be damaged: look at the findings of the operation' : '';
    void this.#parts.events.tell('backup.damaged', `${backup} ${nature}`, { backup, what: what + rest });
  }
}
