import { constants, createBrotliCompress, createBrotliDecompress } from 'node:zlib';
import type { Codec } from './codec.ts';

/** Bytes of its output at one time: a call of a thread of libuv takes less than a millisecond, and nobody waits long for one. */
const CHUNK = 64 * 1024;

/** Node's own brotli, at the quality where it is as small as gzip at its best and four times as fast; see docs/decisions/0019-backup-objects.md. */
export const brotli: Codec = {
  suffix: 'br',
  compress: () => createBrotliCompress({ chunkSize: CHUNK, params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
  decompress: () => createBrotliDecompress({ chunkSize: CHUNK }),
};
