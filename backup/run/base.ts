import type { BackupId } from '../../fleet/backup/api.ts';
import { keyOf, nameOf } from '../fleet/session-names.ts';
import type { BackedUpSession, Catalog, StoredRef } from '../manifest/manifest.ts';
import { Turns } from '../turns.ts';

/** The backup that a run builds on: what it names is in the store, and stays there at least until the run's own manifest is. */
export interface Base {
  /** Null: there is none. */
  id: BackupId | null;
  /** When it was made, milliseconds since 1970; null: there is none. */
  made: number | null;
  /** By `keyOf`. */
  sessions: ReadonlyMap<string, BackedUpSession>;
  /** By their SHA-256. */
  objects: ReadonlyMap<string, StoredRef>;
  /** Later backups whose manifests cannot be read. */
  damaged: BackupId[];
}

/** Reads the backup that was made last and can be read. Throws WharfError `backup_store_failed`. */
export async function readBase(catalog: Pick<Catalog, 'latest'>): Promise<Base> {
  const latest = await catalog.latest();
  const sessions = new Map<string, BackedUpSession>();
  const objects = new Map<string, StoredRef>();
  const turns = new Turns();
  for (const session of latest?.manifest.sessions ?? []) {
    await turns.take();
    sessions.set(keyOf(nameOf(session)), session);
    for (const ref of session.pieces) objects.set(ref.sha256, ref);
    if (session.archive) objects.set(session.archive.sha256, session.archive);
  }
  return {
    id: latest?.manifest.id ?? null,
    made: latest?.made ?? null,
    sessions,
    objects,
    damaged: latest?.damaged ?? [],
  };
}
