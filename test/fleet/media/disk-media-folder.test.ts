import { execFileSync } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { mkdir, open, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { DiskMediaFolder } from '../../../fleet/media/disk-media-folder.ts';
import { FolderMediaStore } from '../../../fleet/media/folder-media-store.ts';
import { newMediaId } from '../../../fleet/media/media-ids.ts';
import { StorageGate } from '../../../fleet/media/storage-gate.ts';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import { eventually } from '../../helpers/eventually.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

const MB = 1024 * 1024;
const PNG = { mimetype: 'image/png', filename: null };
const bytes = (size: number) => Readable.from([Buffer.alloc(size, 'x')], { objectMode: false });

async function storeAt(root: string, patience = 15_000) {
  const paths = new SessionPaths(root);
  const gate = new StorageGate(systemClock, patience);
  return { paths, gate, store: new FolderMediaStore(new DiskMediaFolder(paths, gate), systemClock) };
}

describe('media on the session path', () => {
  it('is read by nobody else, and lies where people find it', async () => {
    const { paths, store } = await storeAt(await temporaryDirectory());
    const { media_id } = await store.put('7', bytes(3), PNG, MB);
    const directory = join(paths.root, 'workspace_7', 'media');
    expect(paths.media('7')).toBe(directory);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    const names = await readdir(directory);
    expect(names.filter((name) => name.startsWith(media_id))).toHaveLength(2);
    for (const name of names) expect((await stat(join(directory, name))).mode & 0o777).toBe(0o600);
  });

  it('is not kept where the session path is not there, rather than on the disk beneath', async () => {
    const root = join(await temporaryDirectory(), 'not-mounted');
    const { store } = await storeAt(root);
    await expect(store.put('7', bytes(3), PNG, MB)).rejects.toMatchObject({ code: 'storage_unavailable' });
    await expect(readdir(root)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it.skipIf(process.getuid?.() !== 0)('leaves nothing of an upload that finds the disk full', async () => {
    const root = await temporaryDirectory();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', root]);
    onTestFinished(() => void execFileSync('umount', [root]));
    const { paths, store } = await storeAt(root);
    const kept = await store.put('7', bytes(MB), PNG, 16 * MB);
    await expect(store.put('7', bytes(4 * MB), PNG, 16 * MB)).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringContaining('the disk is full; make room'),
    });
    expect(await readdir(paths.media('7'))).toHaveLength(2);
    expect(await store.find('7', kept.media_id)).toEqual(kept);
    expect(await store.put('7', bytes(MB / 2), PNG, 16 * MB)).toMatchObject({ size: MB / 2 });
  });

  it('follows no link that somebody put in its place', async () => {
    const { paths, store } = await storeAt(await temporaryDirectory());
    await writeFile(join(paths.root, 'secret'), 'internal token');
    const { media_id } = await store.put('7', bytes(14), PNG, MB);
    const directory = paths.media('7');
    const file = (await readdir(directory)).find((name) => !name.endsWith('.json')) ?? '';
    execFileSync('ln', ['-sf', join(paths.root, 'secret'), join(directory, file)]);
    await expect(store.open('7', media_id)).rejects.toMatchObject({ code: 'storage_unavailable' });
  });
});

describe('a session path that hangs', () => {
  /** Opening a pipe that nobody writes to hangs in the kernel as a call to a dead file server does; a writer ends that. */
  async function hanging(root: string) {
    const { paths } = await storeAt(root);
    const directory = paths.media('7');
    await mkdir(directory, { recursive: true });
    const ids = Array.from({ length: 8 }, () => newMediaId());
    for (const id of ids) execFileSync('mkfifo', [join(directory, `${id}.json`)]);
    const end = async () => {
      for (const id of ids) await (await open(join(directory, `${id}.json`), 'r+')).close();
    };
    return { directory, ids, end };
  }

  it('is waited for so long, and leaves Node threads for all else', async () => {
    const root = await temporaryDirectory();
    const { ids, end } = await hanging(root);
    const { gate, store } = await storeAt(root, 100);
    try {
      const looks = await Promise.allSettled(ids.map((id) => store.find('7', id)));
      for (const look of looks) {
        expect(look).toMatchObject({
          status: 'rejected',
          reason: { code: 'storage_unavailable', message: expect.stringContaining('in 100 ms') },
        });
      }
      expect(gate.hangs).toBe(true);
      // These need threads too: had all four been taken, none of them would ever come back.
      expect((await lookup('localhost')).address).toMatch(/^(127|::1)/);
      expect(await readFile('/proc/self/comm', 'utf8')).not.toBe('');
    } finally {
      await end();
    }
    await eventually(() => !gate.hangs);
    expect(await store.put('7', bytes(3), PNG, MB)).toMatchObject({ size: 3 });
  });
});
