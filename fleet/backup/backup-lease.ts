import { z } from 'zod';

/** What the backup service that holds the lease says of itself: routers pass requests on to `url`. */
export const backupServiceSchema = z.object({
  /** Random for each start. */
  service: z.string(),
  url: z.url(),
  host: z.string(),
  pid: z.number().int(),
  started_at: z.iso.datetime(),
});
export type BackupServiceNote = z.infer<typeof backupServiceSchema>;

/** Who makes the backups: one service in the fleet at a time. Every method throws WharfError `redis_unavailable`. */
export interface BackupLease {
  /** Takes the lease where nobody holds it, or renews it where this service does, for `ttl` milliseconds. Tells who holds it. */
  hold(me: BackupServiceNote, ttl: number): Promise<BackupServiceNote>;
  /** Gives it up where this service holds it. */
  release(service: string): Promise<void>;
  /** Who holds it; null: nobody. */
  holder(): Promise<BackupServiceNote | null>;
}
