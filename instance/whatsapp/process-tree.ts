import { readdir, readFile } from 'node:fs/promises';
import { hostPids, statFields } from '../../common/proc.ts';

/** Kills a process group at once; true if there was one. */
export function killGroup(pid: number): boolean {
  try {
    process.kill(-pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}

/**
 * True while a process runs. A zombie has ended, though a signal still finds it; but the first thread of a process may be one while others
 * are still on their way out, with the files and their locks open.
 */
async function isRunning(pid: number): Promise<boolean> {
  const [state] = await statFields(pid);
  if (state === undefined || state === 'X') return false;
  if (state !== 'Z') return true;
  return (await readdir(`/proc/${pid}/task`).catch(() => [])).length > 1;
}

/** Waits until a process has ended; false when it still runs after so many milliseconds. */
export function waitForEnd(pid: number, milliseconds: number): Promise<boolean> {
  return ended(() => isRunning(pid), milliseconds);
}

/**
 * Waits until no process of a group is left; false when one still runs after so many milliseconds. The leader alone is not enough: a page's
 * process that was killed with it may take a moment longer, and has the profile's databases open until then.
 */
export function waitForGroupEnd(group: number, milliseconds: number): Promise<boolean> {
  return ended(() => groupRuns(group), milliseconds);
}

async function ended(runs: () => Promise<boolean>, milliseconds: number): Promise<boolean> {
  const end = performance.now() + milliseconds;
  while (await runs()) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}

/** Whether any process of a group runs. A zombie has ended, though a signal still finds it. */
async function groupRuns(group: number): Promise<boolean> {
  try {
    process.kill(-group, 0);
  } catch {
    return false;
  }
  const running = await Promise.all(
    (await hostPids()).map(async (pid) => {
      const [, , pgrp] = await statFields(pid);
      return Number(pgrp) === group && (await isRunning(pid));
    }),
  );
  return running.includes(true);
}

/** A process of this host. */
interface HostProcess {
  pid: number;
  /** Arguments with a NUL after each; Chromium's helpers write theirs with spaces between. */
  commandLine: string;
}

async function hostProcesses(): Promise<HostProcess[]> {
  const pids = await hostPids();
  const found = await Promise.all(
    pids.map(async (pid): Promise<HostProcess | undefined> => {
      const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return text === '' ? undefined : { pid, commandLine: text };
    }),
  );
  return found.flatMap((process) => process ?? []);
}

/**
 * Kills every browser of this host whose profile lies under one of some directories, and waits until they have ended. Browsers die with their instance
 * when it is killed (they talk over pipes), but one that was stopped, or one of an instance that hung, may be left.
 *
 * @returns the pids that were killed
 */
export async function killBrowsersUnder(directories: readonly string[], patience = 5000): Promise<number[]> {
  if (directories.length === 0) return [];
  const prefixes = directories.map((directory) => `--user-data-dir=${directory}`);
  // Not taken apart into arguments: a session path may hold a space.
  const isOurs = ({ commandLine }: HostProcess) =>
    commandLine.includes('--user-data-dir=') &&
    prefixes.some((prefix) => ['/', '\0', ' '].some((end) => commandLine.includes(prefix + end)));
  const browsers = (await hostProcesses())
    .filter(isOurs)
    .filter((process) => process.pid !== globalThis.process.pid);
  for (const { pid } of browsers) {
    if (!killGroup(pid)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself meanwhile.
      }
    }
  }
  await Promise.all(
    browsers.map(({ pid }) => waitForEnd(pid, patience).then(() => waitForGroupEnd(pid, patience))),
  );
  return browsers.map(({ pid }) => pid);
}

/** The part of `/proc/PID/stat` that tells families and their costs. */
export interface ProcessEntry {
  parent: number;
  /** Processor time so far, its ended children's included, in clock ticks (100 a second): fields 14 to 17 of `/proc/PID/stat`. */
  ticks: number;
}

/** Every process of this host, by pid. */
export async function processTable(): Promise<Map<number, ProcessEntry>> {
  const pids = await hostPids();
  const entries = await Promise.all(
    pids.map(async (pid): Promise<[number, ProcessEntry]> => {
      const fields = await statFields(pid);
      const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
      return [pid, { parent: Number(fields[1]), ticks: ticks || 0 }];
    }),
  );
  return new Map(entries);
}

/** The pids of some processes and of all below them. */
export function pidsUnder(table: ReadonlyMap<number, ProcessEntry>, roots: readonly number[]): number[] {
  const children = new Map<number, number[]>();
  for (const [pid, { parent }] of table) {
    const siblings = children.get(parent);
    if (siblings) siblings.push(pid);
    else children.set(parent, [pid]);
  }
  const pids = [...roots];
  for (let index = 0; index < pids.length; index += 1)
    pids.push(...(children.get(pids[index] as number) ?? []));
  return pids;
}

/**
 * Memory of some processes, in bytes: their proportional set size, which counts shared pages once in all.
 * From `/proc/PID/smaps_rollup`, for which the kernel walks all their pages (a millisecond and more each); 0 where that cannot be read.
 */
export async function pssOf(pids: readonly number[]): Promise<number> {
  const sizes = await Promise.all(
    pids.map(async (pid) => {
      const text = await readFile(`/proc/${pid}/smaps_rollup`, 'latin1').catch(() => '');
      return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
