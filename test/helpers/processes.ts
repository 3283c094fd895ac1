import { readdir, readFile } from 'node:fs/promises';

/** A process of this host. */
export interface RunningProcess {
  pid: number;
  command: string[];
}

/** The browsers whose profile lies under a directory, their helper processes not counted in. */
export async function browsersUnder(directory: string): Promise<RunningProcess[]> {
  const all = await runningProcesses();
  return all.filter(
    ({ command }) =>
      command.some((part) => part.startsWith(`--user-data-dir=${directory}`)) &&
      !command.some((part) => part.startsWith('--type=')),
  );
}

/** The process that runs a browser's page. Throws when there is none. */
export async function rendererOf(browser: number): Promise<number> {
  const parents = new Map<number, number>();
  const all = await runningProcesses();
  for (const { pid } of all) parents.set(pid, await parentOf(pid));
  const isBelow = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 1 && (pid === browser || isBelow(parents.get(pid)));
  const renderers = all.filter(({ pid, command }) => command.includes('--type=renderer') && isBelow(pid));
  const [renderer] = renderers;
  if (renderer === undefined) throw new Error(`the browser ${browser} has no renderer`);
  return renderer.pid;
}

/** True while a process runs; one that has ended and waits for its parent does not. */
export async function isAlive(pid: number): Promise<boolean> {
  const state = (await fields(pid))?.[0];
  return state !== undefined && state !== 'Z';
}

/** A signal to one process; nothing where it is gone, or was never there. */
export function signalOne(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

async function runningProcesses(): Promise<RunningProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid): Promise<RunningProcess | undefined> => {
      const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      // Chromium writes the command lines of its helpers with spaces.
      return text === '' ? undefined : { pid, command: text.split(/[\0 ]/) };
    }),
  );
  return found.flatMap((process) => process ?? []);
}

async function parentOf(pid: number): Promise<number> {
  return Number((await fields(pid))?.[1] ?? 0);
}

/** The fields of `/proc/PID/stat` behind the name: state, parent, ... */
async function fields(pid: number): Promise<string[] | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
}
