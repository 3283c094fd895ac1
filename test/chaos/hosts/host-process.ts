import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { eventually } from '../../helpers/eventually.ts';
import type { Namespace } from './namespace.ts';
import { alive, type SeenProcess, seen, signalAll, treeOf } from './namespace.ts';

export interface StartOptions {
  namespace: Namespace;
  workingDirectory: string;
  /** The whole environment. */
  env: NodeJS.ProcessEnv;
  /** Gets what it writes to standard error, and what it wrote in earlier lives. */
  logFile: string;
}

/** How a process ended; one of the two is null. */
export interface ProcessEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A process that was started on a host. Its standard input is a pipe that closes when the test's process is gone. */
export class HostProcess {
  /** The pid of the program itself, as the whole machine knows it. */
  readonly pid: number;
  /** What it printed on standard output so far, by lines. */
  readonly lines: string[] = [];
  readonly logFile: string;
  /** Resolves when it has ended. */
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcess;

  constructor(program: string, args: readonly string[], options: StartOptions) {
    const { namespace, workingDirectory, env, logFile } = options;
    const [enter, ...words] = namespace.enter(workingDirectory);
    const log = openSync(logFile, 'a');
    try {
      this.#child = spawn(enter as string, [...words, program, ...args], {
        cwd: workingDirectory,
        env,
        stdio: ['pipe', 'pipe', log],
        detached: true,
      });
    } finally {
      closeSync(log);
    }
    const { stdin, stdout, pid } = this.#child;
    if (pid === undefined || stdout === null) throw new Error(`${program} cannot be started on a host`);
    this.pid = pid;
    this.logFile = logFile;
    stdin?.on('error', () => {});
    createInterface(stdout).on('line', (line) => this.lines.push(line));
    this.ended = once(this.#child, 'exit').then(([code, signal]) => ({ code, signal }) as ProcessEnd);
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /**
   * Waits for a line of standard output.
   *
   * @throws Error with the end of its log when it ended first, or the time is over
   */
  async line(matches: (line: string) => boolean = () => true, milliseconds = 30_000): Promise<string> {
    const found = () => this.lines.find(matches);
    await eventually(() => found() !== undefined || this.hasEnded, milliseconds);
    const line = found();
    if (line === undefined) {
      throw new Error(
        `process ${this.pid} ended before it said what was awaited: ${(await this.log()).slice(-2000)}`,
      );
    }
    return line;
  }

  /** The line of JSON with which the processes of Wharf say that they are ready. */
  async ready(milliseconds = 30_000): Promise<Record<string, unknown>> {
    return JSON.parse(await this.line((line) => line.startsWith('{'), milliseconds)) as Record<
      string,
      unknown
    >;
  }

  /** All it wrote to standard error. */
  async log(): Promise<string> {
    return await readFile(this.logFile, 'utf8');
  }

  /** Sends a signal to this process alone. Nothing happens when it has ended. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** This process and all below it that run. One whose parent has ended is below it no more; see `Host.processes`. */
  async tree(): Promise<SeenProcess[]> {
    return await seen(await treeOf(this.pid));
  }

  /** Sends a signal to this process and all below it, those that start meanwhile too. Answers the pids that got it. */
  async signalTree(name: NodeJS.Signals): Promise<number[]> {
    return await signalAll(() => treeOf(this.pid), name);
  }

  /** Kills it with SIGKILL and waits until it is gone; its children are left alone. A storage call that hangs makes this wait too. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended;
  }

  /** Kills it and all below it at one moment, and waits until they are gone. */
  async killTree(): Promise<void> {
    // Stopped first: otherwise one would see another die, and act on it.
    const pids = await this.signalTree('SIGSTOP');
    await signalAll(() => alive(pids), 'SIGKILL');
    await this.ended;
    await eventually(async () => (await alive(pids)).length === 0);
  }

  /** Asks it to end with SIGTERM, and waits for it. */
  async stop(): Promise<ProcessEnd> {
    this.signal('SIGTERM');
    return await this.ended;
  }
}
