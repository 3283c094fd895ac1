import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { FileHandle } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { type Clock, systemClock, withDeadline } from '../../common/clock.ts';
import { messageOf, WharfError } from '../../common/errors.ts';
import { type RestartHistory, restartDelay } from '../../common/restart-delay.ts';
import { killGroup } from './leftovers.ts';
import { logTail, openLog, sizeOf } from './log-file.ts';

/** How a process of the fleet is started and watched. */
export interface ProcessPlan<Ready> {
  /** `router`, `instance-1` ... */
  name: string;
  program: string;
  args: string[];
  /** The environment of its next start; what the last one was ready with, null before. */
  env: (last: Ready | null) => Record<string, string | undefined>;
  /** A line it writes to its standard output: what it is ready with, or null for any other line. It may be ready anew, with another. */
  ready: (line: string) => Ready | null;
  /** For programs that say nothing when they are ready: resolves when this one is. All they write goes to the log. */
  probe?: () => Promise<Ready>;
  logFile: string;
  /** Milliseconds to become ready in, and to end in before it is killed. */
  startTime: number;
  stopTime: number;
}

/** What happens to a process, for people and for the record. */
export type ProcessEvent<Ready> =
  /** `pid` is the process itself; what it is ready with may tell of another that it runs. */
  { kind: 'ready'; pid: number; ready: Ready } | { kind: 'ended'; reason: string; delay: number };

/**
 * A process that is started again when it ends: after 0.5, 1, 2 ... 30 s. It leads a process group of its own, so that Ctrl-C in the
 * terminal does not reach it, and its standard input is a pipe whose other end is here: it ends with this process.
 */
export class KeptProcess<Ready> {
  readonly #plan: ProcessPlan<Ready>;
  readonly #onEvent: (event: ProcessEvent<Ready>) => void;
  readonly #clock: Clock;
  readonly #stopping = new AbortController();
  #child: ChildProcess | undefined;
  #last: Ready | null = null;
  #keeping: Promise<void> = Promise.resolve();

  constructor(
    plan: ProcessPlan<Ready>,
    onEvent: (event: ProcessEvent<Ready>) => void,
    clock: Clock = systemClock,
  ) {
    this.#plan = plan;
    this.#onEvent = onEvent;
    this.#clock = clock;
  }

  get name(): string {
    return this.#plan.name;
  }

  /** Its process id, while it runs. */
  get pid(): number | undefined {
    const child = this.#child;
    return child === undefined || child.exitCode !== null || child.signalCode !== null
      ? undefined
      : child.pid;
  }

