import { z } from 'zod';
import { type BackupId, backupIdSchema } from '../../fleet/backup/api.ts';
import { objectRefSchema, sessionCopySchema } from '../../fleet/backup/session-copy.ts';

/** An object that a backup needs. `stored`: the bytes it takes in the store. */
const storedRefSchema = objectRefSchema.extend({ stored: z.number().int().nonnegative() });
export type StoredRef = z.infer<typeof storedRefSchema>;

/** A session in a backup. */
export const backedUpSessionSchema = z.strictObject({
  ...sessionCopySchema.omit({ copy: true }).shape,
  archive: storedRefSchema.nullable(),
  pieces: z.array(storedRefSchema),
  /** Set where it could not be copied this time and stands as an earlier backup has it: why. `taken_at` is of then. */
  carried: z.string().max(1000).nullable(),
});
export type BackedUpSession = z.infer<typeof backedUpSessionSchema>;

/** A session that is not in a backup at all: it could not be copied, and no earlier one has it. */
const missedSessionSchema = z.strictObject({
  workspace_id: z.string(),
  session_id: z.string(),
  reason: z.string().max(1000),
});
export type MissedSession = z.infer<typeof missedSessionSchema>;

/** A file of `fleet/` on the session path: API keys (hashed), webhooks, quarantines. */
const fleetFileSchema = z.strictObject({
  /** Relative to `fleet/`; no part begins with a dot. */
  path: z.string().regex(/^[A-Za-z0-9_-][A-Za-z0-9_.-]*(\/[A-Za-z0-9_-][A-Za-z0-9_.-]*){0,3}$/),
  text: z.string().max(1024 * 1024),
});
export type FleetFile = z.infer<typeof fleetFileSchema>;

/** What names every object that a backup needs. Put last, where there is none of that name: a backup without one does not exist. In the store: see `manifest-text.ts`. */
export const manifestSchema = z.strictObject({
  version: z.literal(1),
  /** When it was begun. */
  id: backupIdSchema,
  /** The version of Wharf that wrote it. */
  wharf: z.string(),
  started_at: z.iso.datetime(),
  finished_at: z.iso.datetime(),
  /** What one run sent, bytes as stored. */
  sent_bytes: z.number().int().nonnegative(),
  sent_objects: z.number().int().nonnegative(),
  sessions: z.array(backedUpSessionSchema),
  missed: z.array(missedSessionSchema),
  fleet: z.array(fleetFileSchema),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** Every object that a manifest needs, each once. */
export function objectsOf(manifest: Pick<Manifest, 'sessions'>): Map<string, StoredRef> {
  const refs = manifest.sessions.flatMap(({ archive, pieces }) => (archive ? [archive, ...pieces] : pieces));
  return new Map(refs.map((ref) => [ref.sha256, ref]));
}

/** A manifest without its sessions, as a list of backups shows it. */
export interface ManifestHead {
  id: BackupId;
  /** When it was made, milliseconds since 1970; see `madeAt`. */
  made: number;
  /** By the store's clock, milliseconds since 1970. */
  modified: number;
  /** Bytes of the manifest as stored. */
  stored: number;
}

/** The backup that was made last and can be read. */
export interface LatestBackup {
  manifest: Manifest;
  /** When it was made, milliseconds since 1970; see `madeAt`. */
  made: number;
  /** Newer ones that cannot be read. */
  damaged: BackupId[];
}

/** The manifests in the store. Every method throws WharfError `backup_store_failed`. */
export interface Catalog {
  /** In the order they were made, oldest first; those whose names are no ids are passed over. */
  list(): Promise<ManifestHead[]>;
  /** Throws WharfError `backup_not_found`; `backup_damaged` where it is cut short or not what it says it is. */
  read(id: BackupId): Promise<Manifest>;
  /** The one made last that can be read, and when that was (see `madeAt`), with the ids of newer ones that cannot; null where there is none. */
  latest(): Promise<LatestBackup | null>;
  /** False where there is one of this name already. */
  put(manifest: Manifest): Promise<boolean>;
  remove(id: BackupId): Promise<void>;
}
