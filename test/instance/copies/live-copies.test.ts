import { execFile, spawn } from 'node:child_process';
import { appendFileSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../../common/clock.ts';
import { listNames } from '../../../common/files.ts';
import { isLittle, wayToCopy } from '../../../instance/copies/copy-way.ts';
import { ProfileReading } from '../../../instance/copies/profile-reading.ts';
import { Scratch } from '../../../instance/copies/scratch.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { CopiedSession, LOG, TABLE } from './copied-session.ts';
import { type TestGroup, testGroup } from './frozen-group.ts';

const run = promisify(execFile);
const never = new AbortController().signal;

/** A session with a process group for its browser. */
async function liveSession(
  clock: Clock = systemClock,
): Promise<{ session: CopiedSession; group: TestGroup }> {
  const session = await CopiedSession.make({ clock });
  const group = await testGroup(session.userData);
  session.live(group.leader.pid);
  return { session, group };
}

describe('how a session is copied', () => {
  it.each([
    [{ linked: false, status: 'stopped', isAtRest: true, hasBrowser: false }, 'record'],
    [{ linked: false, status: 'qr', isAtRest: false, hasBrowser: true }, 'record'],
    [{ linked: false, status: 'starting', isAtRest: false, hasBrowser: true }, 'wait'],
    // Its record may still be another owner's to write.
    [{ linked: false, status: 'stopped', isAtRest: false, hasBrowser: false }, 'wait'],
    [{ linked: true, status: 'stopped', isAtRest: true, hasBrowser: false }, 'rest'],
    [{ linked: true, status: 'parked', isAtRest: true, hasBrowser: false }, 'rest'],
    [{ linked: true, status: 'failed', isAtRest: true, hasBrowser: false }, 'rest'],
    [{ linked: true, status: 'disconnected', isAtRest: true, hasBrowser: false }, 'rest'],
    [{ linked: true, status: 'disconnected', isAtRest: false, hasBrowser: true }, 'wait'],
    [{ linked: true, status: 'starting', isAtRest: false, hasBrowser: true }, 'wait'],
    [{ linked: true, status: 'authenticated', isAtRest: false, hasBrowser: true }, 'live'],
    [{ linked: true, status: 'ready', isAtRest: false, hasBrowser: true }, 'live'],
    [{ linked: true, status: 'ready', isAtRest: false, hasBrowser: false }, 'wait'],
  ] as const)('%o: %s', (facts, way) => {
    expect(wayToCopy(facts)).toBe(way);
  });

  it('freezes its browser only once a round has found little', () => {
    expect(isLittle({ changed: 3, bytes: 4000 })).toBe(true);
    expect(isLittle({ changed: 3, bytes: 40_000_000 })).toBe(false);
    expect(isLittle({ changed: 3000, bytes: 4000 })).toBe(false);
  });
});

describe('a copy of a session whose browser runs', () => {
  it('freezes the browser for it, and lets it go on', async () => {
    const { session, group } = await liveSession();
    const copy = await session.store.take();
    expect(copy.answer).toMatchObject({ live: true, frozen_ms: expect.any(Number), files: 5 });
    expect(copy.answer.frozen_ms).toBeGreaterThan(0);
    expect(await group.states()).not.toContain('T');
  });

  it('is as the profile was at one moment, while a writer adds to one file and then to another all the time', async () => {
    const { session, group } = await liveSession();
    const other = LOG.replace('000003', '000004');
    await session.write(LOG, '');
    await session.write(other, '');
    // Each number goes to the one before it goes to the other: at any moment they are the same, or one apart.
    const script = 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); echo $i >> "$1"; echo $i >> "$2"; done';
    const args = ['-c', script, 'writer', join(session.userData, LOG), join(session.userData, other)];
    const writer = spawn('/bin/sh', [...args, `--user-data-dir=${session.userData}`], { detached: true });
    onTestFinished(() => void process.kill(-(writer.pid ?? 0), 'SIGKILL'));
    await group.end();
    session.live(writer.pid ?? 0);
    for (let count = 0; count < 5; count += 1) {
      const copy = await session.store.take();
      const files = session.store.filesOf(copy);
      const [one, two] = [LOG, other].map((path) =>
        String(files.get(path)).trimEnd().split('\n').map(Number),
      );
      const numbers = Array.from({ length: one?.length ?? 0 }, (_, index) => index + 1);
      expect(one).toEqual(numbers);
      expect(numbers.slice(0, two?.length)).toEqual(two);
      expect(numbers.length - (two?.length ?? 0)).toBeLessThan(2);
    }
  });

  it('is not made of a browser that has another profile open, or none', async () => {
    const session = await CopiedSession.make();
    const other = await testGroup('/elsewhere');
    session.live(other.leader.pid);
    const gone = new AbortController();
    const copying = session.copies.make('7', 'main', [], gone.signal);
    const ends = expect(copying).rejects.toThrow('enough');
    const seen: string[] = [];
    for (let look = 0; look < 20; look += 1) {
      seen.push(await other.states());
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    gone.abort(new Error('enough'));
    await ends;
    expect(seen.join('')).not.toContain('T');
  });

  it('is made at rest where the browser is stopped meanwhile', async () => {
    const { session, group } = await liveSession();
    let looks = 0;
    Object.defineProperty(session.subject, 'browserPid', {
      get: () => {
        looks += 1;
        if (looks === 3) {
          process.kill(-group.leader.pid, 'SIGKILL');
          // On a busy machine it takes its time.
          while (!/\) Z/.test(readFileSync(`/proc/${group.leader.pid}/stat`, 'utf8')));
          Object.assign(session.subject, { status: 'stopped', isAtRest: true });
        }
        return group.leader.pid;
      },
    });
    const copy = await session.store.take();
    expect(copy.answer).toMatchObject({ live: false, frozen_ms: null });
    expect(looks).toBeGreaterThan(2);
  });

  it('is the record alone where it is logged out meanwhile, and what was read of it does not stay', async () => {
    const { session, group } = await liveSession();
    let looks = 0;
    Object.defineProperty(session.subject, 'browserPid', {
      get: () => {
        looks += 1;
        // After the first round.
        if (looks === 3)
          Object.assign(session.subject, {
            status: 'logged_out',
            isAtRest: true,
            lives: 2,
            record: { ...session.subject.record, linked: false },
          });
        return group.leader.pid;
      },
    });
    const copy = await session.copies.make('7', 'main', [], never);
    expect(copy).toMatchObject({ copy: null, archive: null, pieces: [] });
    expect(await listNames(join(session.scratch, 'copies'))).toEqual([]);
  });

  it('waits with the freeze for an authority that lasts', async () => {
    const { session, group } = await liveSession();
    let left = 1000;
    session.subject.authority = { left: () => left, require: () => {} };
    const copying = session.store.take();
    for (let look = 0; look < 20; look += 1) {
      expect(await group.states()).not.toContain('T');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    left = 6000;
    expect((await copying).answer.live).toBe(true);
  });

  it('is given up where its browser was frozen a few times in vain: its page stood still each time', async () => {
    const { session, group } = await liveSession();
    let freezes = 0;
    const { authority } = session.subject;
    session.subject.authority = {
      ...authority,
      // Asked right before each freeze.
      left: () => {
        freezes += 1;
        appendFileSync(join(session.userData, LOG), Buffer.alloc(9 * 1024 * 1024, freezes));
        return 6000;
      },
    };
    const fault = await session.store.take().catch((error: unknown) => error);
    expect(String(fault)).toContain('frozen 4 times in vain');
    expect(fault).toMatchObject({ code: 'invalid_state', extra: { frozen_ms: expect.any(Number) } });
    expect(freezes).toBe(4);
    expect(await group.states()).not.toContain('T');
  });

  it('tells for how long its browser was frozen in all, also where nothing came of a freeze', async () => {
    let asked = 0;
    const freezes: number[] = [];
    // A clock on which each freeze takes 100 ms: it is asked at its beginning and at its end.
    const { session } = await liveSession({
      ...systemClock,
      now: () => {
        asked += 100;
        return systemClock.now();
      },
      monotonic: () => systemClock.monotonic() + asked,
    });
    const { authority } = session.subject;
    session.subject.authority = {
      ...authority,
      left: () => {
        freezes.push(freezes.length);
        if (freezes.length < 3)
          appendFileSync(join(session.userData, LOG), Buffer.alloc(9 * 1024 * 1024, freezes.length));
        return 6000;
      },
    };
    const { answer } = await session.store.take();
    expect(freezes).toHaveLength(3);
    expect(answer.frozen_ms).toBeGreaterThan(300);
    expect(answer.live).toBe(true);
  });

  it('may be asked for twice at one time: they follow each other', async () => {
    const { session } = await liveSession();
    const copies = await Promise.all([1, 2].map(() => session.copies.make('7', 'main', [], never)));
    expect(copies.every(({ live }) => live)).toBe(true);
  });

  it('names the scratch directory, and leaves nothing there, where its disk is full', async ({ skip }) => {
    const scratch = await temporaryDirectory();
    const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', scratch]).then(
      () => true,
      () => false,
    );
    skip(!mounted, 'a small file system cannot be mounted here: the full disk is not tested');
    onTestFinished(() => run('umount', [scratch]).then(() => {}));
    const session = await CopiedSession.make({ scratch });
    await session.write(TABLE, Buffer.alloc(900_000, 'table'));
    await expect(session.copies.make('7', 'main', [], never)).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringMatching(new RegExp(`WHARF_SCRATCH.*${scratch}.*the disk is full`)),
    });
    expect(await listNames(join(scratch, 'copies'))).toEqual([]);
  });
});

