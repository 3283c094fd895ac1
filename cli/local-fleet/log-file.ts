import { type FileHandle, open, rename, stat } from 'node:fs/promises';
import { systemCode } from '../../common/errors.ts';

/** Bytes a log may have before it is set aside at a start: one older log is kept. */
const MOST_BYTES = 20_000_000;

/** Opens a log for appending, mode 0600; one that has grown large becomes `NAME.old`. */
export async function openLog(path: string): Promise<FileHandle> {
  if ((await sizeOf(path)) > MOST_BYTES) await rename(path, `${path}.old`);
  return await open(path, 'a', 0o600);
}

/** The last lines that were written after a position, for an error message; at most 4 kB. */
export async function logTail(path: string, from: number): Promise<string> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const start = Math.max(from, size - 4096);
    const { buffer, bytesRead } = await handle.read(
      Buffer.alloc(Math.max(0, size - start)),
      0,
      size - start,
      start,
    );
    return buffer.subarray(0, bytesRead).toString('utf8').trimEnd().split('\n').slice(-8).join('\n');
  } finally {
    await handle.close();
  }
}

/** Bytes of a file; 0 where there is none. */
export async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 0;
    throw error;
  }
}
