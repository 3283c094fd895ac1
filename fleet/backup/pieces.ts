import { isChanging, isTable } from '../profile/needed-files.ts';

/** A log is cut at multiples of this, bytes: it is only ever appended to, so that all but its end stays the same. */
const LOG_PIECE = 256 * 1024;
/** Whatever is larger is cut at multiples of this, bytes, so that one piece always fits in memory. */
export const LARGEST_PIECE = 16 * 1024 * 1024;
/** Smaller files go into the archive as they are: an object each would cost more than it saves. */
const SMALLEST_OBJECT = 16 * 1024;

/** The size of the pieces that a file is cut in, bytes; the last may be smaller. */
export function pieceSize(path: string): number {
  return isChanging(path) ? LOG_PIECE : LARGEST_PIECE;
}

/** How a file is kept: from its beginning in pieces, each an object by its content; what is left over at its end is in the archive. */
export interface FileCut {
  /** Sizes of the pieces, bytes, in the file's order. */
  pieces: number[];
  /** Bytes after the last piece, 0 or more. */
  tail: number;
}

/**
 * How a file of a profile is cut. Tables, blobs and other files that are written once are objects whole; logs and MANIFESTs, which grow, are objects up to
 * the last full piece; small files are in the archive only.
 *
 * @param path relative to the user data directory
 * @param size bytes
 */
export function cutFile(path: string, size: number): FileCut {
  const grows = isChanging(path);
  if (!grows && !isTable(path) && size < SMALLEST_OBJECT) return { pieces: [], tail: size };
  const piece = pieceSize(path);
  const pieces = Array.from({ length: Math.floor(size / piece) }, () => piece);
  const rest = size % piece;
  if (grows) return { pieces, tail: rest };
  return { pieces: rest === 0 ? pieces : [...pieces, rest], tail: 0 };
}
