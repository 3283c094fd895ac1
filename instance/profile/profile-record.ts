import { z } from 'zod';
import { messageOf, systemCode, WharfError } from '../../common/errors.ts';
import { readJson, replaceFile } from '../../common/files.ts';
import { parseChromiumVersion } from './chromium-version.ts';

/** `wharf-profile.json`: what must be known of a generation before its browser is started. */
export const profileRecordSchema = z.strictObject({
  /** The Chromium that last opened it, `156.0.8078.79`; null if none is known. */
  chromium: z
    .string()
    .refine((text) => parseChromiumVersion(text) !== null, 'must hold a version such as 156.0.8078.79')
    .nullable(),
  /** When a browser was last started on it, here or on the generation it was made from. */
  opened_at: z.iso.datetime().nullable(),
  /** True only if the browser was seen to close by itself and its files have been synced since. */
  clean_stop: z.boolean(),
  /** When the generation was made; records of before generations were made have none. */
  made_at: z.iso.datetime().nullable().default(null),
  /** The generation it was copied from, or null if it began empty. */
  made_from: z.number().int().positive().nullable().default(null),
  /** How often a browser was started on it. Records that do not count were written at a start. */
  starts: z.number().int().nonnegative().default(1),
  /**
   * How often the session came to be ready on it, counted to {@link PROVEN_STARTS}. A torn log shows at the second start only, so that one ready
   * session proves nothing yet. Records that do not count are of sessions nothing bad is known of.
   */
  ready_starts: z.number().int().nonnegative().default(1),
});
export type ProfileRecord = z.infer<typeof profileRecordSchema>;

/** So often must a session have come to be ready on a generation before it can stand without the one before. */
export const PROVEN_STARTS = 2;

/** The record of a generation of which nothing is known yet. */
export const NEW_RECORD: ProfileRecord = {
  chromium: null,
  opened_at: null,
  clean_stop: false,
  made_at: null,
  made_from: null,
  starts: 0,
  ready_starts: 0,
};

/**
 * Reads a generation's record.
 *
 * @returns null if there is none
 * @throws WharfError `storage_unavailable` if it cannot be read or understood
 */
export async function readProfileRecord(path: string): Promise<ProfileRecord | null> {
  return await readJson(path, profileRecordSchema);
}

/**
 * The same, but a record that cannot be understood must not lock a session out for ever: it counts as none, and `fault` says why.
 *
 * @throws WharfError `storage_unavailable` if it cannot be read
 */
export async function readRecordOrFault(
  path: string,
): Promise<{ record: ProfileRecord | null; fault: string | null }> {
  try {
    return { record: await readProfileRecord(path), fault: null };
  } catch (error) {
    if (error instanceof WharfError && systemCode(error.cause) === undefined)
      return { record: null, fault: messageOf(error) };
    throw error;
  }
}

/** Writes a generation's record, durably. */
export async function writeProfileRecord(path: string, record: ProfileRecord): Promise<void> {
  await replaceFile(path, `${JSON.stringify(record)}\n`);
}
