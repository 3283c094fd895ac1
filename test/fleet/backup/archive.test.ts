import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { packArchive, tarOf } from '../../../fleet/backup/archive.ts';
import type { CopiedFile } from '../../../fleet/backup/session-copy.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

const run = promisify(execFile);

const DEEP = `Default/IndexedDB/${'a directory with a name that is long/'.repeat(8)}000003.log`;

function fileOf(path: string, tail: string): CopiedFile {
  const sha256 = createHash('sha256').update(tail).digest('hex');
  return { path, size: tail.length, sha256, pieces: [], tail: tail.length };
}

async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

const FILES = [
  fileOf('Default/Local Storage/leveldb/CURRENT', 'MANIFEST-000001\n'),
  fileOf(DEEP, 'x'.repeat(1000)),
  fileOf('Default/IndexedDB/größe.blob', 'ü'),
  fileOf('Default/IndexedDB/empty', ''),
];

function pack(files: readonly CopiedFile[]): Promise<Buffer> {
  return bytesOf(
    packArchive(files, (file) => [
      file.path === DEEP ? Buffer.alloc(1000, 'x') : Buffer.from(contentOf(file.path)),
    ]),
  );
}

function contentOf(path: string): string {
  return path.endsWith('CURRENT') ? 'MANIFEST-000001\n' : 'u';
}

describe("a session's archive", () => {
  it('is the same bytes for the same files, in whatever order they are given', async () => {
    const one = await pack(FILES);
    expect(one.equals(await pack([...FILES].reverse()))).toBe(true);
  });

  it('is unpacked by tar: the list of the files first, then the tails by path, deep and foreign paths as well', async () => {
    const directory = await temporaryDirectory();
    const path = join(directory, 'archive.tar');
    await writeFile(path, await pack(FILES));
    const { stdout } = await run('tar', ['tf', path], { env: { LC_ALL: 'C.UTF-8', PATH: '/usr/bin:/bin' } });
    const names = stdout.trimEnd().split('\n');
    expect(names[0]).toBe('files.json');
    expect(names).toContain(`profile/${DEEP}`);
    expect(names).toHaveLength(4);
    await run('tar', ['xf', path, '-C', directory]);
    expect(await readFile(join(directory, 'profile', DEEP), 'utf8')).toBe('x'.repeat(1000));
    const index = JSON.parse(await readFile(join(directory, 'files.json'), 'utf8'));
    expect(index.files.map((file: CopiedFile) => file.path)).toEqual(
      FILES.map(({ path: name }) => name).sort(),
    );
  });

  it('tells nothing of when and by whom it was made', async () => {
    const bytes = await pack(FILES);
    // Offsets of ustar: mode, uid, gid, then mtime after the size.
    const octal = (from: number, to: number) =>
      Number.parseInt(bytes.subarray(from, to).toString('latin1'), 8);
    expect([octal(100, 107), octal(108, 115), octal(116, 123), octal(136, 147)]).toEqual([0o600, 0, 0, 0]);
    expect(bytes.includes('atime')).toBe(false);
    expect(bytes.includes('mtime')).toBe(false);
  });

  it('refuses content of another size than was said', async () => {
    for (const length of [2, 4]) {
      const content = () => [Buffer.alloc(length)];
      await expect(bytesOf(tarOf([{ path: 'a', size: 3, content }]))).rejects.toThrow('has not the 3 bytes');
    }
  });

  it('refuses a path that leads elsewhere', () => {
    expect(() => packArchive([fileOf('Default/../../etc/passwd', 'x')], () => [])).toThrow();
  });
});
