import { z } from 'zod';
import { readJson, replaceFile } from '../../common/files.ts';
import { sessionIdSchema, workspaceIdSchema } from '../../fleet/ids.ts';
import { fileListSchema } from '../../fleet/profile/file-list.ts';

/** `wharf-adopted.json`: what a generation was copied from, as it was then. What came to be there later was written by nobody who owned it. */
export const adoptedListSchema = z.strictObject({
  version: z.literal(1),
  from: z.number().int().positive(),
  /** The profile, before its repair; null where a good copy was taken instead. */
  files: fileListSchema.nullable(),
  /** The good copies that were there, milliseconds since 1970. */
  good_copies: z.array(z.number().int()),
});
type AdoptedList = z.infer<typeof adoptedListSchema>;

/** Durable. Throws WharfError `storage_unavailable`. */
export async function writeAdoptedList(path: string, list: AdoptedList): Promise<void> {
  await replaceFile(path, `${JSON.stringify(list)}\n`);
}

/** `wharf-release.json`: exactly what an owner left of a generation when it handed the session over. Gone as soon as a browser is started there. */
const releaseListSchema = z.strictObject({
  version: z.literal(1),
  workspace_id: workspaceIdSchema,
  session_id: sessionIdSchema,
  generation: z.number().int().positive(),
  /** Of the owner that left it. */
  epoch: z.number().int().positive(),
  instance: z.string(),
  host: z.string(),
  written_at: z.iso.datetime(),
  /** Whether the browser had closed by itself; if not, the copy is repaired as after a kill. */
  clean: z.boolean(),
  /** All that a session needs. */
  files: fileListSchema,
});
export type ReleaseList = z.infer<typeof releaseListSchema>;

/** Null where there is none. Throws WharfError `storage_unavailable` if it cannot be read or understood. */
export async function readReleaseList(path: string): Promise<ReleaseList | null> {
  return await readJson(path, releaseListSchema);
}

/** Durable. Throws WharfError `storage_unavailable`. */
export async function writeReleaseList(path: string, list: ReleaseList): Promise<void> {
  await replaceFile(path, `${JSON.stringify(list)}\n`);
}
