import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { statFields } from '../../../common/proc.ts';
import { type GroupLeader, groupLeader } from '../../../instance/copies/process-group.ts';
import { eventually } from '../../helpers/eventually.ts';

/** A process group as a browser's is: a leader and what it started, each with something to do all the time. */
export interface TestGroup {
  leader: GroupLeader;
  pids: number[];
  /** The states of its processes, as /proc tells: `R`, `S`, `T` ... */
  states(): Promise<string>;
  end(): Promise<void>;
}

/** One that computes, one that reads and writes, one that waits. None starts others: a shell that waits in vfork for a stopped child does not stop itself. */
const SCRIPT =
  '(while :; do :; done) & echo $!; cat /dev/zero >/dev/null & echo $!; sleep 1000 & echo $!; wait';

/**
 * Starts one, which is killed when the test that runs has ended.
 *
 * @param userData what it says its user data directory is, as a browser does
 */
export async function testGroup(userData = '/nowhere'): Promise<TestGroup> {
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'browser', `--user-data-dir=${userData}`], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const pids = [child.pid ?? 0];
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => pids.push(Number(line)));
  const gone = once(child, 'exit');
  const end = async () => {
    try {
      process.kill(-(child.pid ?? 0), 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
    await gone;
  };
  onTestFinished(end);
  await eventually(() => pids.length === 4);
  const leader = await groupLeader(pids[0] ?? 0);
  if (!leader) throw new Error('the shell leads no group');
  const states = async () => {
    const all = await Promise.all(pids.map(async (pid) => (await statFields(pid))[0] ?? '-'));
    return all.join('');
  };
  return { leader, pids, states, end };
}
