import { execFile } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { mkdir, readdir, rename, rm, symlink, truncate, utimes } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WharfError } from '../../../common/errors.ts';
import { listNames } from '../../../common/files.ts';
import { DrivenClock } from '../../helpers/driven-clock.ts';
import { writeProfile } from '../profile/profile-files.ts';
import { CopiedSession, LOG, TABLE } from './copied-session.ts';

const run = promisify(execFile);
const never = new AbortController().signal;

/** What lies in the scratch directory. */
function leftIn({ scratch }: CopiedSession): Promise<string[]> {
  return listNames(join(scratch, 'copies'));
}

describe('a copy of a session at rest', () => {
  it('holds every file that the session needs as it is, and its record', async () => {
    const session = await CopiedSession.make();
    await session.write(LOG, Buffer.alloc(700_000, 'log'));
    await session.write('Default/Cache/data_1', 'not needed');
    const copy = await session.store.take();
    const files = session.store.filesOf(copy);
    expect([...files.keys()]).toHaveLength(5);
    expect(files.get(LOG)).toEqual(Buffer.alloc(700_000, 'log'));
    expect(copy.answer).toMatchObject({
      live: false,
      frozen_ms: null,
      epoch: 3,
      instance: 'instance-1',
      record: session.subject.record,
      files: 5,
      bytes: 700_000 + 300_000 + 40,
    });
    expect(await leftIn(session)).toEqual([]);
  });

  it('is the same archive while the session is the same, also for another life of the instance', async () => {
    const session = await CopiedSession.make();
    const { archive } = (await session.store.take()).answer;
    expect((await session.store.take()).answer.archive).toEqual(archive);
    const anew = await session.anew().make('7', 'main', [], never);
    expect(anew.archive).toEqual(archive);
    await session.append(LOG, 'more');
    expect((await session.store.take()).answer.archive).not.toEqual(archive);
  });

  it('keeps nothing for fetching that the store has, and reads no table of it again', async () => {
    const session = await CopiedSession.make();
    await session.store.take();
    const { fetched } = session.store;
    // Its content is another, and nothing tells: were it read, the copy would show it.
    const before = new Date('2026-11-22T00:00:00Z');
    await utimes(join(session.userData, TABLE), before, before);
    await session.store.take();
    await run('dd', [
      'if=/dev/zero',
      `of=${join(session.userData, TABLE)}`,
      'bs=1',
      'count=5',
      'conv=notrunc',
    ]);
    await utimes(join(session.userData, TABLE), before, before);
    const copy = await session.store.take();
    expect(session.store.filesOf(copy).get(TABLE)).toEqual(Buffer.alloc(300_000, 'table'));
    expect(session.store.fetched).toBe(fetched);
    // A store that has lost it gets it as it is.
    session.store.objects.clear();
    const whole = await session.store.take();
    expect(session.store.filesOf(whole).get(TABLE)?.subarray(0, 5)).toEqual(Buffer.alloc(5));
  });

  it('leaves out links, pipes, sockets and what LevelDB only locks with', async () => {
    const session = await CopiedSession.make();
    const database = dirname(join(session.userData, LOG));
    await symlink('/etc/passwd', join(database, '000009.log'));
    await symlink('/etc', join(database, 'etc'));
    await run('mkfifo', [join(database, '000010.log')]);
    const server = createServer().listen(join(database, '000011.log'));
    onTestFinished(() => void server.close());
    await session.write(`${dirname(LOG)}/LOCK`, '');
    const copy = await session.store.take();
    expect(session.store.filesOf(copy).size).toBe(5);
  });

  it('is its record alone where the session is not linked', async () => {
    const session = await CopiedSession.make({ record: { linked: false, link_id: null } });
    const copy = await session.copies.make('7', 'main', [], never);
    expect(copy).toMatchObject({
      copy: null,
      archive: null,
      pieces: [],
      bytes: 0,
      record: { linked: false },
    });
    expect(await leftIn(session)).toEqual([]);
  });

  it('is none where a linked session has no profile', async () => {
    const session = await CopiedSession.make();
    await rm(session.userData, { recursive: true });
    await expect(session.copies.make('7', 'main', [], never)).rejects.toMatchObject({
      code: 'profile_damaged',
    });
    expect(await leftIn(session)).toEqual([]);
  });

  it('is none where it has failed since its profile is damaged: the backup before has a good one', async () => {
    const session = await CopiedSession.make();
    session.subject.status = 'failed';
    await writeProfile(session.userData, 'whole');
    await rm(join(session.userData, LOG));
    await expect(session.store.take()).resolves.toMatchObject({ answer: { live: false } });
    await session.write(`${dirname(LOG)}/CURRENT`, 'MANIFEST-000099\n');
    await expect(session.copies.make('7', 'main', [], never)).rejects.toMatchObject({
      code: 'profile_damaged',
      message: expect.stringContaining('Restore it from a backup'),
    });
    expect(await leftIn(session)).toEqual([]);
  });

  it('is of the profile that waits to be put in place, where one was restored and not started since', async () => {
    const session = await CopiedSession.make();
    const restored = session.paths.restoredProfile(session.name);
    await rename(session.userData, restored);
    const other = await CopiedSession.make();
    await mkdir(dirname(session.userData), { recursive: true });
    await rename(other.userData, session.userData);
    await session.append(LOG, ' that is lost');
    const copy = await session.store.take();
    expect(String(session.store.filesOf(copy).get(LOG))).toBe('log of the database');
  });

  it('is begun anew where it is started while it is read, and what another life wrote is in it', async () => {
    const session = await CopiedSession.make();
    let looks = 0;
    Object.defineProperty(session.subject, 'isAtRest', {
      get: () => {
        looks += 1;
        if (looks === 2) {
          session.subject.lives += 1;
          appendFileSync(join(session.userData, LOG), ' of another life');
        }
        return true;
      },
    });
    const copy = await session.store.take();
    expect(String(session.store.filesOf(copy).get(LOG))).toBe('log of the database of another life');
    expect(looks).toBe(4);
  });

  it('fails where another host goes on writing', async () => {
    const clock = new DrivenClock();
    const session = await CopiedSession.make({ clock });
    const copying = session.copies.make('7', 'main', [], never);
    const ends = expect(copying).rejects.toMatchObject({ code: 'invalid_state', message: /changed while/ });
    let goesOn = true;
    const writing = (async () => {
      while (goesOn) {
        appendFileSync(join(session.userData, LOG), 'x');
        await new Promise((resolve) => setImmediate(resolve));
        await clock.pass(200);
      }
    })();
    await ends;
    goesOn = false;
    await writing;
    expect(await leftIn(session)).toEqual([]);
  });

  it.each([
    ['is of another owner', {}, 'not_owner'],
    ['is linked anew', { link_id: 'link-2' }, 'invalid_state'],
    ['is logged out', { linked: false, link_id: null }, 'invalid_state'],
    ['has another generation', { generation: 9 }, 'invalid_state'],
  ])('is thrown away where the session %s by its end', async (_what, change, code) => {
    const session = await CopiedSession.make();
    let asked = 0;
    session.find = () => {
      asked += 1;
      if (asked === 2) session.subject.record = { ...session.subject.record, ...change };
      return session.subject;
    };
    let proofs = 0;
    session.subject.authority = {
      left: () => 60_000,
      require: () => {
        proofs += 1;
        if (proofs > 1 && code === 'not_owner') throw new WharfError('not_owner', 'it is of instance-2 now');
      },
    };
    await expect(session.copies.make('7', 'main', [], never)).rejects.toMatchObject({ code });
    expect(await leftIn(session)).toEqual([]);
  });

  it('is thrown away where the session was deleted, or made anew, by its end', async () => {
    const session = await CopiedSession.make();
    let asked = 0;
    session.find = () => {
      asked += 1;
      return asked === 1 ? session.subject : { ...session.subject };
    };
    await expect(session.copies.make('7', 'main', [], never)).rejects.toMatchObject({
      code: 'invalid_state',
    });
    expect(await leftIn(session)).toEqual([]);
  });

  it('waits for a new proof of ownership after a pause', async () => {
    const session = await CopiedSession.make();
    let asked = 0;
    session.subject.authority = {
      left: () => 60_000,
      require: () => {
        asked += 1;
        if (asked === 1) throw new WharfError('ownership_unproved', 'it was paused');
      },
    };
    expect((await session.store.take()).answer.files).toBe(5);
    expect(asked).toBe(3);
  });

  it('waits for one that starts or closes, and fails where that takes long', async () => {
    const session = await CopiedSession.make();
    Object.assign(session.subject, { status: 'starting', isAtRest: false });
    const copying = session.store.take();
    await new Promise((resolve) => setTimeout(resolve, 0));
    Object.assign(session.subject, { status: 'stopped', isAtRest: true });
    expect((await copying).answer.live).toBe(false);

    const clock = new DrivenClock();
    const stuck = await CopiedSession.make({ clock });
    Object.assign(stuck.subject, { status: 'starting', isAtRest: false });
    const failing = stuck.copies.make('7', 'main', [], never);
    const ends = expect(failing).rejects.toMatchObject({ code: 'invalid_state', message: /starting/ });
    await clock.pass(25_000);
    await ends;
  });
});

