import { createGunzip, createGzip } from 'node:zlib';
import type { Codec } from './codec.ts';

/** Bytes of its output at one time. */
const CHUNK = 64 * 1024;

/** Node's own gzip. */
export const gzip: Codec = {
  suffix: 'gz',
  compress: () => createGzip({ level: 1, chunkSize: CHUNK }),
  decompress: () => createGunzip({ chunkSize: CHUNK }),
};
