import { z } from 'zod';
import { sessionRecordSchema } from '../records.ts';
import { restoreIdSchema } from './restore-ids.ts';
import { isProfilePath, sha256Schema } from './session-copy.ts';

/**
 * `prepared.json` beside `profile/` in `workspace_{id}/restores/{restore}.session_{sid}/`: a session that was assembled from a backup, or copied from a plain LocalAuth
 * directory, and waits for its owner to put it in place. Written last, after all files were synced; without it there is nothing prepared.
 */
export const preparedRestoreSchema = z.strictObject({
  version: z.literal(1),
  restore: restoreIdSchema,
  /** The session's record as it was backed up. */
  record: sessionRecordSchema,
  /** When the profile was as it is here. */
  taken_at: z.iso.datetime(),
  /** The Chromium that last opened it. */
  chromium: z.string().nullable(),
  /** All files below `profile/`; null where the session was not linked and there is no `profile/`. */
  files: z
    .array(
      z.strictObject({
        path: z.string().refine(isProfilePath, 'is no path of a profile'),
        size: z.number().int().nonnegative(),
        sha256: sha256Schema,
      }),
    )
    .nullable(),
  /** Restore though the session was relinked, logged out or deleted since; import though there is one of that name. */
  forced: z.boolean(),
  /** Not there: it is from a backup. */
  origin: z.literal('import').optional(),
});
export type PreparedRestore = z.infer<typeof preparedRestoreSchema>;
