import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { KEY, RestoreBench } from './restore-bench.ts';

describe('an owner that does not see what was prepared, since the storage is not mounted there', () => {
  it('writes no claim where it finds none: it would prove ownership to this host alone', async () => {
    const root = await temporaryDirectory();
    const bench = new RestoreBench(root);
    onTestFinished(() => bench.close());
    const session = await bench.link('now');
    await bench.prepare({ ...session.record });
    await bench.store.settled();
    // The storage is elsewhere, and its place is empty.
    const storage = join(await temporaryDirectory(), 'storage');
    await rename(root, storage);
    await mkdir(root);
    await expect(bench.restores.restore(KEY, false)).rejects.toMatchObject({ code: 'restore_not_found' });
    await expect(bench.undos.undo(KEY, false)).rejects.toMatchObject({ code: 'restore_not_found' });
    expect(existsSync(bench.paths.owners('7'))).toBe(false);
    expect(bench.clients.running).toBe(1);
    // Its browser may have made directories anew meanwhile.
    await rename(root, `${storage}-not`);
    await rename(storage, root);
    await bench.restores.restore(KEY, false);
  }, 30_000);

  it('adopts no workspace that nobody owns', async () => {
    const bench = new RestoreBench(await temporaryDirectory());
    onTestFinished(() => bench.close());
    await expect(bench.restores.restore(KEY, true)).rejects.toMatchObject({ code: 'restore_not_found' });
    await expect(bench.undos.undo(KEY, true)).rejects.toMatchObject({ code: 'restore_not_found' });
    expect(existsSync(bench.paths.owners('7'))).toBe(false);
  }, 30_000);
});
