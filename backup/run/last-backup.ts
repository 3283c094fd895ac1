import type { Clock } from '../../common/clock.ts';
import type { BackupId } from '../../fleet/backup/api.ts';
import type { Catalog, Manifest } from '../manifest/manifest.ts';
import type { LastBackup } from '../schedule/due.ts';

/** Remembers which backup that can be read was made last, and how long ago by the monotonic clock. */
export class LastBackupMemory {
  readonly #clock: Clock;
  #last: { id: BackupId; made: number; at: number } | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** One was made just now, whose making began at `made`, milliseconds since 1970. */
  note(id: BackupId, made: number): void {
    this.#last = { id, made, at: this.#clock.monotonic() - Math.max(0, this.#clock.now() - made) };
  }

  /** Looks into the store, where another service may have made some. The last one that can be read; null: there is none. Throws WharfError `backup_store_failed`. */
  async learn(catalog: Pick<Catalog, 'latest'>): Promise<Manifest | null> {
    const latest = await catalog.latest();
    if (latest && latest.manifest.id !== this.#last?.id) this.note(latest.manifest.id, latest.made);
    if (!latest) this.#last = null;
    return latest?.manifest ?? null;
  }

  get(): LastBackup | null {
    return this.#last && { made: this.#last.made, age: this.#clock.monotonic() - this.#last.at };
  }
}
