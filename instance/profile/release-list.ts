import { join } from 'node:path';
import pMap from 'p-map';
import { z } from 'zod';
import { readJson, replaceFile, storageError } from '../../common/files.ts';
import { sessionIdSchema, workspaceIdSchema } from '../../fleet/ids.ts';
import { listNeeded } from '../../fleet/profile/needed-files.ts';
import { type FileFacts, hashFile } from './copy-file.ts';

/** Files by path relative to the user data directory, in the order of their paths. */
const fileListSchema = z.array(
  z.strictObject({
    path: z.string().min(1),
    size: z.number().int().nonnegative(),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
  }),
);
export type FileList = z.infer<typeof fileListSchema>;

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

/** What a release list says of a profile whose browser has ended. Throws WharfError `storage_unavailable`. */
export async function filesOf(userData: string): Promise<FileList> {
  try {
    return await pMap(
      await listNeeded(userData),
      async (path) => {
        const { size, sha256 } = await hashFile(join(userData, path));
        return { path, size, sha256 };
      },
      { concurrency: 3 },
    );
  } catch (error) {
    throw storageError('list the files of the profile', userData, error);
  }
}

/** How what was copied differs from a list: an entry per file, none where it is exactly that. Pure. */
export function differencesFrom(
  list: FileList,
  copied: ReadonlyMap<string, Pick<FileFacts, 'size' | 'sha256'>>,
): Array<{ path: string; detail: string }> {
  const promised = new Map(list.map((file) => [file.path, file]));
  const differences = list.flatMap(({ path, size, sha256 }) => {
    const found = copied.get(path);
    if (found === undefined) return { path, detail: 'is missing' };
    if (found.size !== size) return { path, detail: `has ${found.size} bytes instead of ${size}` };
    return found.sha256 === sha256 ? [] : { path, detail: 'has other content' };
  });
  for (const path of copied.keys())
    if (!promised.has(path)) differences.push({ path, detail: 'was not there' });
  return differences;
}
