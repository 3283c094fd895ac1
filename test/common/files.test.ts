import { mkdir, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { systemCode, WharfError } from '../../common/errors.ts';
import {
  createExclusive,
  makePrivateDirectory,
  makePrivateSubdirectory,
  readJson,
  removeTree,
  removeWhole,
  replaceFile,
  storageError,
  syncTree,
} from '../../common/files.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';

const mode = async (path: string) => (await stat(path)).mode & 0o777;

describe('replaceFile', () => {
  it('makes a file only this user may read, and leaves no temporary one', async () => {
    const directory = await temporaryDirectory();
    await replaceFile(join(directory, 'a.json'), 'one');
    await replaceFile(join(directory, 'a.json'), Buffer.from('two'));
    expect(await readFile(join(directory, 'a.json'), 'utf8')).toBe('two');
    expect(await mode(join(directory, 'a.json'))).toBe(0o600);
    expect(await readdir(directory)).toEqual(['a.json']);
  });

  it('never shows a reader anything but a whole version', async () => {
    const path = join(await temporaryDirectory(), 'a');
    const version = (number: number) => String(number % 10).repeat(200_000);
    await replaceFile(path, version(0));
    let writing = true;
    const writer = (async () => {
      for (let number = 1; number <= 40; number++) await replaceFile(path, version(number));
      writing = false;
    })();
    const seen = new Set<string>();
    while (writing) {
      const text = await readFile(path, 'utf8');
      expect(text).toBe((text[0] ?? '').repeat(200_000));
      seen.add(text[0] ?? '');
    }
    await writer;
    expect(seen.size).toBeGreaterThan(1);
  });

  it('lets the last of many at once win, whole', async () => {
    const directory = await temporaryDirectory();
    const texts = Array.from({ length: 20 }, (_, index) => `${index}`.repeat(1000));
    await Promise.all(texts.map((text) => replaceFile(join(directory, 'a'), text)));
    expect(texts).toContain(await readFile(join(directory, 'a'), 'utf8'));
    expect(await readdir(directory)).toEqual(['a']);
  });

  it('replaces a link, and not what it points to', async () => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory, 'other'), 'theirs');
    await symlink('other', join(directory, 'a'));
    await replaceFile(join(directory, 'a'), 'mine');
    expect(await readFile(join(directory, 'other'), 'utf8')).toBe('theirs');
  });

  it('leaves the old file and no temporary one where it fails', async () => {
    const directory = await temporaryDirectory();
    await mkdir(join(directory, 'a', 'full'), { recursive: true });
    await expect(replaceFile(join(directory, 'a'), 'x')).rejects.toMatchObject({
      code: 'storage_unavailable',
    });
    expect(await readdir(directory)).toEqual(['a']);
  });
});

describe('createExclusive', () => {
  it('lets one of many at once win', async () => {
    const path = join(await temporaryDirectory(), 'claim');
    const wins = await Promise.all(
      Array.from({ length: 20 }, (_, index) => createExclusive(path, String(index))),
    );
    expect(wins.filter(Boolean)).toHaveLength(1);
    expect(await readFile(path, 'utf8')).toBe(String(wins.indexOf(true)));
    expect(await mode(path)).toBe(0o600);
  });

  it('is never seen without all of its content', async () => {
    const path = join(await temporaryDirectory(), 'claim');
    const data = 'x'.repeat(8 * 1024 * 1024);
    const creating = createExclusive(path, data);
    for (;;) {
      const found = await readFile(path).catch(() => undefined);
      if (found === undefined) continue;
      expect(found.length).toBe(data.length);
      break;
    }
    expect(await creating).toBe(true);
    expect(await readdir(join(path, '..'))).toEqual(['claim']);
  });

  it('counts a link that points nowhere as taken', async () => {
    const directory = await temporaryDirectory();
    await symlink('nowhere', join(directory, 'claim'));
    expect(await createExclusive(join(directory, 'claim'), 'x')).toBe(false);
    expect(await readdir(directory)).toEqual(['claim']);
  });

  it('fails where there is no directory', async () => {
    const path = join(await temporaryDirectory(), 'none', 'claim');
    await expect(createExclusive(path, 'x')).rejects.toMatchObject({ code: 'storage_unavailable' });
  });
});

describe('readJson', () => {
  const schema = z.strictObject({ name: z.string(), parts: z.array(z.number()) });

  it('gives what the schema makes of the file, and null for none', async () => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory, 'a'), '{"name":"n","parts":[1]}');
    expect(await readJson(join(directory, 'a'), schema)).toEqual({ name: 'n', parts: [1] });
    expect(await readJson(join(directory, 'none'), schema)).toBeNull();
  });

  it.each(['', '{"name":', '\0\0\0\0'])('refuses %j, naming the file and not its content', async (text) => {
    const path = join(await temporaryDirectory(), 'a');
    await writeFile(path, text);
    await expect(readJson(path, schema)).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringMatching(new RegExp(`^The file ${path} is not JSON`)),
    });
  });

  it('lists every fault of a file that is not as it should be', async () => {
    const path = join(await temporaryDirectory(), 'a');
    await writeFile(path, '{"parts":["x"],"more":1}');
    const error = await readJson(path, schema).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(WharfError);
    expect((error as WharfError).faults?.map((fault) => fault.path).sort()).toEqual([
      '(body)',
      'name',
      'parts[0]',
    ]);
  });

  it('fails on a directory', async () => {
    await expect(readJson(await temporaryDirectory(), schema)).rejects.toMatchObject({
      code: 'storage_unavailable',
    });
  });
});

