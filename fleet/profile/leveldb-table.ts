import { crc32c, maskCrc } from './crc32c.ts';

/** Bytes of a table's footer: where its index is, and a magic number (LevelDB `table/format.h`). */
const FOOTER = 48;
const MAGIC = 0xdb4775248b80fb57n;
/** Bytes after each block: how it is compressed, and a checksum of the block and of that. */
const TRAILER = 5;

/** Reads bytes of a table: as many as there are, from a place on. */
export type ReadAt = (at: number, size: number) => Promise<Buffer>;

/**
 * Looks whether a table is one: its footer, and the checksums of its two index blocks, without which nothing in it is found. Its data blocks are not read.
 *
 * @param size bytes of the table
 * @returns null where it is well, else what is wrong with it, in words
 * @throws whatever `read` throws
 */
export async function tableFault(size: number, read: ReadAt): Promise<string | null> {
  if (size < FOOTER) return `${size} bytes are too few for a table`;
  const footer = await read(size - FOOTER, FOOTER);
  if (footer.length < FOOTER || footer.readBigUInt64LE(FOOTER - 8) !== MAGIC)
    return 'it does not end as tables do';
  const numbers = varints(footer.subarray(0, FOOTER - 8), 4);
  if (numbers === null) return 'its footer does not say where its index is';
  const [metaAt = 0, metaSize = 0, indexAt = 0, indexSize = 0] = numbers;
  for (const [at, length] of [
    [metaAt, metaSize],
    [indexAt, indexSize],
  ] as const) {
    if (at + length + TRAILER > size - FOOTER) return 'its index lies outside of it';
    const block = await read(at, length + TRAILER);
    if (block.length < length + TRAILER) return 'its index is cut short';
    if (maskCrc(crc32c(block, 0, length + 1)) !== block.readUInt32LE(length + 1))
      return 'its index is damaged: the checksum does not fit';
  }
  return null;
}

/** So many variable-length numbers (7 bits a byte, the lowest first); null: they are not there, or too large to be places in a file. */
function varints(bytes: Buffer, count: number): number[] | null {
  const numbers: number[] = [];
  let value = 0;
  let scale = 1;
  for (const byte of bytes) {
    value += (byte & 0x7f) * scale;
    scale *= 128;
    if (value > Number.MAX_SAFE_INTEGER) return null;
    if (byte >= 0x80) continue;
    numbers.push(value);
    if (numbers.length === count) return numbers;
    value = 0;
    scale = 1;
  }
  return null;
}
