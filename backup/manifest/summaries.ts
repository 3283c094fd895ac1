import { isWharfError } from '../../common/errors.ts';
import type { BackupId, BackupSummary } from '../../fleet/backup/api.ts';
import { Turns } from '../turns.ts';
import type { Catalog, Manifest, ManifestHead } from './manifest.ts';

/** What a list says of a backup by itself. */
export type ManifestFacts = Omit<BackupSummary, 'kept_as'>;

/** A backup in the store with what a list says of it. */
export interface SummarizedBackup {
  head: ManifestHead;
  facts: ManifestFacts;
}

/** Sums of manifests. One that could be read is read once, since it never changes; what it came to is kept. */
export class Summaries {
  readonly #catalog: Pick<Catalog, 'list' | 'read'>;
  #known = new Map<string, ManifestFacts>();
  #reading: Promise<SummarizedBackup[]> | undefined;

  constructor(catalog: Pick<Catalog, 'list' | 'read'>) {
    this.#catalog = catalog;
  }

  /** In the order they were made, oldest first. Throws WharfError `backup_store_failed`. */
  async all(): Promise<SummarizedBackup[]> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return await this.#reading;
  }

  /** One after the other: a manifest of thousands of sessions takes some memory. */
  async #read(): Promise<SummarizedBackup[]> {
    const known = new Map<string, ManifestFacts>();
    const backups: SummarizedBackup[] = [];
    for (const head of await this.#catalog.list()) {
      const key = `${head.id} ${head.modified} ${head.stored}`;
      const facts = this.#known.get(key) ?? (await this.#factsOf(head));
      // Removed since it was listed.
      if (!facts) continue;
      if (facts.state !== 'damaged') known.set(key, facts);
      backups.push({ head, facts });
    }
    this.#known = known;
    return backups;
  }

  async #factsOf({ id, made }: ManifestHead): Promise<ManifestFacts | undefined> {
    try {
      return await factsOf(await this.#catalog.read(id));
    } catch (error) {
      if (isWharfError(error, 'backup_not_found')) return undefined;
      if (isWharfError(error, 'backup_damaged')) return damagedFacts(id, made);
      throw error;
    }
  }
}

/** What a manifest comes to. */
export async function factsOf(manifest: Manifest): Promise<ManifestFacts> {
  const turns = new Turns();
  const seen = new Set<string>();
  let bytes = 0;
  let stored = 0;
  let carried = 0;
  for (const session of manifest.sessions) {
    await turns.take();
    bytes += session.bytes;
    if (session.carried !== null) carried += 1;
    for (const ref of session.archive ? [session.archive, ...session.pieces] : session.pieces) {
      if (seen.has(ref.sha256)) continue;
      seen.add(ref.sha256);
      stored += ref.stored;
    }
  }
  const missed = manifest.missed.length;
  return {
    id: manifest.id,
    started_at: manifest.started_at,
    finished_at: manifest.finished_at,
    state: carried + missed > 0 ? 'partial' : 'complete',
    sessions: manifest.sessions.length,
    carried,
    missed,
    bytes,
    sent_bytes: manifest.sent_bytes,
    restore_bytes: stored,
  };
}

/** Of one that cannot be read only its name is known, and when it was made. */
function damagedFacts(id: BackupId, made: number): ManifestFacts {
  const time = new Date(made).toISOString();
  return {
    id,
    started_at: time,
    finished_at: time,
    state: 'damaged',
    sessions: 0,
    carried: 0,
    missed: 0,
    bytes: 0,
    sent_bytes: 0,
    restore_bytes: null,
  };
}
