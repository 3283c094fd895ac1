import { z } from 'zod';
import { sessionRecordSchema } from '../records.ts';

/** A SHA-256 in hex, of what it names uncompressed. */
export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);

/** What an object is named by, and how large it is. */
export const objectRefSchema = z.strictObject({ sha256: sha256Schema, size: z.number().int().nonnegative() });
export type ObjectRef = z.infer<typeof objectRefSchema>;

/** Whether a path is one that a profile's copy may hold: relative, `/` between the parts, no part that leads elsewhere. */
export function isProfilePath(path: string): boolean {
  return (
    path.length <= 1000 &&
    /^Default\//.test(path) &&
    !path.includes('\0') &&
    !path.includes('\\') &&
    path.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && part.length <= 255)
  );
}

/**
 * A file of a profile: all of `pieces` one after the other (see `pieces.ts`), then `tail` bytes that are in the archive under `profile/{path}`.
 * `sha256` is of the whole file.
 */
export const copiedFileSchema = z.strictObject({
  path: z.string().refine(isProfilePath, 'is no path of a profile'),
  size: z.number().int().nonnegative(),
  sha256: sha256Schema,
  pieces: z.array(objectRefSchema),
  tail: z.number().int().nonnegative(),
});
export type CopiedFile = z.infer<typeof copiedFileSchema>;

/** `files.json`, the first entry of an archive: every file of the profile, by path, sorted. */
export const archiveIndexSchema = z.strictObject({ version: z.literal(1), files: z.array(copiedFileSchema) });
export type ArchiveIndex = z.infer<typeof archiveIndexSchema>;

/** What a copy is asked for with: the objects that need not be kept for fetching, since the store has them. At most 20 000. */
export const copyRequestSchema = z.strictObject({ have: z.array(sha256Schema).max(20_000).default([]) });

/**
 * A copy that an owner made of a session (`POST .../copies`, 201). It lies in the instance's scratch directory until it is fetched and removed, or ten
 * minutes after it was last asked for.
 */
export const sessionCopySchema = z.strictObject({
  /** Its name; `null` where there is nothing to fetch: the session is not linked, and only its record is kept. */
  copy: z.string().nullable(),
  /** The moment the profile was as it was copied. */
  taken_at: z.iso.datetime(),
  record: sessionRecordSchema,
  instance: z.string(),
  epoch: z.number().int().positive(),
  /** The Chromium that last opened the profile. */
  chromium: z.string().nullable(),
  /** Whether a browser ran on it. */
  live: z.boolean(),
  /** Milliseconds that its processes were stopped, all stops of this copy together; null where they were not. A copy that fails after stops tells of them as `frozen_ms` of the problem. */
  frozen_ms: z.number().nonnegative().nullable(),
  /** The archive: a deterministic tar of `files.json` and the tails. Null as `copy` is. */
  archive: objectRefSchema.nullable(),
  /** Every piece of every file, each once. */
  pieces: z.array(objectRefSchema),
  /** Bytes of the whole profile as it was copied. */
  bytes: z.number().int().nonnegative(),
  files: z.number().int().nonnegative(),
});
export type SessionCopy = z.infer<typeof sessionCopySchema>;
