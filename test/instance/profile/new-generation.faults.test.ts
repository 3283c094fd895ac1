import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { inspectProfile } from '../../../fleet/profile/repair.ts';
import { TreeCopy } from '../../../instance/profile/tree-copy.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { aLog, CHROMIUM, NEEDED_FILES, ORIGIN, ProfileBench, treeOf } from './profile-files.ts';

const run = promisify(execFile);

class Cut extends Error {}

/** A signal that ends everything at its n-th look: whatever is on the disk then stays there, as after a kill. */
function cutAt(step: number): { signal: AbortSignal; steps: () => number } {
  const { signal } = new AbortController();
  let looks = 0;
  signal.throwIfAborted = () => {
    looks += 1;
    if (looks >= step) throw new Cut();
  };
  return { signal, steps: () => looks };
}

/** A file system of a few hundred kilobytes, or undefined where this host lets nobody mount. */
async function smallDisk(options: string): Promise<string | undefined> {
  const directory = await temporaryDirectory();
  try {
    await run('mount', ['-t', 'tmpfs', '-o', options, 'wharf-test', directory]);
  } catch {
    return undefined;
  }
  onTestFinished(async () => {
    await run('umount', [directory]);
  });
  return directory;
}

describe('the making of a generation, cut off', () => {
  it('at any of its steps leaves none, or a complete one, and is done at the next try', async () => {
    const whole = await ProfileBench.make();
    await whole.ran(3);
    const { signal, steps } = cutAt(Number.POSITIVE_INFINITY);
    await whole.adopt(3, 5, { signal });
    const count = steps();
    // Each file in two passes, and what comes before, between and after them.
    expect(count).toBeGreaterThan(2 * NEEDED_FILES.length);
    const expected = await treeOf(whole.userData(5));

    for (let step = 1; step <= count; step++) {
      const bench = await ProfileBench.make();
      await bench.ran(3);
      const source = await treeOf(bench.userData(3));
      await expect(bench.adopt(3, 5, { signal: cutAt(step).signal })).rejects.toThrow(Cut);
      expect(await bench.store.generations('7', 'main')).toEqual([3]);
      // The next owner has another epoch; this one, started anew, has the same.
      const next = step % 2 === 0 ? 5 : 6;
      expect(await bench.adopt(3, next)).toMatchObject({ generation: next, source: { generation: 3 } });
      const copy = await treeOf(bench.userData(next));
      for (const path of NEEDED_FILES) expect(copy[path]).toBe(source[path]);
      expect(Object.keys(copy)).toEqual(Object.keys(expected));
      expect(await treeOf(bench.paths.generationInMaking(bench.name(5)))).toEqual({});
    }
  });

  it('by a full disk says so, leaves none, and is done when there is room', async ({ skip }) => {
    const root = await smallDisk('size=512k');
    if (root === undefined) return skip('this host lets nobody mount: run as root to test a full disk');
    const bench = new ProfileBench(root);
    await bench.ran(3, { clean: true });
    let full = 0;
    const fill = join(root, 'fill');
    // Less room each time, so that the disk is full at another step.
    for (let kilobytes = 0; kilobytes <= 448; kilobytes += 16) {
      await writeFile(fill, Buffer.alloc(kilobytes * 1024)).catch(() => {});
      const outcome = await bench.adopt(3, 5).catch((error: unknown) => error);
      if (outcome instanceof Error) {
        full += 1;
        expect(outcome).toMatchObject({
          code: 'storage_unavailable',
          message: expect.stringContaining('disk is full; make room'),
        });
        expect(await bench.store.generations('7', 'main')).toEqual([3]);
        continue;
      }
      expect(Object.keys(await treeOf(bench.userData(5)))).toHaveLength(NEEDED_FILES.length);
      await rm(bench.paths.generation(bench.name(5)), { recursive: true });
    }
    expect(full).toBeGreaterThan(2);
    await rm(fill);
    expect(await bench.adopt(3, 5)).toMatchObject({ generation: 5 });
  });

  it('by a full disk while a good copy is kept leaves the one before', async ({ skip }) => {
    const root = await smallDisk('size=256k');
    if (root === undefined) return skip('this host lets nobody mount: run as root to test a full disk');
    const bench = new ProfileBench(root);
    await bench.ran(3, { clean: true });
    await bench.store.keepGoodCopy(bench.name(3));
    const before = await treeOf(bench.paths.goodCopies(bench.name(3)));
    bench.clock.time += 1000;
    await writeFile(join(root, 'fill'), Buffer.alloc(1024 * 1024)).catch(() => {});
    await expect(bench.store.keepGoodCopy(bench.name(3))).rejects.toMatchObject({
      code: 'storage_unavailable',
    });
    expect(await treeOf(bench.paths.goodCopies(bench.name(3)))).toEqual(before);
  });
});

