import { readdir, readlink } from 'node:fs/promises';

/** Files below a directory that this process has open, those that were removed included. */
export async function openFilesUnder(directory: string): Promise<string[]> {
  const numbers = await readdir('/proc/self/fd');
  const paths = await Promise.all(
    numbers.map((number) => readlink(`/proc/self/fd/${number}`).catch(() => '')),
  );
  return paths.filter((path) => path.startsWith(`${directory}/`));
}
