import { z } from 'zod';
import { messageOf } from '../../common/errors.ts';
import { LARGEST_PIECE } from '../../fleet/backup/pieces.ts';
import { archiveIndexSchema, type CopiedFile } from '../../fleet/backup/session-copy.ts';
import type { BackedUpSession } from '../manifest/manifest.ts';
import { damagedArchive } from './archive-faults.ts';

/**
 * Reads an archive's `files.json` and holds it against what the manifest says of the session, so that nothing is written which does not fit.
 *
 * @throws WharfError `backup_damaged` that names the first fault
 */
export function readIndex(session: BackedUpSession, text: string): CopiedFile[] {
  const files = parseIndex(session, text);
  const fault = indexFault(session, files);
  if (fault !== null) throw damagedArchive(session, fault);
  return files;
}

function parseIndex(session: BackedUpSession, text: string): CopiedFile[] {
  try {
    return archiveIndexSchema.parse(JSON.parse(text)).files;
  } catch (error) {
    const issue = error instanceof z.ZodError ? error.issues[0] : undefined;
    const why = issue ? `${issue.path.join('.')}: ${issue.message}` : messageOf(error);
    throw damagedArchive(session, `its files.json is not as it should be (${why})`, error);
  }
}

/** What in an index contradicts itself or the manifest; null: nothing. Pure. */
function indexFault(session: BackedUpSession, files: readonly CopiedFile[]): string | null {
  const known = new Map(session.pieces.map(({ sha256, size }) => [sha256, size]));
  const paths = new Set(files.map(({ path }) => path));
  const directories = directoriesOf(files);
  if (paths.size !== files.length) return 'its files.json names a file twice';
  for (const file of files) {
    const { path, pieces, tail, size } = file;
    if (directories.has(path)) return `${path} is both a file and a directory in its files.json`;
    if (tail > LARGEST_PIECE) return `the rest of ${path} is of ${tail} bytes, more than there can be`;
    if (sizeOf(file) !== size)
      return `the pieces and the rest of ${path} are ${sizeOf(file)} bytes, and it has ${size}`;
    const strange = pieces.find((piece) => known.get(piece.sha256) !== piece.size);
    if (strange) return `${path} needs the piece ${strange.sha256}, which the manifest does not name so`;
  }
  if (files.length !== session.files)
    return `it is of ${files.length} files, and the manifest says ${session.files}`;
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  return bytes === session.bytes ? null : `it is of ${bytes} bytes, and the manifest says ${session.bytes}`;
}

/** Every directory that files are in, without the one they are all below; parents before what is in them. */
export function directoriesOf(files: readonly Pick<CopiedFile, 'path'>[]): Set<string> {
  const found = new Set<string>();
  for (const { path } of files) {
    const parts = path.split('/');
    for (let depth = 1; depth < parts.length; depth++) found.add(parts.slice(0, depth).join('/'));
  }
  return found;
}

function sizeOf({ pieces, tail }: CopiedFile): number {
  return pieces.reduce((sum, { size }) => sum + size, tail);
}