describe('a copy of a tree', () => {
  const file = fc.constantFrom('000004.log', '000005.ldb', '000006.ldb', 'CURRENT', 'MANIFEST-000001', '3');
  const change = fc.record({
    file,
    action: fc.constantFrom('write', 'append', 'remove'),
    content: fc.string({ maxLength: 40 }),
  });

  it('is the source after a round that finds nothing different, whatever was written before and between', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(change, { maxLength: 8 }), { maxLength: 5 }), async (bursts) => {
        const directory = await temporaryDirectory();
        const [from, to] = [join(directory, 'from'), join(directory, 'to')];
        await writeFrom(from, ORIGIN);
        await run('mkdir', [to]);
        const copy = new TreeCopy(from, to, new AbortController().signal);
        for (const burst of bursts) {
          // Both at one time: what the round sees is for the file system to say.
          await Promise.all([copy.round(), applyAll(join(from, ORIGIN), burst)]);
        }
        let rounds = 0;
        for (;;) {
          const round = await copy.round();
          if (round.changed.length + round.gone.length === 0) break;
          expect(++rounds).toBeLessThan(4);
        }
        expect(await treeOf(to)).toEqual(await treeOf(from));
        expect(Object.fromEntries([...copy.files].map(([path, { sha256 }]) => [path, sha256]))).toEqual(
          await treeOf(from),
        );
      }),
      { numRuns: 40 },
    );
  });
});

async function writeFrom(from: string, directory: string): Promise<void> {
  await run('mkdir', ['-p', join(from, directory)]);
}

/** Never one size twice: files that are written once are known by size and time, and time may not tick in between. */
let size = 0;

async function applyAll(
  database: string,
  changes: readonly { file: string; action: string; content: string }[],
): Promise<void> {
  for (const { file, action, content } of changes) {
    const path = join(database, file);
    if (action === 'remove') await rm(path, { force: true });
    else if (/^\d+\.ldb$|^3$/.test(file)) await writeFile(path, 'x'.repeat(++size));
    else await writeFile(path, content, { flag: action === 'append' ? 'a' : 'w' });
  }
}

describe('what a dead generation gets', () => {
  it('after its copy was made does not reach the copy, whoever writes it and wherever', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3, { clean: true });
    await bench.store.keepGoodCopy(bench.name(3));
    await bench.adopt(3, 5);
    const before = await treeOf(bench.paths.generation(bench.name(5)));
    // In place, so that a shared inode would show it.
    for (const path of NEEDED_FILES)
      await writeFile(join(bench.userData(3), path), aLog('a zombie'), { flag: 'r+' });
    expect(await treeOf(bench.paths.generation(bench.name(5)))).toEqual(before);
    expect(await inspectProfile(bench.userData(5))).toMatchObject({ truncated: [], faults: [] });
    expect(await bench.store.open(bench.name(5), CHROMIUM)).toMatchObject({ state: 'ready' });
  });
});
