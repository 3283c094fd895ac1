import { readdir, readFile } from 'node:fs/promises';

/** Kills a process group at once; true if there was one. */
export function killGroup(pid: number): boolean {
  try {
    process.kill(-pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}

/** True while a process runs (a zombie counts as ended). */
async function isRunning(pid: number): Promise<boolean> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2)[0] !== 'Z';
  } catch {
    return false;
  }
}

/** Waits until a process has ended; false when it still runs after so many milliseconds. */
export async function waitForEnd(pid: number, milliseconds: number): Promise<boolean> {
  const end = performance.now() + milliseconds;
  while (await isRunning(pid)) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}

/** A process of this host. */
interface HostProcess {
  pid: number;
  /** Arguments with a NUL after each; Chromium's helpers write theirs with spaces between. */
  commandLine: string;
}

async function hostProcesses(): Promise<HostProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
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
  await Promise.all(browsers.map(({ pid }) => waitForEnd(pid, patience)));
  return browsers.map(({ pid }) => pid);
}

/**
 * Memory of a process and all below it, in bytes: its proportional set size, which counts shared pages once in all.
 * From `/proc/PID/smaps_rollup`; 0 where that cannot be read.
 */
export async function treePss(roots: readonly number[]): Promise<number> {
  const children = await childrenByParent();
  const pids = [...roots];
  for (let index = 0; index < pids.length; index += 1)
    pids.push(...(children.get(pids[index] as number) ?? []));
  const sizes = await Promise.all(pids.map(pssOf));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function pssOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'latin1').catch(() => '');
  return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024;
}

async function childrenByParent(): Promise<Map<number, number[]>> {
  const children = new Map<number, number[]>();
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      if (!Number.isInteger(parent)) return;
      const list = children.get(parent);
      if (list) list.push(pid);
      else children.set(parent, [pid]);
    }),
  );
  return children;
}
