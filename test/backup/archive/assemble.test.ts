import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { assembleProfile } from '../../../backup/archive/assemble.ts';
import type { BackedUpSession } from '../../../backup/manifest/manifest.ts';
import { systemClock } from '../../../common/clock.ts';
import { isWharfError } from '../../../common/errors.ts';
import { packArchive } from '../../../fleet/backup/archive.ts';
import { backUp, keep, memoryObjects, objectKey, refOf } from '../../helpers/backed-up-session.ts';
import { smallDisk } from '../../helpers/small-disk.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

const signal = new AbortController().signal;
const DATABASE = 'Default/IndexedDB/https_web.whatsapp.com_0.indexeddb.leveldb';

/** One file of each kind: in the archive only, a table, a log with pieces and an end, a log with no end, a large blob, an empty one, one of zeros. */
const files = {
  [`${DATABASE}/CURRENT`]: Buffer.from('MANIFEST-000001\n'),
  [`${DATABASE}/MANIFEST-000001`]: randomBytes(900),
  [`${DATABASE}/000003.log`]: randomBytes(700 * 1024),
  [`${DATABASE}/000004.log`]: randomBytes(512 * 1024),
  [`${DATABASE}/000005.ldb`]: randomBytes(5000),
  [`${DATABASE}/000006.log`]: Buffer.alloc(0),
  'Default/IndexedDB/https_web.whatsapp.com_0.indexeddb.blob/1/00/1': randomBytes(17 * 1024 * 1024),
  'Default/Local Storage/leveldb/zeros': Buffer.alloc(3000),
};

async function place(): Promise<{ directory: string; to: string }> {
  const directory = await temporaryDirectory();
  return { directory, to: join(directory, 'profile') };
}

/** What an assembly fails with; and that it left nothing. */
async function failureOf(session: BackedUpSession, objects: ReturnType<typeof memoryObjects>['objects']) {
  const { directory, to } = await place();
  const error = await assembleProfile(session, to, { objects, signal }).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(await readdir(directory)).toEqual([]);
  return error;
}

it('makes every file as it was, for this user alone', async () => {
  const { objects } = memoryObjects();
  const session = await backUp(objects, files);
  const { to } = await place();
  let bytes = 0;
  const made = await assembleProfile(session, to, {
    objects,
    signal,
    onBytes: (more) => {
      bytes += more;
    },
  });
  for (const [path, content] of Object.entries(files)) {
    expect((await readFile(join(to, path))).equals(content), path).toBe(true);
    expect((await stat(join(to, path))).mode & 0o777).toBe(0o600);
  }
  for (const directory of [to, join(to, 'Default'), join(to, DATABASE)])
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
  expect(new Map(made?.map((file) => [file.path, file.sha256]))).toEqual(
    new Map(Object.entries(files).map(([path, content]) => [path, refOf(content).sha256])),
  );
  expect(bytes).toBe(session.bytes);
});

it('takes the place of what stood there', async () => {
  const { objects } = memoryObjects();
  const { to } = await place();
  const first = await backUp(objects, { 'Default/IndexedDB/old': Buffer.from('old') });
  const second = await backUp(objects, { 'Default/IndexedDB/new': Buffer.from('new') });
  await assembleProfile(first, to, { objects, signal });
  await assembleProfile(second, to, { objects, signal, durable: false });
  expect(await readdir(join(to, 'Default/IndexedDB'))).toEqual(['new']);
});

it('makes nothing of a session that had no profile', async () => {
  const { objects } = memoryObjects();
  const session = await backUp(objects, {}, { archive: null, pieces: [], files: 0, bytes: 0 });
  const { directory, to } = await place();
  expect(await assembleProfile(session, to, { objects, signal })).toBeNull();
  expect(await readdir(directory)).toEqual([]);
});

it.each(['archive', 'piece'] as const)(
  'finds a flipped bit in the %s, names it and leaves nothing',
  async (what) => {
    const { store, objects } = memoryObjects();
    const session = await backUp(objects, files);
    const ref = what === 'archive' ? session.archive : session.pieces[1];
    const stored = store.objects.get(objectKey(ref ?? { sha256: '' }));
    const middle = Math.floor((stored?.content.length ?? 0) / 2);
    stored?.content.writeUInt8((stored.content[middle] ?? 0) ^ 4, middle);
    const error = await failureOf(session, objects);
    expect(isWharfError(error, 'backup_damaged') && error.message).toContain(ref?.sha256.slice(2));
  },
);