describe('the reading of a profile', () => {
  async function reading() {
    const session = await CopiedSession.make();
    const scratch = new Scratch(join(await temporaryDirectory(), 'one'), new Set(), () => {});
    await scratch.open();
    onTestFinished(() => scratch.close());
    const profile = new ProfileReading(session.userData, scratch, new Map(), never);
    const sizes = () => Object.fromEntries(profile.files().map(({ path, size }) => [path, size]));
    return { session, profile, sizes, at: (path: string) => join(session.userData, path) };
  }

  it('reads of a log only what was added, and all of one that was begun anew', async () => {
    const { profile, sizes, at } = await reading();
    const log = 'log of the database'.length;
    expect(await profile.round('look')).toMatchObject({ changed: 5 });
    appendFileSync(at(LOG), 'more');
    expect(await profile.round('look')).toEqual({ changed: 1, bytes: 4 });
    expect(sizes()[LOG]).toBe(log + 4);
    rmSync(at(LOG));
    writeFileSync(at(LOG), 'another log of the database, and longer than before');
    expect(await profile.round('look')).toEqual({ changed: 1, bytes: 51 });
    const current = LOG.replace('000003.log', 'CURRENT');
    for (const number of [2, 3]) {
      writeFileSync(at(`${current}.new`), `MANIFEST-00000${number}\n`);
      renameSync(at(`${current}.new`), at(current));
    }
    expect(await profile.round('look')).toEqual({ changed: 1, bytes: 16 });
    writeFileSync(at(LOG), 'short');
    expect(await profile.round('look')).toEqual({ changed: 1, bytes: 5 });
    expect(await profile.round('look')).toEqual({ changed: 0, bytes: 0 });
  });

  it('passes over files that vanish, and takes what comes', async () => {
    const { profile, sizes, at } = await reading();
    await profile.round('look');
    unlinkSync(at(TABLE));
    writeFileSync(at(TABLE.replace('000005', '000007')), 'another table');
    expect(await profile.round('look')).toMatchObject({ changed: 2 });
    expect(Object.keys(sizes())).toHaveLength(5);
    expect(sizes()[TABLE]).toBeUndefined();
  });

  it('puts off a capture that would take long', async () => {
    const { profile, sizes, at } = await reading();
    await profile.round('look');
    writeFileSync(at(TABLE.replace('000005', '000007')), Buffer.alloc(9 * 1024 * 1024));
    await expect(profile.capture(never)).rejects.toThrow('too many bytes');
    await profile.round('look');
    appendFileSync(at(LOG), 'more');
    await profile.absorb(await profile.capture(never));
    expect(sizes()[LOG]).toBe('log of the database'.length + 4);
    for (let number = 0; number < 300; number += 1) writeFileSync(at(`${TABLE}.${number}`), 'x');
    await expect(profile.capture(never)).rejects.toThrow('files have changed');
  });

  it('looks at the files of a large profile after the capture, and finds one that was written to', async () => {
    const { session, profile, at } = await reading();
    const blobs = 'Default/IndexedDB/https_web.whatsapp.com_0.indexeddb.blob/1/00';
    await mkdir(at(blobs), { recursive: true });
    await run('sh', ['-c', 'seq 1 2100 | split -l 1 -a 5 -d - ""'], { cwd: at(blobs) });
    await profile.round('look');
    appendFileSync(at(LOG), 'more');
    const capture = await profile.capture(never);
    expect(capture.read.map(({ path }) => path)).toEqual([LOG]);
    await profile.absorb(capture);
    expect(profile.files()).toHaveLength(2105);
    // Whole by then, and read while it was not: nobody can tell any more.
    writeFileSync(at(TABLE), 'half a ta');
    await profile.round('look');
    appendFileSync(at(TABLE), 'ble');
    const unseen = await profile.capture(never);
    unlinkSync(at(TABLE));
    await expect(profile.absorb(unseen)).rejects.toThrow('gone before it was looked at');
    await profile.round('look');
    const spoiled = await profile.capture(never);
    appendFileSync(at(`${blobs}/00007`), 'written after all');
    await expect(profile.absorb(spoiled)).rejects.toThrow('written to after all');
    await profile.round('look');
    await profile.absorb(await profile.capture(never));
    expect(profile.files()).toHaveLength(2104);
    expect(await readdir(session.userData)).toEqual(['Default']);
  });
});
