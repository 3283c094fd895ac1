import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Header, type HeaderData } from 'tar';
import { expect, it } from 'vitest';
import { assembleProfile } from '../../../backup/archive/assemble.ts';
import type { BackedUpSession } from '../../../backup/manifest/manifest.ts';
import { isWharfError } from '../../../common/errors.ts';
import { packArchive } from '../../../fleet/backup/archive.ts';
import type { CopiedFile } from '../../../fleet/backup/session-copy.ts';
import { backUp, keep, memoryObjects, refOf } from '../../helpers/backed-up-session.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

const signal = new AbortController().signal;
const PATH = 'Default/Local Storage/leveldb/CURRENT';
const CONTENT = Buffer.from('MANIFEST-000001\n');
const END = Buffer.alloc(1024);

/** An entry of a tar, made by hand. */
function entry(path: string, content: Buffer, changes: Partial<HeaderData> = {}): Buffer {
  const header = new Header({
    path,
    size: content.length,
    mode: 0o600,
    uid: 0,
    gid: 0,
    mtime: new Date(0),
    type: 'File',
    ...changes,
  });
  header.encode();
  const padding = Buffer.alloc((512 - (content.length % 512)) % 512);
  return Buffer.concat([header.block ?? END, content, padding]);
}

const file = (changes: Partial<CopiedFile> = {}): CopiedFile => ({
  path: PATH,
  size: CONTENT.length,
  sha256: refOf(CONTENT).sha256,
  pieces: [],
  tail: CONTENT.length,
  ...changes,
});
const indexOf = (files: unknown[]) => entry('files.json', Buffer.from(JSON.stringify({ version: 1, files })));
const index = indexOf([file()]);
const tail = entry(`profile/${PATH}`, CONTENT);

/** Assembles a session whose archive is these bytes. What it fails with, or null; and that nothing is left where it failed. */
async function assemble(archive: Buffer, changes: Partial<BackedUpSession> = {}): Promise<unknown> {
  const { objects } = memoryObjects();
  const session = await backUp(objects, {});
  const directory = await temporaryDirectory();
  const noted = {
    ...session,
    archive: await keep(objects, archive),
    files: 1,
    bytes: CONTENT.length,
    ...changes,
  };
  try {
    await assembleProfile(noted, join(directory, 'profile'), { objects, signal });
    return null;
  } catch (error) {
    expect(await readdir(directory)).toEqual([]);
    return error;
  }
}

it('takes an archive as it is packed, and the same made by hand', async () => {
  expect(await assemble(await buffer(packArchive([file()], () => [CONTENT])))).toBeNull();
  expect(await assemble(Buffer.concat([index, tail, END]))).toBeNull();
});

it.each<[string, RegExp, Buffer[]]>([
  [
    'a name that leads elsewhere',
    /profile\/\.\.\/\.\.\/etc\/passwd/,
    [index, entry('profile/../../etc/passwd', CONTENT)],
  ],
  ['an absolute name', /"\/etc\/passwd"/, [index, entry('/etc/passwd', CONTENT)]],
  ['a name beside the profile', /\.bashrc/, [index, entry('.bashrc', CONTENT)]],
  [
    'a file that the index does not name',
    /does not name/,
    [index, tail, entry('profile/Default/x', CONTENT)],
  ],
  ['a file twice', /second time/, [index, tail, tail]],
  ['an index twice', /does not name/, [index, index, tail]],
  ['no index', /begins with/, [tail]],
  ['nothing at all', /its tar is broken|has no files\.json/, []],
  [
    'a symbolic link',
    /SymbolicLink/,
    [index, entry(`profile/${PATH}`, Buffer.alloc(0), { type: 'SymbolicLink', linkpath: '/etc/passwd' })],
  ],
  [
    'a link',
    /type Link/,
    [index, entry(`profile/${PATH}`, Buffer.alloc(0), { type: 'Link', linkpath: 'files.json' })],
  ],
  [
    'a device',
    /CharacterDevice/,
    [index, entry(`profile/${PATH}`, Buffer.alloc(0), { type: 'CharacterDevice' })],
  ],
  ['a pipe', /FIFO/, [index, entry(`profile/${PATH}`, Buffer.alloc(0), { type: 'FIFO' })]],
  ['a directory', /Directory/, [index, entry('profile/Default/', Buffer.alloc(0), { type: 'Directory' })]],
  [
    'more bytes than there should be',
    /longer than it should be/,
    [index, entry(`profile/${PATH}`, randomBytes(5000))],
  ],
  [
    'fewer bytes than there should be',
    /15 bytes .* should hold 16/,
    [index, entry(`profile/${PATH}`, CONTENT.subarray(1))],
  ],
  ['a file less', /is missing/, [index]],
  [
    'an index that is no JSON',
    /files\.json is not as it should be/,
    [entry('files.json', Buffer.from('{"version":1'))],
  ],
  ['a path with dots in the index', /no path of a profile/, [indexOf([file({ path: 'Default/../../x' })])]],
  ['an absolute path in the index', /no path of a profile/, [indexOf([file({ path: '/etc/passwd' })])]],
  [
    'a path outside of Default in the index',
    /no path of a profile/,
    [indexOf([file({ path: 'SingletonLock' })])],
  ],
  ['a path twice in the index', /names a file twice/, [indexOf([file(), file()])]],
  [
    'a file that is a directory too',
    /both a file and a directory/,
    [indexOf([file({ path: 'Default/a' }), file({ path: 'Default/a/b' })])],
  ],
  ['sizes that do not add up', /are 16 bytes, and it has 17/, [indexOf([file({ size: 17 })])]],
  [
    'a piece that the manifest does not name',
    /does not name so/,
    [indexOf([file({ pieces: [{ sha256: 'a'.repeat(64), size: 3 }], size: 19 })])],
  ],
  ['an end larger than any', /more than there can be/, [indexOf([file({ tail: 2 ** 31, size: 2 ** 31 })])]],
  ['another number of files', /of 0 files, and the manifest says 1/, [indexOf([])]],
  [
    'other bytes than the manifest says',
    /of 5 bytes, and the manifest says 16/,
    [indexOf([file({ tail: 5, size: 5 })])],
  ],
  [
    'a file with another hash',
    /not what its hash says/,
    [index, entry(`profile/${PATH}`, Buffer.from('MANIFEST-000002\n'))],
  ],
])('refuses an archive with %s', async (_, message, entries) => {
  const archive = Buffer.concat([...entries, END]);
  const error = await assemble(archive);
  expect(isWharfError(error, 'backup_damaged') && error.message).toMatch(message);
  expect(String(error)).toContain(`archive ${refOf(archive).sha256} of session main of workspace 7`);
});

it('refuses one that is cut short, wherever', async () => {
  const whole = Buffer.concat([index, tail, END]);
  for (const length of [0, 100, 600, index.length, index.length + 512, index.length + 520])
    expect(isWharfError(await assemble(whole.subarray(0, length)), 'backup_damaged'), `${length}`).toBe(true);
});

it('refuses whatever random bytes stand in it', async () => {
  for (let at = 0; at < 20; at++)
    expect(isWharfError(await assemble(randomBytes(10_240)), 'backup_damaged')).toBe(true);
});
