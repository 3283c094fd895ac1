import { chown, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listNames } from '../../../common/files.ts';
import type { CopiedFile } from '../../../fleet/backup/session-copy.ts';
import { FileMemory } from '../../../instance/copies/file-memory.ts';
import { ScratchRoom } from '../../../instance/copies/scratch-room.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

describe('the room for copies', () => {
  it('is for this user alone', async () => {
    const scratch = join(await temporaryDirectory(), 'scratch');
    const room = new ScratchRoom(scratch, 'copies');
    const one = await room.make('one', new Set());
    await one.keepPiece({ sha256: 'a'.repeat(64), size: 2 }, [Buffer.from('x'), Buffer.from('y')]);
    const path = one.piece('a'.repeat(64)) ?? '';
    expect(await readFile(path, 'utf8')).toBe('xy');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    for (const directory of [scratch, join(scratch, 'copies'), join(scratch, 'copies', 'one')])
      expect((await stat(directory)).mode & 0o777).toBe(0o700);
    await room.clear();
    expect(await listNames(scratch)).toEqual([]);
  });

  it('is none in a directory of another user', async ({ skip }) => {
    skip(process.getuid?.() !== 0, 'only root can give a directory to another user: that is not tested');
    const scratch = join(await temporaryDirectory(), 'scratch');
    await mkdir(scratch);
    await chown(scratch, 12_345, 12_345);
    const room = new ScratchRoom(scratch, 'copies');
    await expect(room.make('one', new Set())).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringContaining('belongs to another user (uid 12345)'),
    });
    expect(await listNames(scratch)).toEqual([]);
  });

  it('is given back with each copy that is removed', async () => {
    const room = new ScratchRoom(await temporaryDirectory(), 'copies', 10);
    const one = await room.make('one', new Set());
    await one.keepPiece({ sha256: 'a'.repeat(64), size: 8 }, [Buffer.alloc(8)]);
    const two = await room.make('two', new Set(['b'.repeat(64)]));
    await two.keepPiece({ sha256: 'b'.repeat(64), size: 8 }, [Buffer.alloc(8)]);
    const third = { sha256: 'c'.repeat(64), size: 8 };
    await expect(two.keepPiece(third, [Buffer.alloc(8)])).rejects.toMatchObject({
      code: 'storage_unavailable',
    });
    await room.remove('one');
    expect(room.bytes).toBe(0);
    await two.keepPiece(third, [Buffer.alloc(8)]);
    expect(room.bytes).toBe(8);
    await room.clear();
  });
});

describe('what is remembered of files', () => {
  const stamp = { size: 1n, modified: 1n, inode: 1n };
  const many = (count: number) => {
    const file: CopiedFile = { path: 'Default/x', size: 1, sha256: '', pieces: [], tail: 0 };
    return new Map(Array.from({ length: count }, (_, index) => [String(index), { stamp, file }]));
  };

  it('is that of the sessions copied last, so many files in all', () => {
    const memory = new FileMemory();
    memory.remember('/a', many(100_000));
    memory.remember('/b', many(100_000));
    memory.remember('/a', many(90_000));
    expect(memory.recall('/b').size).toBe(100_000);
    memory.remember('/c', many(20_000));
    expect(['/a', '/b', '/c'].map((profile) => memory.recall(profile).size)).toEqual([90_000, 0, 20_000]);
  });
});