  /**
   * Starts it for the first time; from then on it is kept running.
   *
   * @throws WharfError `internal` with the end of its log when it does not become ready: then it is not tried again
   */
  async start(): Promise<Ready> {
    const life = await this.#begin();
    try {
      const ready = await life.ready;
      this.#becameReady(life.pid, ready);
      this.#keeping = this.#keep(life);
      return ready;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Ends it for good: SIGTERM, and SIGKILL to the whole group for what is left after the plan's time. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('stopping'));
    await this.#end();
    await this.#keeping;
  }

  async #end(): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined) return;
    if (this.pid !== undefined) {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await withDeadline(exited, this.#plan.stopTime, () => new Error('late')).catch(() => undefined);
    }
    // What it left in its group, or itself when it did not end.
    killGroup(child.pid);
    if (this.pid !== undefined) await once(child, 'exit');
  }

  async #keep(first: Life<Ready>): Promise<void> {
    let life = first;
    let history: RestartHistory = { failures: 0 };
    for (;;) {
      const reason = await life.ended;
      if (life.pid !== undefined) killGroup(life.pid);
      if (this.#stopping.signal.aborted) return;
      const next = restartDelay(history, this.#clock.monotonic() - life.startedAt);
      history = next.history;
      this.#onEvent({ kind: 'ended', reason, delay: next.delay });
      try {
        await this.#clock.sleep(next.delay, this.#stopping.signal);
      } catch {
        return;
      }
      life = await this.#begin().catch((error: unknown) => neverStarted(error, this.#clock.monotonic()));
      // One that never becomes ready is killed at its deadline, and counts as ended.
      void this.#awaitReady(life);
      if (this.#stopping.signal.aborted) await this.#end();
    }
  }

  async #awaitReady(life: Life<Ready>): Promise<void> {
    try {
      this.#becameReady(life.pid, await life.ready);
    } catch {
      if (life.pid !== undefined) killGroup(life.pid);
    }
  }

  #becameReady(pid: number | undefined, ready: Ready): void {
    this.#last = ready;
    if (pid !== undefined) this.#onEvent({ kind: 'ready', pid, ready });
  }

  async #begin(): Promise<Life<Ready>> {
    const { program, args, env, logFile, probe } = this.#plan;
    const log = await openLog(logFile);
    const logStart = await sizeOf(logFile);
    const child = spawn(program, args, {
      detached: true,
      stdio: ['pipe', probe === undefined ? 'pipe' : log.fd, log.fd],
      env: { ...env(this.#last), WHARF_EXIT_WITH_PARENT: '1' },
    });
    this.#child = child;
    // The pipe breaks when the process ends: that is seen as its end, not as an error here.
    child.stdin?.on('error', () => undefined);
    const ended = endOf(child);
    child.once('close', () => void log.close());
    const ready = this.#readiness(child, log, ended, logStart);
    ready.catch(() => undefined);
    return { pid: child.pid, startedAt: this.#clock.monotonic(), ready, ended };
  }

  async #readiness(
    child: ChildProcess,
    log: FileHandle,
    ended: Promise<string>,
    logStart: number,
  ): Promise<Ready> {
    const { name, startTime, logFile, probe } = this.#plan;
    const early = ended.then((reason) => {
      throw new Error(`it ${reason}`);
    });
    early.catch(() => undefined);
    const line = this.#readyLines(child, log);
    try {
      const ready = probe === undefined ? line : probe();
      return await withDeadline(
        Promise.race([ready, early]),
        startTime,
        () => new Error(`it was not ready after ${startTime / 1000} s`),
      );
    } catch (error) {
      const said = await logTail(logFile, logStart);
      throw new WharfError(
        'internal',
        `${name} did not start: ${messageOf(error)}. Its log ${logFile} ends with:\n${said || '(nothing)'}`,
        {
          cause: error,
        },
      );
    }
  }

  /** Resolves with what the first telling line of standard output says. Later ones say that it is ready anew; all others go to the log. */
  #readyLines(child: ChildProcess, log: FileHandle): Promise<Ready> {
    return new Promise((resolve) => {
      if (child.stdout === null) return;
      let isFirst = true;
      createInterface({ input: child.stdout }).on('line', (line) => {
        const ready = this.#plan.ready(line);
        if (ready === null) log.appendFile(`${line}\n`).catch(() => undefined);
        else if (isFirst) resolve(ready);
        // After the first has been told, though both came at once.
        else setImmediate(() => this.#becameReady(child.pid, ready));
        if (ready !== null) isFirst = false;
      });
    });
  }
}

/** One run of a process. */
interface Life<Ready> {
  pid: number | undefined;
  startedAt: number;
  ready: Promise<Ready>;
  /** Why it ended, for people: `ended with exit code 1`, `was killed by SIGKILL`. */
  ended: Promise<string>;
}

/** A start that failed before there was a process: the log could not be opened, say. */
function neverStarted(error: unknown, startedAt: number): Life<never> {
  const ready = Promise.reject(error);
  ready.catch(() => undefined);
  return {
    pid: undefined,
    startedAt,
    ready,
    ended: Promise.resolve(`could not be started (${messageOf(error)})`),
  };
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`could not be run (${error.message})`));
    child.once('exit', (code, signal) =>
      resolve(signal === null ? `ended with exit code ${code}` : `was killed by ${signal}`),
    );
  });
}