describe('copies of sessions', () => {
  it('of one session are made one after the other, and no more than two at one time', async () => {
    const session = await CopiedSession.make();
    const copies = await Promise.all([1, 2, 3].map(() => session.copies.make('7', 'main', [], never)));
    expect(new Set(copies.map(({ copy }) => copy)).size).toBe(3);
    expect(new Set(copies.map(({ archive }) => archive?.sha256)).size).toBe(1);
    expect(await leftIn(session)).toHaveLength(3);
    await session.copies.close();
    expect(await leftIn(session)).toEqual([]);
  });

  it('lie for ten minutes after they were asked for last, for whoever names session and copy', async () => {
    const clock = new DrivenClock();
    const session = await CopiedSession.make({ clock });
    const { copy } = await session.copies.make('7', 'main', [], never);
    const name = { workspace: '7', session: 'main', copy: copy ?? '' };
    const read = (change = {}) => session.copies.read({ ...name, ...change }, null, async (path) => path);
    await clock.pass(9 * 60_000);
    await session.copies.expire();
    await expect(read()).resolves.toMatch(/archive\.tar$/);
    await expect(read({ workspace: '8' })).rejects.toMatchObject({ code: 'not_found' });
    await clock.pass(9 * 60_000);
    await session.copies.expire();
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const reading = session.copies.read(name, null, () => held);
    await clock.pass(11 * 60_000);
    await session.copies.expire();
    letGo();
    await reading;
    await expect(read()).resolves.toMatch(/archive\.tar$/);
    await clock.pass(11 * 60_000);
    await session.copies.expire();
    await expect(read()).rejects.toMatchObject({ code: 'not_found', message: /10 minutes/ });
    expect(await leftIn(session)).toEqual([]);
    await session.copies.end(name);
  });

  it('that whoever asked for them gives up leave nothing', async () => {
    const session = await CopiedSession.make();
    const gone = new AbortController();
    const copying = session.copies.make('7', 'main', [], gone.signal);
    gone.abort(new Error('the client went away'));
    await expect(copying).rejects.toThrow('the client went away');
    expect(await leftIn(session)).toEqual([]);
  });

  it('end with their instance: those that are made fail, and what an earlier life left is removed', async () => {
    const session = await CopiedSession.make();
    await session.copies.make('7', 'main', [], never);
    const copying = session.copies.make('7', 'main', [], never);
    const closing = session.copies.close();
    await expect(copying).rejects.toMatchObject({ code: 'shutting_down' });
    await closing;
    expect(await leftIn(session)).toEqual([]);
    expect(await readdir(session.scratch)).toEqual([]);
  });

  it('may hold so much together and no more', async () => {
    const session = await CopiedSession.make({ limit: 400_000 });
    await session.copies.make('7', 'main', [], never);
    await expect(session.copies.make('7', 'main', [], never)).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: /as much as they may/,
    });
    expect(await leftIn(session)).toHaveLength(1);
  });

  it('name a piece that is not theirs, or that the store was said to have', async () => {
    const session = await CopiedSession.make();
    const { copy, pieces } = await session.copies.make('7', 'main', [], never);
    const name = { workspace: '7', session: 'main', copy: copy ?? '' };
    await expect(session.copies.read(name, 'f'.repeat(64), async () => {})).rejects.toMatchObject({
      code: 'not_found',
    });
    const again = await session.copies.make(
      '7',
      'main',
      pieces.map(({ sha256 }) => sha256),
      never,
    );
    expect(again.pieces).toEqual(pieces);
    const [piece] = pieces;
    await expect(
      session.copies.read({ ...name, copy: again.copy ?? '' }, piece?.sha256 ?? '', async () => {}),
    ).rejects.toMatchObject({ code: 'not_found', message: /said to be there/ });
  });
});