describe('makePrivateDirectory', () => {
  it('makes every missing part for this user alone, and narrows one that exists', async () => {
    const directory = await temporaryDirectory();
    await makePrivateDirectory(join(directory, 'a', 'b'));
    expect([await mode(join(directory, 'a')), await mode(join(directory, 'a', 'b'))]).toEqual([0o700, 0o700]);
    await mkdir(join(directory, 'open'), { mode: 0o755 });
    await makePrivateDirectory(join(directory, 'open'));
    expect(await mode(join(directory, 'open'))).toBe(0o700);
  });

  it.each(['a', 'a/b'])('says what is in the way where a part is a file (%s)', async (path) => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory, 'a'), 'x');
    await expect(makePrivateDirectory(join(directory, path))).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringMatching(/move it out of the way/),
    });
  });
});

describe('makePrivateSubdirectory', () => {
  it('makes one directory, and nothing where its parent is missing: that may be a mount that is not there', async () => {
    const directory = await temporaryDirectory();
    await makePrivateSubdirectory(join(directory, 'a'));
    expect(await mode(join(directory, 'a'))).toBe(0o700);
    await expect(makePrivateSubdirectory(join(directory, 'mount', 'workspace_7'))).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: `Could not find the parent directory at ${join(directory, 'mount')}: ENOENT: it is not there; make it, or mount the file system it is on.`,
    });
    expect(await readdir(directory)).toEqual(['a']);
  });

  it('takes part in many makings at once', async () => {
    const directory = await temporaryDirectory();
    await Promise.all(Array.from({ length: 10 }, () => makePrivateDirectory(join(directory, 'a', 'b', 'c'))));
    expect(await readdir(join(directory, 'a', 'b'))).toEqual(['c']);
  });
});

describe('removeTree', () => {
  it('removes all, follows no link, and takes nothing there as done', async () => {
    const directory = await temporaryDirectory();
    await mkdir(join(directory, 'tree', 'deep'), { recursive: true });
    await writeFile(join(directory, 'keep'), 'x');
    await symlink(join(directory, 'keep'), join(directory, 'tree', 'file'));
    await symlink(directory, join(directory, 'tree', 'deep', 'up'));
    await removeTree(join(directory, 'tree'));
    await removeTree(join(directory, 'tree'));
    expect(await readdir(directory)).toEqual(['keep']);
  });
});

describe('removeWhole', () => {
  it('lets whoever moves a part out have all of that part, or nothing', async () => {
    const directory = await temporaryDirectory();
    for (let round = 0; round < 20; round += 1) {
      const tree = join(directory, 'tree');
      await mkdir(join(tree, 'part'), { recursive: true });
      const names = Array.from({ length: 50 }, (_, number) => `file-${number}`);
      for (const name of names) await writeFile(join(tree, 'part', name), 'x');
      const out = join(directory, `out-${round}`);
      const moved = (async () => {
        // A little later each time, in the midst of the removal.
        for (let turn = 0; turn < round; turn += 1) await nextTurn();
        return await rename(join(tree, 'part'), out).then(
          () => true,
          () => false,
        );
      })();
      await removeWhole(tree);
      if (await moved) expect((await readdir(out)).sort()).toEqual(names.sort());
    }
  });

  it('removes what an earlier one left aside, and takes nothing there as done', async () => {
    const directory = await temporaryDirectory();
    await mkdir(join(directory, 'tree.removed', 'rest'), { recursive: true });
    await removeWhole(join(directory, 'tree'));
    expect(await readdir(directory)).toEqual([]);
  });
});

describe('syncTree', () => {
  it('goes through directories, links that point nowhere, and nothing at all', async () => {
    const directory = await temporaryDirectory();
    await mkdir(join(directory, 'deep'));
    await writeFile(join(directory, 'deep', 'a'), 'x');
    await symlink('nowhere', join(directory, 'deep', 'b'));
    await expect(syncTree(directory)).resolves.toBeUndefined();
    await expect(syncTree(join(directory, 'none'))).resolves.toBeUndefined();
  });
});

describe('storageError', () => {
  const failure = (code: string) => Object.assign(new Error(`${code}: from the system`), { code });

  it.each([
    ['ENOSPC', /disk is full/],
    ['EACCES', /may not/],
    ['EROFS', /read-only/],
    ['ENOTDIR', /is a file/],
  ])('says what %s means, on what, and what to do', (code, hint) => {
    const error = storageError('replace the file', '/mnt/x/session.json', failure(code));
    expect(error.code).toBe('storage_unavailable');
    expect(error.message).toMatch(hint);
    expect(error.message).toContain('/mnt/x/session.json');
    expect(systemCode(error.cause)).toBe(code);
  });

  it('keeps the words of an error it does not know, and gives a WharfError back as it is', () => {
    expect(storageError('read', '/x', failure('EODD')).message).toContain('EODD: from the system');
    const ours = new WharfError('not_found', 'none');
    expect(storageError('read', '/x', ours)).toBe(ours);
  });
});
