import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Replaces a file whole or not at all: temporary name, fsync, rename, fsync of the directory. Readable by its owner only. */
export async function replaceFile(path: string, content: string | Buffer): Promise<void> {
  const temporary = `${path}.tmp`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const directory = await open(dirname(path), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
