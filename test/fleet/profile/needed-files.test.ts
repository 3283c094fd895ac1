import type { Dirent } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { listNeeded } from '../../../fleet/profile/needed-files.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

const BLOBS = 'Default/IndexedDB/https_web.whatsapp.com_0.indexeddb.blob/1';

/** A profile with blobs in so many directories. */
async function blobs(directories: number): Promise<{ profile: string; paths: string[] }> {
  const profile = await temporaryDirectory();
  const paths: string[] = [];
  for (let n = 0; n < directories; n += 1) {
    const directory = `${BLOBS}/${String(n).padStart(2, '0')}`;
    await mkdir(join(profile, directory), { recursive: true });
    for (const name of ['a', 'b']) {
      await writeFile(join(profile, directory, name), '');
      paths.push(`${directory}/${name}`);
    }
  }
  return { profile, paths };
}

it('lists directories side by side, so many at one time and no more', async () => {
  const { profile, paths } = await blobs(20);
  for (const concurrency of [1, 8]) {
    let waiting: (() => void)[] = [];
    let most = 0;
    const list = async (directory: string): Promise<Dirent[]> => {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        most = Math.max(most, waiting.length);
        // As a file system would that answers when nobody asks for more.
        setTimeout(() => {
          const answered = waiting;
          waiting = [];
          for (const answer of answered) answer();
        }, 5);
      });
      return await readdir(directory, { withFileTypes: true });
    };
    expect(await listNeeded(profile, { concurrency, list })).toEqual(paths);
    expect(most).toBe(concurrency);
  }
});

it('passes over directories that vanish while they are listed', async () => {
  const { profile, paths } = await blobs(3);
  const list = async (directory: string): Promise<Dirent[]> => {
    if (directory.endsWith('/01')) await rm(directory, { recursive: true });
    return await readdir(directory, { withFileTypes: true });
  };
  expect(await listNeeded(profile, { list })).toEqual(paths.filter((path) => !path.includes('/01/')));
});

it('tells of what else keeps it from listing a directory', async () => {
  const { profile } = await blobs(1);
  const list = () => Promise.reject(Object.assign(new Error('it hangs'), { code: 'EIO' }));
  await expect(listNeeded(profile, { list })).rejects.toThrow('it hangs');
});
