import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { exists } from '../../common/files.ts';
import { hostPids, statFields } from '../../common/proc.ts';

/** Where `/proc/PID/stat` has what, counted from the state on (proc(5)): the process group, and when it was started. */
const GROUP = 2;
const STARTED = 19;

/** Threads in these states run no more of their program before they are told to go on: stopped, traced, ended. */
const HALTED = /^[TtZX]$/;

/** A process that leads a group, so that another of the same pid is not taken for it. */
export interface GroupLeader {
  pid: number;
  /** When it was started, in the kernel's ticks since the boot. */
  started: string;
}

/** A browser whose user data directory is this one, at the head of its group; undefined where the process of that pid is none. */
export async function browserGroup(pid: number, userData: string): Promise<GroupLeader | undefined> {
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  const ends = ['\0', ' '].some((end) => commandLine.includes(`--user-data-dir=${userData}${end}`));
  return ends ? await groupLeader(pid) : undefined;
}

/** A process that leads its group; undefined where there is none of that pid, or it does not. */
export async function groupLeader(pid: number): Promise<GroupLeader | undefined> {
  const fields = await statFields(pid);
  return isLeader(pid, fields) ? { pid, started: fields[STARTED] ?? '' } : undefined;
}

/** The processes of a group that its leader has started, or those have, itself among them. */
export async function groupMembers(group: number): Promise<number[]> {
  const pids = (await below(group)) ?? (await hostPids());
  const groups = await Promise.all(pids.map(async (pid) => Number((await statFields(pid))[GROUP])));
  return pids.filter((_, index) => groups[index] === group);
}

/**
 * A process and all below it: some hundred files of `/proc`, where a look at all processes of a host with hundreds of browsers takes thousands.
 *
 * @returns null where the kernel does not tell children (it was built without CONFIG_PROC_CHILDREN)
 */
async function below(pid: number): Promise<number[] | null> {
  const pids = [pid];
  for (let index = 0; index < pids.length; index += 1) {
    const tasks = `/proc/${pids[index]}/task`;
    const threads = await readdir(tasks).catch(() => []);
    for (const thread of threads) {
      const children = await readFile(`${tasks}/${thread}/children`, 'latin1').catch(() => null);
      if (children !== null) pids.push(...children.split(' ').filter(Boolean).map(Number));
      else if (await exists(`${tasks}/${thread}/stat`)) return null;
    }
  }
  return pids;
}

/**
 * Stops the group of a leader, unless its pid is another's by now. Looked at and sent within one turn of the event loop: a child of ours keeps its pid until Node has heard
 * of its end, which it does between turns.
 *
 * @returns false where the leader has ended
 */
export function stopGroup({ pid, started }: GroupLeader): boolean {
  const fields = statNow(`/proc/${pid}/stat`);
  if (!isLeader(pid, fields) || fields[STARTED] !== started) return false;
  return send(pid, 'SIGSTOP');
}

/** Lets what is left of a group go on, also without its leader. Changes nothing for processes that run. */
export function thawGroup({ pid }: GroupLeader): void {
  send(pid, 'SIGCONT');
}

function send(group: number, signal: 'SIGSTOP' | 'SIGCONT'): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
}

/** Whether no thread of some processes runs; asked without waiting, since a stop that is looked at later says nothing of now. */
export function areHalted(pids: readonly number[]): boolean {
  return pids.every((pid) => threadsOf(pid).every(([state]) => state === undefined || HALTED.test(state)));
}

function threadsOf(pid: number): string[][] {
  try {
    return readdirSync(`/proc/${pid}/task`).map((thread) => statNow(`/proc/${pid}/task/${thread}/stat`));
  } catch {
    return [];
  }
}

function isLeader(pid: number, fields: readonly string[]): boolean {
  return fields[0] !== undefined && !/^[ZX]$/.test(fields[0]) && Number(fields[GROUP]) === pid;
}

/** As `statFields`, at once: files of `/proc` wait for no disk. */
function statNow(path: string): string[] {
  try {
    const stat = readFileSync(path, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}
