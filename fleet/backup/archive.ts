import { Header, Pax } from 'tar';
import { type ArchiveIndex, archiveIndexSchema, type CopiedFile } from './session-copy.ts';

/** The first entry of an archive: {@link archiveIndexSchema}. */
export const INDEX_ENTRY = 'files.json';
/** What the tails of files are named with, before their paths. */
export const TAIL_PREFIX = 'profile/';

/** The size of tar's blocks, bytes (POSIX.1-1988, ustar). */
const BLOCK = 512;
/** Two empty blocks end a tar. */
const END = Buffer.alloc(2 * BLOCK);
const FIRST_OF_1970 = new Date(0);

/** A plain file in a tar. */
export interface TarFile {
  /** Relative, `/` between the parts. */
  path: string;
  /** Bytes. */
  size: number;
  /** Exactly so many bytes. */
  content: () => Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/**
 * A tar of plain files, in the order given. The same files make the same bytes: nothing in it tells when, where or by whom it was made (mtime 0, uid and gid 0, mode 0600).
 * A path that ustar has no room for goes into an extended header that holds the path alone.
 *
 * @throws RangeError where the content of a file is not of the size it was given with
 */
export async function* tarOf(files: Iterable<TarFile>): AsyncGenerator<Uint8Array> {
  for (const { path, size, content } of files) {
    const header = new Header({
      path,
      size,
      mode: 0o600,
      uid: 0,
      gid: 0,
      mtime: FIRST_OF_1970,
      type: 'File',
      devmaj: 0,
      devmin: 0,
    });
    if (header.encode()) yield new Pax({ path, size }).encode();
    yield header.block ?? Buffer.alloc(0);
    let written = 0;
    for await (const chunk of content()) {
      written += chunk.length;
      if (written > size) break;
      yield chunk;
    }
    if (written !== size) throw new RangeError(`${path} has not the ${size} bytes it was said to have`);
    const rest = size % BLOCK;
    if (rest > 0) yield Buffer.alloc(BLOCK - rest);
  }
  yield END;
}

/**
 * The archive of a session: `files.json`, then the tail of each file that has one, by path. Deterministic: see {@link tarOf}.
 *
 * @param tail the bytes of a file after its last piece, exactly `file.tail` of them
 */
export function packArchive(
  files: readonly CopiedFile[],
  tail: (file: CopiedFile) => ReturnType<TarFile['content']>,
): AsyncGenerator<Uint8Array> {
  const sorted = [...files].sort((left, right) => (left.path < right.path ? -1 : 1));
  const index: ArchiveIndex = archiveIndexSchema.parse({ version: 1, files: sorted });
  const text = Buffer.from(JSON.stringify(index));
  return tarOf([
    { path: INDEX_ENTRY, size: text.length, content: () => [text] },
    ...sorted
      .filter((file) => file.tail > 0)
      .map((file) => ({ path: TAIL_PREFIX + file.path, size: file.tail, content: () => tail(file) })),
  ]);
}