it('names a piece that is missing', async () => {
  const { store, objects } = memoryObjects();
  const session = await backUp(objects, files);
  const [piece] = session.pieces;
  store.objects.delete(objectKey(piece ?? { sha256: '' }));
  const error = await failureOf(session, objects);
  expect(isWharfError(error, 'backup_damaged') && error.message).toContain(piece?.sha256.slice(2));
});

it('ends with the reason of its signal, and leaves nothing', async () => {
  const { store, objects } = memoryObjects();
  const session = await backUp(objects, files);
  const { directory, to } = await place();
  const given = new AbortController();
  let reads = 0;
  store.before = (request) => {
    if (request === 'get' && ++reads === 3) given.abort(new Error('given up'));
  };
  await expect(assembleProfile(session, to, { objects, signal: given.signal })).rejects.toThrow('given up');
  expect(await readdir(directory)).toEqual([]);
});

for (const options of ['size=4m', 'nr_inodes=5'])
  it(`leaves nothing on a disk that becomes full (${options}), and says where`, async ({ skip }) => {
    const disk = await smallDisk(options, skip);
    const { objects } = memoryObjects();
    const session = await backUp(objects, files);
    const to = join(disk, 'profile');
    const error = await assembleProfile(session, to, { objects, signal }).catch((thrown: unknown) => thrown);
    expect(isWharfError(error, 'storage_unavailable') && error.message).toMatch(
      new RegExp(`at ${disk}/profile.*ENOSPC: the disk is full; make room`),
    );
    expect(await readdir(disk)).toEqual([]);
  });

it('says where it cannot write', async () => {
  const { objects } = memoryObjects();
  const session = await backUp(objects, files);
  const to = join(await temporaryDirectory(), 'not', 'there');
  const error = await assembleProfile(session, to, { objects, signal }).catch((thrown: unknown) => thrown);
  expect(isWharfError(error, 'storage_unavailable') && error.message).toContain('/not');
});

it('puts 50 000 files together', async () => {
  const { objects } = memoryObjects();
  const many = Object.fromEntries(
    Array.from({ length: 50_000 }, (_, at) => [
      `${DATABASE.replace('leveldb', 'blob')}/${at >> 10}/${at}`,
      Buffer.from(`file ${at}`),
    ]),
  );
  const session = await backUp(objects, many);
  const { to } = await place();
  const began = systemClock.monotonic();
  const made = await assembleProfile(session, to, { objects, signal });
  console.log(`50 000 files: ${Math.round(systemClock.monotonic() - began)} ms`);
  expect(made).toHaveLength(50_000);
  expect(await readFile(join(to, `${DATABASE.replace('leveldb', 'blob')}/48/49999`), 'utf8')).toBe(
    'file 49999',
  );
}, 600_000);

it('puts a file of 2 GB with holes together, in bounded memory, and leaves the holes', async () => {
  const { objects } = memoryObjects();
  const zeros = Buffer.alloc(16 * 1024 * 1024);
  const end = randomBytes(zeros.length);
  const [hole, last] = [
    await backUp(objects, { 'Default/IndexedDB/a.ldb': zeros }),
    await backUp(objects, { 'Default/IndexedDB/a.ldb': end }),
  ];
  const pieces = [...Array.from({ length: 127 }, () => refOf(zeros)), refOf(end)];
  const session = await sparse(objects, pieces, [...hole.pieces, ...last.pieces], [zeros, end]);
  const { to } = await place();
  const before = process.memoryUsage().rss;
  await assembleProfile(session, to, { objects, signal });
  const found = await stat(join(to, 'Default/IndexedDB/000009.ldb'));
  expect(found.size).toBe(2 ** 31);
  expect(found.blocks * 512).toBeLessThan(64 * 1024 * 1024);
  console.log(`2 GB: ${Math.round((process.memoryUsage().rss - before) / 2 ** 20)} MB more memory`);
  expect(process.memoryUsage().rss - before).toBeLessThan(300 * 1024 * 1024);
}, 600_000);

/** A session with one table of 128 pieces, all but the last of zeros. */
async function sparse(
  objects: ReturnType<typeof memoryObjects>['objects'],
  pieces: { sha256: string; size: number }[],
  refs: BackedUpSession['pieces'],
  [zeros, end]: [Buffer, Buffer],
): Promise<BackedUpSession> {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece.sha256 === refOf(end).sha256 ? end : zeros);
  const size = pieces.reduce((sum, piece) => sum + piece.size, 0);
  const file = { path: 'Default/IndexedDB/000009.ldb', size, sha256: hash.digest('hex'), pieces, tail: 0 };
  const archive = await keep(objects, await buffer(packArchive([file], () => [])));
  return { ...(await backUp(objects, {})), archive, pieces: refs, bytes: size, files: 1 };
}
