import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { recordProcesses, waitForLeftovers } from '../../../cli/local-fleet/leftovers.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

describe('what a killed fleet left behind', () => {
  let directory: string;
  const children: ChildProcess[] = [];
  beforeEach(async () => {
    directory = await temporaryDirectory();
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  /** A process that leads a group, as those of a fleet do, and ends when its standard input does. */
  const startProcess = () => {
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    children.push(child);
    return { child, started: { name: 'instance-1', pid: child.pid ?? 0 } };
  };

  it('is nothing where no fleet ran', async () => {
    await waitForLeftovers(directory, 0, () => expect.unreachable());
  });

  it('is waited for while it ends by itself', async () => {
    const { child, started } = startProcess();
    await recordProcesses(directory, [started]);
    const waitedFor: string[][] = [];
    await waitForLeftovers(directory, 60_000, (names) => {
      waitedFor.push(names);
      child.stdin?.end();
    });
    expect(waitedFor).toEqual([['instance-1']]);
    expect(child.signalCode).toBeNull();
  });

  it('is killed when it does not end', async () => {
    const { child, started } = startProcess();
    await recordProcesses(directory, [started]);
    const ended = once(child, 'exit');
    await waitForLeftovers(directory, 0, () => undefined);
    expect(await ended).toEqual([null, 'SIGKILL']);
  });

  it('does not touch a process that was given the id of one that is gone', async () => {
    const { child, started } = startProcess();
    await recordProcesses(directory, [{ name: 'instance-1', pid: process.ppid }]);
    // As if that id had been given anew: the record is of another start.
    const { readFile, writeFile } = await import('node:fs/promises');
    const file = `${directory}/processes.json`;
    await writeFile(file, (await readFile(file, 'utf8')).replace(/"pid":\d+/, `"pid":${started.pid}`));
    await waitForLeftovers(directory, 0, () => expect.unreachable());
    expect(child.signalCode).toBeNull();
  });
});
