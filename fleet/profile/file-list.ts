import { join } from 'node:path';
import pMap from 'p-map';
import { z } from 'zod';
import { storageError } from '../../common/files.ts';
import { type FileFacts, hashFile } from './copy-file.ts';
import { listNeeded } from './needed-files.ts';

/** Files of a profile by path relative to the user data directory, in the order of their paths. */
export const fileListSchema = z.array(
  z.strictObject({
    path: z.string().min(1),
    size: z.number().int().nonnegative(),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
  }),
);
export type FileList = z.infer<typeof fileListSchema>;

/** All that a session needs of a profile whose browser has ended. Throws WharfError `storage_unavailable`; the signal's reason. */
export async function filesOf(userData: string, signal?: AbortSignal): Promise<FileList> {
  try {
    return await pMap(
      await listNeeded(userData),
      async (path) => {
        signal?.throwIfAborted();
        const { size, sha256 } = await hashFile(join(userData, path));
        return { path, size, sha256 };
      },
      { concurrency: 3 },
    );
  } catch (error) {
    signal?.throwIfAborted();
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