describe('a copy of a profile that is out of the ordinary', () => {
  it('of 50 000 small files is whole', async () => {
    const session = await CopiedSession.make();
    const blobs = 'Default/IndexedDB/https_web.whatsapp.com_0.indexeddb.blob/1/00';
    await mkdir(join(session.userData, blobs), { recursive: true });
    await run('sh', ['-c', 'seq 1 50000 | split -l 1 -a 5 -d - ""'], { cwd: join(session.userData, blobs) });
    const copy = await session.copies.make('7', 'main', [], never);
    expect(copy.files).toBe(50_005);
    const [directory = ''] = await leftIn(session);
    const archive = join(session.scratch, 'copies', directory, 'archive.tar');
    const { stdout } = await run('sh', ['-c', 'tar tf "$0" | wc -l', archive]);
    expect(Number(stdout)).toBe(50_005);
    const one = await run('tar', ['xOf', archive, `profile/${blobs}/49999`]);
    expect(one.stdout).toBe('50000\n');
  }, 300_000);

  it('of a table of 2 GB takes room for a few pieces in memory, and each piece once on the disk', async () => {
    const session = await CopiedSession.make();
    await truncate(join(session.userData, TABLE), 2 * 1024 ** 3);
    let most = 0;
    const before = process.memoryUsage().rss;
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss - before);
    }, 50);
    onTestFinished(() => clearInterval(watch));
    const copy = await session.copies.make('7', 'main', [], never);
    expect(copy.bytes).toBeGreaterThan(2 * 1024 ** 3);
    const [directory = ''] = await leftIn(session);
    expect(await readdir(join(session.scratch, 'copies', directory, 'pieces'))).toHaveLength(2);
    expect(most).toBeLessThan(400 * 1024 ** 2);
  }, 300_000);
});
