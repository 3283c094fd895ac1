import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  killBrowsersUnder,
  killGroup,
  pidsUnder,
  processTable,
  pssOf,
  waitForEnd,
  waitForGroupEnd,
} from '../../../instance/whatsapp/process-tree.ts';
import { isAlive } from '../../helpers/processes.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

/** A process that looks like a browser, in a group of its own. */
async function pretended(userData: string): Promise<{ pid: number; child: ChildProcess }> {
  const child = spawn(
    process.execPath,
    ['-e', 'console.log(1); setInterval(() => {}, 1e6)', '--', `--user-data-dir=${userData}`],
    { detached: true, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
  const pid = child.pid as number;
  onTestFinished(() => void killGroup(pid));
  return { pid, child };
}

describe('the processes of browsers', () => {
  it('are ended under a directory, and under no other whose name begins the same', async () => {
    const root = await temporaryDirectory();
    const mine = join(root, 'a path', 'workspace_7');
    await mkdir(mine, { recursive: true });
    const one = await pretended(join(mine, 'session_main', 'gen-1'));
    const exact = await pretended(mine);
    const other = await pretended(join(root, 'a path', 'workspace_70', 'session_main'));
    const ended = await killBrowsersUnder([mine]);
    expect(ended.sort()).toEqual([one.pid, exact.pid].sort());
    expect(await isAlive(one.pid)).toBe(false);
    expect(await isAlive(other.pid)).toBe(true);
    expect(await killBrowsersUnder([mine])).toEqual([]);
  });

  it('are waited for, but not for ever', async () => {
    const { pid } = await pretended('/nowhere');
    expect(await waitForEnd(pid, 50)).toBe(false);
    expect(killGroup(pid)).toBe(true);
    expect(await waitForEnd(pid, 10_000)).toBe(true);
    expect(await waitForEnd(2 ** 22 + 1, 0)).toBe(true);
    expect(killGroup(2 ** 22 + 1)).toBe(false);
  });

  it('are waited for with all of their group, not their leader alone', async () => {
    const leader = spawn(
      process.execPath,
      ['-e', "require('node:child_process').spawn('sleep', ['600'], { stdio: 'ignore' }); console.log('up')"],
      { detached: true, stdio: ['ignore', 'pipe', 'ignore'] },
    );
    const group = leader.pid as number;
    await once(leader.stdout, 'data');
    process.kill(group, 'SIGKILL');
    expect(await waitForEnd(group, 10_000)).toBe(true);
    expect(await waitForGroupEnd(group, 50)).toBe(false);
    expect(killGroup(group)).toBe(true);
    expect(await waitForGroupEnd(group, 10_000)).toBe(true);
  });

  it('have a memory that counts those below them', async () => {
    const { pid } = await pretended('/nowhere');
    const table = await processTable();
    const own = await pssOf(pidsUnder(table, [pid]));
    expect(own).toBeGreaterThan(1024 * 1024);
    expect(pidsUnder(table, [process.pid])).toContain(pid);
    expect(await pssOf(pidsUnder(table, [process.pid]))).toBeGreaterThan(own);
    expect(await pssOf([])).toBe(0);
  });
});
