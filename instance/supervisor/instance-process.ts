import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Clock } from '../../common/clock.ts';
import type { Env } from '../../common/env.ts';
import type { Logger } from '../../common/logger.ts';
import {
  BEAT_INTERVAL,
  INCARNATION_VARIABLE,
  type InstanceMessage,
  instanceMessageSchema,
  type SupervisorMessage,
} from './messages.ts';

/** A process that was killed and is still there waits for a storage that hangs: it is told of so often, milliseconds. */
const COMPLAINT_INTERVAL = 60_000;

/** How an instance's process is run. */
export interface InstanceProgram {
  main: string;
  nodeFlags: readonly string[];
  env: Env;
  /** Milliseconds to become ready in. */
  startPatience: number;
  /** Milliseconds without a beat after which it counts as hanging. */
  beatPatience: number;
}

/** What an instance's process is ready with. */
export interface InstanceReady {
  url: string;
  pid: number;
}

/**
 * One run of an instance's process. It leads a process group of its own, so that no signal to the supervisor's reaches it. What it
 * writes goes to standard error: standard output is for the supervisor's ready lines.
 *
 * It is killed when it hangs: the kernel keeps a stopped process, or one whose event loop turns no more, for ever.
 */
export class InstanceProcess {
  readonly #child: ChildProcess;
  readonly #log: Logger;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #program: InstanceProgram;
  #heardAt: number;
  #lookedAt: number;
  readonly #watch: NodeJS.Timeout;
  /** Resolves when it can be given workspaces; never where it ends before. */
  readonly ready: Promise<InstanceReady>;
  /** Resolves when it has ended, with why for people: `ended with exit code 1`, `was killed by SIGKILL`. */
  readonly ended: Promise<{ code: number | null; reason: string }>;
  #hasEnded = false;
  /** When it was told last that it is killed. */
  #complainedAt = Number.NEGATIVE_INFINITY;
  #hears: ((message: InstanceMessage) => void) | undefined;
  #unheard: InstanceMessage[] = [];

  constructor(program: InstanceProgram, incarnation: string, clock: Pick<Clock, 'monotonic'>, log: Logger) {
    this.#program = program;
    this.#clock = clock;
    this.#log = log;
    const child = fork(program.main, [], {
      execArgv: [...program.nodeFlags],
      detached: true,
      stdio: ['ignore', 2, 'inherit', 'ipc'],
      env: { ...program.env, [INCARNATION_VARIABLE]: incarnation },
    });
    this.#child = child;
    this.#heardAt = this.#lookedAt = clock.monotonic();
    this.ended = new Promise((resolve) => {
      const gone = (code: number | null, reason: string) => {
        this.#hasEnded = true;
        clearInterval(this.#watch);
        resolve({ code, reason });
      };
      child.once('exit', (code, signal) =>
        gone(code, signal === null ? `ended with exit code ${code}` : `was killed by ${signal}`),
      );
      child.on('error', (error) => {
        // A message that could not be sent says so here too; its end is seen by itself.
        if (child.pid === undefined) gone(null, `could not be run (${error.message})`);
      });
    });
    let limit = program.startPatience;
    this.ready = new Promise((resolve) => {
      child.on('message', (raw) => {
        const parsed = instanceMessageSchema.safeParse(raw);
        if (!parsed.success) {
          log.error({ reason: parsed.error.message.slice(0, 300) }, 'the instance said what means nothing');
          return;
        }
        this.#heardAt = clock.monotonic();
        if (parsed.data.kind === 'ready') {
          limit = this.#program.beatPatience;
          resolve(parsed.data);
        } else if (this.#hears === undefined) this.#unheard.push(parsed.data);
        else this.#hears(parsed.data);
      });
    });
    this.#watch = setInterval(() => this.#look(limit), BEAT_INTERVAL);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Who is told what it says, and what it has said so far. */
  onMessage(hears: (message: InstanceMessage) => void): void {
    this.#hears = hears;
    for (const message of this.#unheard.splice(0)) hears(message);
  }

  /** Says something to it; one that has ended hears nothing. */
  send(message: SupervisorMessage): void {
    if (!this.#hasEnded && this.#child.connected) this.#child.send(message, () => {});
  }

  /** Ends it at once; its browsers are another matter, see `endProcesses`. */
  kill(why: string): void {
    if (this.#hasEnded) return;
    const now = this.#clock.monotonic();
    if (now - this.#complainedAt >= COMPLAINT_INTERVAL) {
      this.#complainedAt = now;
      this.#log.warn({ pid: this.pid, why }, "kills the instance's process");
    }
    this.#child.kill('SIGKILL');
  }

  /** Asks it to end, and waits so many milliseconds. Whether it did. */
  async terminate(patience: number): Promise<boolean> {
    if (this.#hasEnded || this.pid === undefined) return true;
    this.#child.kill('SIGTERM');
    await once(this.#child, 'exit', { signal: AbortSignal.timeout(patience) }).catch(() => {});
    return this.#hasEnded;
  }

  #look(limit: number): void {
    const now = this.#clock.monotonic();
    // This process was paused itself: what the other said meanwhile is still to be read.
    if (now - this.#lookedAt > 2 * BEAT_INTERVAL) this.#heardAt = now;
    this.#lookedAt = now;
    const silent = now - this.#heardAt;
    if (silent > limit) this.kill(`it has given no sign of life for ${Math.round(silent / 1000)} s`);
  }
}
