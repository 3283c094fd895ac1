import { createHash } from 'node:crypto';
import { isWharfError } from '../../common/errors.ts';
import type { CopiedFile } from '../../fleet/backup/session-copy.ts';
import type { BackedUpSession } from '../manifest/manifest.ts';
import type { Objects } from '../objects/objects.ts';
import { damagedArchive } from './archive-faults.ts';
import { readArchive } from './read-archive.ts';

/**
 * Reads a session's archive as a restore does, and writes nothing: that it is whole, that it fits the manifest, and that the files it holds whole are what their hashes
 * say.
 *
 * @returns null where it is good, else what is wrong with it, in words
 * @throws WharfError `backup_store_failed`; the signal's reason
 */
export async function checkArchive(
  session: BackedUpSession,
  objects: Pick<Objects, 'read'>,
  signal: AbortSignal,
): Promise<string | null> {
  if (session.archive === null) return null;
  try {
    const content = await objects.read(session.archive, signal);
    for await (const tails of readArchive(session, content, async () => {}))
      for (const { file, bytes } of tails)
        if (file.pieces.length === 0 && !isOf(file, bytes))
          throw damagedArchive(session, `${file.path} in it is not what its hash says`);
    return null;
  } catch (error) {
    if (isWharfError(error, 'backup_damaged')) return error.message;
    throw error;
  }
}

function isOf({ sha256 }: CopiedFile, bytes: Buffer): boolean {
  return createHash('sha256').update(bytes).digest('hex') === sha256;
}
