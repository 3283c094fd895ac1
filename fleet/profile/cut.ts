import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createExclusive, makePrivateSubdirectory, removeTree, syncDirectory } from '../../common/files.ts';
import { fineStampOf } from '../stamps.ts';

/** How many tails are kept of one generation; older ones go. Each is small: what one kill tore. */
const TAILS_KEPT = 32;

/**
 * Cuts a file to its first `to` bytes, durably (fsync of the file, then of its directory).
 *
 * @param from the size it had when it was looked at
 * @throws Error if it has another size now: somebody writes to it, and it is left alone
 */
export async function cutFile(path: string, from: number, to: number): Promise<void> {
  const handle = await open(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new Error('it is not a plain file');
    if (found.size !== from) {
      throw new Error(`it had ${from} bytes and has ${found.size} now: something is writing to it`);
    }
    await handle.truncate(to);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await syncDirectory(dirname(path));
}

/**
 * Copies what stands from an offset on in a file into a new one, durably, and removes the oldest such copies beyond {@link TAILS_KEPT}.
 *
 * @returns the copy's path
 */
export async function keepTail(
  path: string,
  offset: number,
  to: { directory: string; label: string; now: number },
): Promise<string> {
  const tail = await readFrom(path, offset);
  await makePrivateSubdirectory(to.directory);
  const name = `${fineStampOf(to.now)}-${to.label.replace(/[^A-Za-z0-9_.-]/g, '_').slice(-150)}-at-${offset}`;
  for (let attempt = 0; ; attempt++) {
    const copy = join(to.directory, attempt === 0 ? `${name}.tail` : `${name}-${attempt}.tail`);
    if (!(await createExclusive(copy, tail))) continue;
    await forgetOldest(to.directory);
    return copy;
  }
}

async function readFrom(path: string, offset: number): Promise<Uint8Array> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const { size } = await handle.stat();
    const tail = new Uint8Array(Math.max(0, size - offset));
    let filled = 0;
    while (filled < tail.length) {
      const { bytesRead } = await handle.read(tail, filled, tail.length - filled, offset + filled);
      if (bytesRead === 0)
        throw new Error(`it ended at ${offset + filled} while it was read: something is writing to it`);
      filled += bytesRead;
    }
    return tail;
  } finally {
    await handle.close();
  }
}

async function forgetOldest(directory: string): Promise<void> {
  const tails = (await readdir(directory)).filter((name) => name.endsWith('.tail')).sort();
  for (const name of tails.slice(0, -TAILS_KEPT)) await removeTree(join(directory, name));
}
