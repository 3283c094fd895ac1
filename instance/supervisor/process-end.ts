import { readFile } from 'node:fs/promises';
import { hostPids, statFields } from '../../common/proc.ts';
import { killGroup, waitForEnd, waitForGroupEnd } from '../whatsapp/process-tree.ts';
import { INCARNATION_VARIABLE } from './messages.ts';

/** How long what hangs in the kernel may hide whether it is meant, milliseconds. */
const UNCLEAR_PATIENCE = 2000;

/** Marks a supervisor's storage helper in its environment. */
export const HELPER_VARIABLE = 'WHARF_STORAGE_HELPER';

/** A process of this host, as `/proc` tells of it. */
export interface SeenProcess {
  /** `NAME=value` of all that stood in its environment when it was started; empty where this user may not read it. */
  environment: ReadonlySet<string>;
  /** Arguments with a NUL after each; Chromium's helpers write theirs with spaces between. */
  commandLine: string;
}

/**
 * Kills the processes that are meant, each with the group it leads, and sees them end: looked for again until none is found, since one may
 * have started another meanwhile. Those that were stopped (SIGSTOP) end too; one that hangs in the kernel does not.
 *
 * @param patience milliseconds
 * @returns whether all were seen to end, all of their threads included; false also where one that hangs in the kernel could not be looked at
 */
export async function endProcesses(
  isMeant: (process: SeenProcess) => boolean,
  patience: number,
): Promise<boolean> {
  const begin = performance.now();
  const left = () => patience - (performance.now() - begin);
  let awaited: number[] = [];
  for (;;) {
    const { meant, unclear } = await look(isMeant);
    for (const pid of meant) kill(pid);
    awaited = [...new Set([...awaited, ...meant])];
    if (awaited.length === 0 && !unclear) return true;
    const ends = await Promise.all(awaited.map((pid) => hasEnded(pid, left())));
    awaited = awaited.filter((_, index) => !ends[index]);
    if (left() < 0) return false;
    if (awaited.length === 0 && unclear) {
      if (patience - left() > UNCLEAR_PATIENCE) return false;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Processes of this incarnation of an instance, browsers included: what a process starts has its environment. */
export function ofIncarnation(incarnation: string): (process: SeenProcess) => boolean {
  return ({ environment }) => environment.has(`${INCARNATION_VARIABLE}=${incarnation}`);
}

/** Processes of any incarnation of an instance. */
export function ofInstance(instance: string, sessionPath: string): (process: SeenProcess) => boolean {
  return (process) => isOf(process, instance, sessionPath, INCARNATION_VARIABLE);
}

/** Storage helpers of an instance's supervisors. */
export function helpersOf(instance: string, sessionPath: string): (process: SeenProcess) => boolean {
  return (process) => isOf(process, instance, sessionPath, HELPER_VARIABLE);
}

/** Browsers whose profile lies under one of some directories. */
export function browsersUnder(directories: readonly string[]): (process: SeenProcess) => boolean {
  const beginnings = directories.map((directory) => `--user-data-dir=${directory}/`);
  return ({ commandLine }) => beginnings.some((beginning) => commandLine.includes(beginning));
}

function isOf({ environment }: SeenProcess, instance: string, sessionPath: string, mark: string): boolean {
  if (!environment.has(`INSTANCE_ID=${instance}`)) return false;
  if (!environment.has(`WHATSAPP_SESSION_PATH=${sessionPath}`)) return false;
  return [...environment].some((variable) => variable.startsWith(`${mark}=`));
}

/** What a look at all processes found: those that are meant, and whether some could not be looked at. */
interface Look {
  meant: number[];
  unclear: boolean;
}

async function look(isMeant: (process: SeenProcess) => boolean): Promise<Look> {
  const pids = await hostPids();
  const verdicts = await Promise.all(
    pids.map(async (pid) => {
      if (pid === process.pid) return 'other';
      const [state, parent] = await statFields(pid);
      // A kernel thread, or one that has just ended.
      if (state === undefined || parent === '2') return 'other';
      // To read the memory of one that hangs in the kernel may hang too, and then in this process's thread pool.
      if (state === 'D') return 'unclear';
      const [environment, commandLine] = await Promise.all([
        readFile(`/proc/${pid}/environ`, 'utf8').catch(() => ''),
        readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
      ]);
      return isMeant({ environment: new Set(environment.split('\0')), commandLine }) ? 'meant' : 'other';
    }),
  );
  return {
    meant: pids.filter((_, index) => verdicts[index] === 'meant'),
    unclear: verdicts.includes('unclear'),
  };
}

function kill(pid: number): void {
  killGroup(pid);
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself meanwhile, or with its group.
  }
}

async function hasEnded(pid: number, patience: number): Promise<boolean> {
  return (await waitForEnd(pid, patience)) && (await waitForGroupEnd(pid, patience));
}
