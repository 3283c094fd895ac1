import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { pidsUnder, processTable } from '../../../instance/whatsapp/process-tree.ts';
import { isAlive } from '../../helpers/processes.ts';

/** A process as a test sees it. */
export interface SeenProcess {
  pid: number;
  command: string[];
}

/**
 * A network, a mount and a host name of their own, kept by a small process for as long as this test's process lives. No name of them exists outside:
 * when the last process in them has ended, the kernel takes them down with all addresses, links, mounts and files in memory.
 */
export class Namespace {
  /** The process that keeps it; others enter by it. */
  readonly keeper: number;
  /** As `/proc/PID/ns/net` shows it: `net:[4026532280]`. The processes of a namespace are told by it. */
  readonly id: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, keeper: number, id: string) {
    this.#child = child;
    this.keeper = keeper;
    this.id = id;
  }

  /** @param hostName what the kernel calls this host to the processes in it */
  static async make(hostName: string): Promise<Namespace> {
    // The keeper's standard input is a pipe that the kernel closes when this process is gone, however it went.
    const child = spawn(
      'unshare',
      ['--net', '--mount', '--uts', 'sh', '-ec', 'hostname "$0"; echo ready; exec cat', hostName],
      { stdio: ['pipe', 'pipe', 'pipe'], detached: true },
    );
    child.stdin.on('error', () => {});
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    const early = once(child, 'exit').then(() => {
      throw new Error(`a namespace for ${hostName} cannot be made: ${errors.trim()}`);
    });
    early.catch(() => {});
    await Promise.race([once(createInterface(child.stdout), 'line'), early]);
    const pid = child.pid as number;
    return new Namespace(child, pid, await readlink(`/proc/${pid}/ns/net`));
  }

  /** The words before a command that is to run in it. nsenter replaces itself with the command: the pid stays. */
  enter(workingDirectory = '/'): string[] {
    return [
      'nsenter',
      `--target=${this.keeper}`,
      '--net',
      '--mount',
      '--uts',
      `--wd=${workingDirectory}`,
      '--',
    ];
  }

  /** A path as the processes in it see it, for use by this process: mounts of the namespace show nowhere else. */
  outside(path: string): string {
    return `/proc/${this.keeper}/root${path}`;
  }

  /** Every process that runs in it, and all below those wherever they went, but not the keeper. */
  async pids(): Promise<number[]> {
    const table = await processTable();
    const inside = await Promise.all(
      [...table.keys()].map(async (pid) => ((await networkOf(pid)) === this.id ? pid : undefined)),
    );
    const roots = inside.filter((pid) => pid !== undefined && pid !== this.keeper) as number[];
    return [...new Set(pidsUnder(table, roots))];
  }

  /** Lets it go. Processes in it keep it alive until they end. */
  close(): void {
    this.#child.stdin?.end();
  }
}

/** The pids and command lines of those that run, zombies left out. */
export async function seen(pids: readonly number[]): Promise<SeenProcess[]> {
  const found = await Promise.all(
    pids.map(async (pid): Promise<SeenProcess | undefined> => {
      const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      // Chromium writes the command lines of its helpers with spaces.
      return text === '' ? undefined : { pid, command: text.split(/[\0 ]/).filter((part) => part !== '') };
    }),
  );
  return found.flatMap((process) => process ?? []);
}

/** A process and all below it that run. */
export async function treeOf(root: number): Promise<number[]> {
  return await alive(pidsUnder(await processTable(), [root]));
}

/** Those that run. */
export async function alive(pids: readonly number[]): Promise<number[]> {
  const states = await Promise.all(pids.map(async (pid) => ((await isAlive(pid)) ? pid : undefined)));
  return states.filter((pid) => pid !== undefined);
}

/**
 * Sends a signal to all of a changing set, again and again until none is new: what was started meanwhile gets it too.
 *
 * @returns the pids that got it
 */
export async function signalAll(list: () => Promise<number[]>, signal: NodeJS.Signals): Promise<number[]> {
  const told = new Set<number>();
  for (;;) {
    const fresh = (await alive(await list())).filter((pid) => !told.has(pid));
    if (fresh.length === 0) return [...told];
    for (const pid of fresh) {
      told.add(pid);
      try {
        process.kill(pid, signal);
      } catch {
        // It ended meanwhile.
      }
    }
  }
}

/** The threads of a process, by their kernel states: `S`, `D` (waits and cannot be killed), `T` (stopped) ... */
export async function threadStates(pid: number): Promise<string[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const states = await Promise.all(
    threads.map(async (thread) => {
      const stat = await readFile(`/proc/${pid}/task/${thread}/stat`, 'latin1').catch(() => '');
      return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
    }),
  );
  return states.filter((state) => state !== '');
}

/** True while a process's first thread waits for the answer of a FUSE file system. */
export async function waitsForStorage(pid: number): Promise<boolean> {
  const stack = await readFile(`/proc/${pid}/stack`, 'latin1').catch(() => '');
  return stack.includes('request_wait_answer');
}

async function networkOf(pid: number): Promise<string | undefined> {
  return await readlink(`/proc/${pid}/ns/net`).catch(() => undefined);
}
