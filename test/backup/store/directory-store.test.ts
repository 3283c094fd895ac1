import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { DirectoryStore } from '../../../backup/store/directory-store.ts';
import { testsObjectStore } from '../../conformance/object-store.ts';
import { collected } from '../../helpers/collected.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

const MB = 1024 * 1024;
const run = promisify(execFile);

testsObjectStore('in a directory', async () => new DirectoryStore(await temporaryDirectory()));

it('is for this user alone', async () => {
  const root = await temporaryDirectory();
  const store = new DirectoryStore(root);
  await store.put('objects/ab/cd', Buffer.from('x'));
  await store.create('manifests/1', Buffer.from('x'));
  const mode = async (...path: string[]) => ((await stat(join(root, ...path))).mode & 0o777).toString(8);
  for (const path of ['objects', 'objects/ab', 'manifests', '.uploads']) expect(await mode(path)).toBe('700');
  for (const path of ['objects/ab/cd', 'manifests/1']) expect(await mode(path)).toBe('600');
});

it('removes what writers that were killed left, when it is old, and nothing else', async () => {
  const root = await temporaryDirectory();
  const store = new DirectoryStore(root);
  await store.put('objects/ab/cd', Buffer.from('x'));
  for (const name of ['old', 'new']) await writeFile(join(root, '.uploads', name), 'half');
  const now = Date.now() / 1000;
  await utimes(join(root, '.uploads', 'old'), now - 7200, now - 7200);
  await utimes(join(root, 'objects', 'ab', 'cd'), now - 7200, now - 7200);
  expect(await store.abortUploads(3_600_000)).toBe(1);
  expect(await readdir(join(root, '.uploads'))).toEqual(['new']);
  expect(await store.head('objects/ab/cd')).not.toBeNull();
});

it('lists no drafts', async () => {
  const root = await temporaryDirectory();
  await mkdir(join(root, '.uploads'));
  await writeFile(join(root, '.uploads', 'half'), 'half');
  for await (const object of new DirectoryStore(root).list('')) expect(object).toBeUndefined();
});

it('is not made where it is missing: a share that is not mounted would fill the local disk', async () => {
  const root = join(await temporaryDirectory(), 'mounted');
  const store = new DirectoryStore(root);
  const all = [
    () => store.check(),
    () => store.put('a/b', Buffer.from('x')),
    () => store.create('a/b', Buffer.from('x')),
    () => store.now(),
    async () => {
      for await (const _ of store.list(''));
    },
  ];
  for (const attempt of all) {
    await expect(attempt()).rejects.toMatchObject({
      code: 'backup_store_failed',
      message: expect.stringMatching(/mounted.*make it, or mount/s),
    });
  }
  await expect(stat(root)).rejects.toMatchObject({ code: 'ENOENT' });
});

it('says that a file is no directory', async () => {
  const root = join(await temporaryDirectory(), 'file');
  await writeFile(root, '');
  await expect(new DirectoryStore(root).check()).rejects.toMatchObject({
    code: 'backup_store_failed',
    message: expect.stringMatching(/is a file.*BACKUP_DIRECTORY/),
  });
});

/** A small file system, or skips the test. */
async function mounted(options: string, skip: (condition: boolean, note: string) => void): Promise<string> {
  const root = await temporaryDirectory();
  const done = await run('mount', ['-t', 'tmpfs', '-o', options, 'wharf-test', root]).then(
    () => true,
    () => false,
  );
  skip(!done, 'a small file system cannot be mounted here: full and read-only disks are not tested');
  onTestFinished(() => run('umount', [root]).then(() => {}));
  return root;
}

it('leaves nothing of an object that finds the disk full, and says so', async ({ skip }) => {
  const root = await mounted('size=2m', skip);
  const store = new DirectoryStore(root);
  await store.put('objects/ab/cd', randomBytes(MB));
  const full = { code: 'backup_store_failed', message: expect.stringMatching(/the disk is full; make room/) };
  await expect(store.put('objects/ab/cd', randomBytes(4 * MB))).rejects.toMatchObject(full);
  await expect(store.put('objects/ab/ef', Readable.from([randomBytes(4 * MB)]))).rejects.toMatchObject(full);
  await expect(store.create('manifests/1', randomBytes(4 * MB))).rejects.toMatchObject(full);
  expect(await readdir(join(root, '.uploads'))).toEqual([]);
  expect((await collected(store.list(''))).map(({ key, size }) => [key, size])).toEqual([
    ['objects/ab/cd', MB],
  ]);
  await store.put('objects/ab/ef', randomBytes(MB / 2));
});

it('says that it may not write', async ({ skip }) => {
  const root = await mounted('ro', skip);
  await expect(new DirectoryStore(root).check()).rejects.toMatchObject({
    code: 'backup_store_failed',
    message: expect.stringMatching(/cannot hold backups \(put, .*mounted read-only/),
  });
});
