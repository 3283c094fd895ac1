import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { statFields } from '../../../common/proc.ts';
import { whileFrozen } from '../../../instance/copies/freeze.ts';
import { stopGroup, thawGroup } from '../../../instance/copies/process-group.ts';
import { eventually } from '../../helpers/eventually.ts';
import { type TestGroup, testGroup } from './frozen-group.ts';

const PROGRAM = fileURLToPath(
  new URL('../../../dist/test/instance/copies/freezing-process.js', import.meta.url),
);

async function goesOn({ states }: TestGroup): Promise<void> {
  await eventually(async () => !(await states()).includes('T'));
}

/** The guards of a group that run. */
async function guardsOf({ leader }: TestGroup): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return pids.filter((_, index) => lines[index]?.includes(`wharf-thaw\0${leader.pid}\0`));
}

/** Another process, which has frozen a group and keeps it so. */
async function freezer(group: TestGroup): Promise<ChildProcess> {
  const child = spawn(process.execPath, [PROGRAM, String(group.leader.pid)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout ?? child, 'data');
  expect(await group.states()).toBe('TTTT');
  return child;
}

describe('a process group that is frozen', () => {
  it('is stopped whole while something is done, goes on after it, and is watched by nobody then', async () => {
    const group = await testGroup();
    const { value, frozenFor } = await whileFrozen(group.leader, systemClock, async () => group.states());
    expect(value).toBe('TTTT');
    expect(frozenFor).toBeGreaterThan(0);
    await goesOn(group);
    expect(await guardsOf(group)).toEqual([]);
  });

  it('goes on where what is done fails, or does not come to an end', async () => {
    const group = await testGroup();
    const failing = whileFrozen(group.leader, systemClock, async () => {
      throw new Error('the disk');
    });
    await expect(failing).rejects.toThrow('the disk');
    await goesOn(group);
    const hanging = whileFrozen(group.leader, systemClock, () => new Promise(() => {}));
    await expect(hanging).rejects.toMatchObject({ code: 'invalid_state', message: /too long/ });
    await goesOn(group);
    expect(await guardsOf(group)).toEqual([]);
  });

  it('can be frozen again at once, any number of times', async () => {
    const group = await testGroup();
    for (let count = 0; count < 5; count += 1) {
      const { value } = await whileFrozen(group.leader, systemClock, async () => group.states());
      expect(value).toBe('TTTT');
    }
    thawGroup(group.leader);
    thawGroup(group.leader);
    await goesOn(group);
  });

  it('counts for nothing where somebody let it go on meanwhile', async () => {
    const group = await testGroup();
    const spoiled = whileFrozen(group.leader, systemClock, async () => {
      process.kill(-group.leader.pid, 'SIGCONT');
      await goesOn(group);
    });
    await expect(spoiled).rejects.toMatchObject({ code: 'invalid_state', message: /let it go on/ });
  });

  it('goes on, and counts for nothing, where its guard is killed', async () => {
    const group = await testGroup();
    const left = whileFrozen(group.leader, systemClock, async () => {
      const guards = await guardsOf(group);
      expect(guards).not.toEqual([]);
      for (const pid of guards) process.kill(pid, 'SIGKILL');
      await new Promise(() => {});
    });
    await expect(left).rejects.toMatchObject({ code: 'invalid_state', message: /guard is gone/ });
    await goesOn(group);
  });

  it('goes on by itself where its guard is told to end by whoever ends everything', async () => {
    const group = await testGroup();
    const frozen = await freezer(group);
    frozen.kill('SIGSTOP');
    for (const pid of await guardsOf(group)) process.kill(pid, 'SIGTERM');
    await goesOn(group);
  });

  it('goes on where the process that froze it is killed with kill -9', async () => {
    const group = await testGroup();
    const frozen = await freezer(group);
    frozen.kill('SIGKILL');
    await goesOn(group);
    await eventually(async () => (await guardsOf(group)).length === 0);
  });

  it('goes on within the limit where the process that froze it is stopped itself', async () => {
    const group = await testGroup();
    const frozen = await freezer(group);
    frozen.kill('SIGSTOP');
    await goesOn(group);
    expect((await statFields(frozen.pid ?? 0))[0]).toBe('T');
  });

  it('that has ended, or whose pid is of another process by now, is not stopped', async () => {
    const group = await testGroup();
    expect(stopGroup({ ...group.leader, started: '1' })).toBe(false);
    expect(await group.states()).not.toContain('T');
    await group.end();
    expect(stopGroup(group.leader)).toBe(false);
    await expect(whileFrozen(group.leader, systemClock, async () => 1)).rejects.toMatchObject({
      code: 'invalid_state',
      message: /has ended/,
    });
  });
});
