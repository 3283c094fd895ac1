import type { BackupId } from '../../fleet/backup/api.ts';

/** Backups that somebody reads from just now in this service: no pruning takes them away. */
export class BackupsInUse {
  readonly #users = new Map<BackupId, number>();

  /** Keeps backups for as long as the work goes on. */
  async during<T>(backups: readonly BackupId[], work: () => Promise<T>): Promise<T> {
    for (const id of backups) this.#users.set(id, (this.#users.get(id) ?? 0) + 1);
    try {
      return await work();
    } finally {
      for (const id of backups) {
        const left = (this.#users.get(id) ?? 0) - 1;
        if (left > 0) this.#users.set(id, left);
        else this.#users.delete(id);
      }
    }
  }

  ids(): ReadonlySet<BackupId> {
    return new Set(this.#users.keys());
  }
}
