import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { copyFile, copyFiles, hashFile, stampFile } from '../../../fleet/profile/copy-file.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

/** More than is read at one time, and no multiple of it. */
const LARGE = Buffer.alloc(700_001, 'wharf');

const sha256Of = (content: Buffer | string) => createHash('sha256').update(content).digest('hex');

async function aFile(content: Buffer | string = LARGE) {
  const directory = await temporaryDirectory();
  const path = join(directory, 'source');
  await writeFile(path, content);
  return { directory, path, copy: join(directory, 'copy') };
}

describe('a file that is copied', () => {
  it('holds the same, for this user alone, and what it was is told', async () => {
    const { path, copy } = await aFile();
    await chmod(path, 0o644);
    const facts = await copyFile(path, copy);
    expect((await readFile(copy)).equals(LARGE)).toBe(true);
    expect((await stat(copy)).mode & 0o777).toBe(0o600);
    expect(facts).toEqual({ size: LARGE.length, sha256: sha256Of(LARGE), seen: await stampFile(path) });
    expect(await hashFile(copy)).toMatchObject({ size: LARGE.length, sha256: facts.sha256 });
  });

  it('leaves nothing of a longer copy that was there', async () => {
    const { path, copy } = await aFile('short');
    await writeFile(copy, LARGE);
    await copyFile(path, copy);
    expect(await readFile(copy, 'utf8')).toBe('short');
  });

  it('is a fault of the storage where the copy cannot be written, and its own where it cannot be read', async () => {
    const { directory, path, copy } = await aFile();
    await expect(copyFile(path, join(directory, 'nowhere', 'copy'))).rejects.toMatchObject({
      code: 'storage_unavailable',
    });
    await expect(copyFile(join(directory, 'gone'), copy)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(copyFile(directory, copy)).rejects.toThrow('is not a plain file');
    expect(await readdir(directory)).toEqual(['source']);
  });

  it('is neither read nor written through a symbolic link', async () => {
    const { directory, path, copy } = await aFile('mine');
    const link = join(directory, 'link');
    await symlink(path, link);
    await expect(copyFile(link, copy)).rejects.toMatchObject({ code: 'ELOOP' });
    await writeFile(copy, 'other');
    await expect(copyFile(copy, link)).rejects.toMatchObject({ code: 'storage_unavailable' });
    expect(await readFile(path, 'utf8')).toBe('mine');
  });
});

describe('files that are copied', () => {
  it('stand in directories of their own, for this user alone; what was not named is not there', async () => {
    const from = await temporaryDirectory();
    const to = join(await temporaryDirectory(), 'copy');
    await mkdir(join(from, 'a', 'b'), { recursive: true, mode: 0o755 });
    for (const path of ['top', 'a/b/deep', 'a/left-out']) await writeFile(join(from, path), path);
    await copyFiles(from, to, ['top', 'a/b/deep']);
    expect((await readdir(to, { recursive: true })).sort()).toEqual(['a', 'a/b', 'a/b/deep', 'top']);
    expect(await readFile(join(to, 'a/b/deep'), 'utf8')).toBe('a/b/deep');
    for (const path of ['.', 'a', 'a/b']) expect((await stat(join(to, path))).mode & 0o777).toBe(0o700);
  });

  it('are copied no further once the signal says so', async () => {
    const { directory } = await aFile();
    const controller = new AbortController();
    const end = new Error('enough');
    const paths = function* () {
      yield 'source';
      controller.abort(end);
      yield 'source';
    };
    const to = await temporaryDirectory();
    await expect(copyFiles(directory, join(to, 'copy'), paths(), controller.signal)).rejects.toBe(end);
    expect(await readdir(to, { recursive: true })).toEqual(['copy', 'copy/source']);
  });
});
