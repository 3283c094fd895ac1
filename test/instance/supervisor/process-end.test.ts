import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import {
  browsersUnder,
  endProcesses,
  ofIncarnation,
  ofInstance,
} from '../../../instance/supervisor/process-end.ts';
import { eventually } from '../../helpers/eventually.ts';
import { isAlive } from '../../helpers/processes.ts';

describe('seeing processes end', () => {
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });
  const start = async (
    env: Record<string, string>,
    args: string[] = [],
    script = 'echo up; while :; do sleep 0.2; done',
  ) => {
    const child = spawn('/bin/sh', ['-c', script, 'sh', ...args], {
      detached: true,
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const [line] = await once(child.stdout, 'data');
    return { pid: child.pid ?? 0, said: String(line).trim() };
  };
  const incarnation = () => randomBytes(8).toString('hex');

  it('ends all of one incarnation, stopped ones and orphans in groups of their own too, and nothing else', async () => {
    const [mine, another] = [incarnation(), incarnation()];
    const env = { WHARF_INCARNATION: mine };
    const plain = await start(env);
    const stopped = await start(env);
    process.kill(stopped.pid, 'SIGSTOP');
    // Its own child has another parent once the shell has ended, and a session of its own.
    const orphan = await start(
      env,
      [],
      'setsid sh -c "trap \\"\\" TERM; while :; do sleep 0.2; done" & echo $!',
    );
    const other = await start({ WHARF_INCARNATION: another });
    expect(await endProcesses(ofIncarnation(mine), 20_000)).toBe(true);
    for (const pid of [plain.pid, stopped.pid, Number(orphan.said)]) expect(await isAlive(pid)).toBe(false);
    expect(await isAlive(other.pid)).toBe(true);
  });

  it('finds what any incarnation of an instance left, on its session path alone', async () => {
    const env = { INSTANCE_ID: 'instance-7', WHATSAPP_SESSION_PATH: `/s-${incarnation()}` };
    const left = await start({ ...env, WHARF_INCARNATION: incarnation() });
    const shell = await start(env);
    const other = await start({
      ...env,
      WHATSAPP_SESSION_PATH: '/elsewhere',
      WHARF_INCARNATION: incarnation(),
    });
    expect(await endProcesses(ofInstance('instance-7', env.WHATSAPP_SESSION_PATH), 20_000)).toBe(true);
    expect(await isAlive(left.pid)).toBe(false);
    expect([await isAlive(shell.pid), await isAlive(other.pid)]).toEqual([true, true]);
  });

  it('tells the browsers of one workspace from those of another whose id begins alike', async () => {
    const path = `/s-${incarnation()}`;
    const one = await start({}, [`--user-data-dir=${path}/workspace_1/session_a/gen-1/session-a`]);
    const eleven = await start({}, [`--user-data-dir=${path}/workspace_11/session_a/gen-1/session-a`]);
    expect(await endProcesses(browsersUnder([`${path}/workspace_1`]), 20_000)).toBe(true);
    expect([await isAlive(one.pid), await isAlive(eleven.pid)]).toEqual([false, true]);
  });

  it('goes on until those that were started meanwhile have ended too', async () => {
    const mine = incarnation();
    // Each starts the next as soon as it can.
    const script =
      'echo up; n=0; while [ $n -lt 40 ]; do setsid sh -c "sleep 30" & n=$((n+1)); sleep 0.01; done; sleep 30';
    await start({ WHARF_INCARNATION: mine }, [], script);
    expect(await endProcesses(ofIncarnation(mine), 20_000)).toBe(true);
    expect(await endProcesses(ofIncarnation(mine), 0)).toBe(true);
  });

  it('says so when one does not end', async () => {
    // What hangs in the kernel cannot be had at will: one that this process may not end stands in for it.
    const mine = incarnation();
    const { pid } = await start({ WHARF_INCARNATION: mine });
    const real = process.kill;
    process.kill = () => true;
    try {
      expect(await endProcesses(ofIncarnation(mine), 200)).toBe(false);
    } finally {
      process.kill = real;
    }
    expect(await endProcesses(ofIncarnation(mine), 20_000)).toBe(true);
    await eventually(async () => !(await isAlive(pid)));
  });
});
