import { z } from 'zod';
import { readJson, replaceFile } from '../../common/files.ts';
import { type ChromiumVersion, formatChromiumVersion, parseChromiumVersion } from './chromium-version.ts';

/** `wharf-profile.json`: what must be known of a generation before its browser is started. */
export const profileRecordSchema = z.strictObject({
  /** The Chromium that last opened it, `156.0.8078.79`. */
  chromium: z
    .string()
    .refine((text) => parseChromiumVersion(text) !== null, 'must hold a version such as 156.0.8078.79'),
  opened_at: z.iso.datetime(),
  /** True only if the browser was seen to close by itself and its files have been synced since. */
  clean_stop: z.boolean(),
});
export type ProfileRecord = z.infer<typeof profileRecordSchema>;

/**
 * Reads a generation's record.
 *
 * @returns null if there is none
 * @throws WharfError `storage_unavailable` if it cannot be read or understood
 */
export async function readProfileRecord(path: string): Promise<ProfileRecord | null> {
  return await readJson(path, profileRecordSchema);
}

/** Writes a generation's record, durably. */
export async function writeProfileRecord(
  path: string,
  record: { chromium: ChromiumVersion; openedAt: number; cleanStop: boolean },
): Promise<void> {
  const content: ProfileRecord = {
    chromium: formatChromiumVersion(record.chromium),
    opened_at: new Date(record.openedAt).toISOString(),
    clean_stop: record.cleanStop,
  };
  await replaceFile(path, `${JSON.stringify(content)}\n`);
}
