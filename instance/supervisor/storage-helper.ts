import { type ChildProcess, fork } from 'node:child_process';
import { z } from 'zod';
import { type Clock, systemClock } from '../../common/clock.ts';
import { readEnv } from '../../common/env.ts';
import { WharfError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { ClaimStore } from '../../fleet/claims.ts';
import { workspaceIdSchema } from '../../fleet/ids.ts';
import { highestClaimSchema, type StorageCall, storageAnswerSchema } from './storage-helper-messages.ts';

/** Calls inside the helper at one time, and the threads it has for them. */
const CALLS_AT_ONCE = 8;
/** A killed helper that has not ended after so many milliseconds is stuck in the kernel, and is given up. */
const END_PATIENCE = 1000;
/** Helpers that may be stuck in the kernel at one time. Each holds memory, and more of them would not get further. */
const MOST_STUCK = 3;

/** How a storage helper is run. */
export interface StorageHelperOptions {
  sessionPath: string;
  /** The program, with `process.argv[2]` the session path. */
  main: string;
  /** What its environment says beside this process's: whose helper it is, so that one left behind is found. */
  env: Record<string, string>;
  /** Milliseconds a call may take, from when it is asked. */
  deadline: number;
}

interface Call {
  readonly id: number;
  readonly call: StorageCall;
  readonly deadline: number;
  resolve(value: unknown): void;
  reject(error: WharfError): void;
}

/**
 * The shared storage as a supervisor sees it: through a process of its own. A call on a hard mount whose server is gone never returns and
 * cannot be cancelled; in the supervisor four of them would fill Node's thread pool, and stop even the lookup of a name. A helper that
 * misses a deadline is killed, and the next call gets another. All that were inside it fail with it: they proved nothing.
 *
 * A call that failed may still take effect, as one over any network may.
 */
export class StorageHelper implements ClaimStore {
  readonly #options: StorageHelperOptions;
  readonly #log: Logger;
  readonly #clock: Clock;
  #process: ChildProcess | undefined;
  readonly #waiting: Call[] = [];
  readonly #inside = new Map<number, Call>();
  readonly #stuck = new Set<ChildProcess>();
  #nextId = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: StorageHelperOptions, log: Logger, clock: Clock = systemClock) {
    this.#options = options;
    this.#log = log;
    this.#clock = clock;
  }

  /** Its process, while there is one. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  async workspaces() {
    return z.array(workspaceIdSchema).parse(await this.#ask({ op: 'workspaces' }));
  }

  async highest(workspace: string) {
    return highestClaimSchema.nullable().parse(await this.#ask({ op: 'highest', workspace })) ?? undefined;
  }

  async create(claim: Parameters<ClaimStore['create']>[0]) {
    return z.boolean().parse(await this.#ask({ op: 'create', claim }));
  }

  async release(workspace: string, epoch: number): Promise<void> {
    await this.#ask({ op: 'release', workspace, epoch });
  }

  /** The session path must be there and take a file. Throws `storage_unavailable`. */
  async requireSessionPath(): Promise<void> {
    await this.#ask({ op: 'require' });
  }

  /** See `writeBeacon` in fleet/beacons.ts. */
  async writeBeacon(instance: string, beacon: string): Promise<void> {
    await this.#ask({ op: 'write_beacon', instance, beacon });
  }

  /** See `readBeacon` in fleet/beacons.ts. */
  async readBeacon(instance: string): Promise<string | null> {
    return z
      .string()
      .nullable()
      .parse(await this.#ask({ op: 'read_beacon', instance }));
  }

  /** Ends the helper; calls after that fail. */
  close(): void {
    this.#closed = true;
    this.#discard('the process is stopping');
  }

  #ask(call: StorageCall): Promise<unknown> {
    if (this.#closed) return Promise.reject(unavailable('the process is stopping'));
    if (this.#stuck.size >= MOST_STUCK) {
      return Promise.reject(
        unavailable(`it does not answer, and ${this.#stuck.size} processes that asked it hang in the kernel`),
      );
    }
    return new Promise((resolve, reject) => {
      const deadline = this.#clock.monotonic() + this.#options.deadline;
      this.#waiting.push({ id: this.#nextId++, call, deadline, resolve, reject });
      this.#pass();
    });
  }

  /** Hands on what waits, as far as there is room. */
  #pass(): void {
    while (this.#waiting.length > 0 && this.#inside.size < CALLS_AT_ONCE && !this.#closed) {
      const next = this.#waiting.shift() as Call;
      this.#inside.set(next.id, next);
      const helper = this.#running();
      helper.send({ id: next.id, call: next.call }, (error) => {
        if (error !== null && helper === this.#process) this.#discard('its helper process ended');
      });
    }
    this.#watch();
  }

  #running(): ChildProcess {
    if (this.#process !== undefined) return this.#process;
    const { main, sessionPath, env } = this.#options;
    const helper = fork(main, [sessionPath], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [],
      env: { ...readEnv(), ...env, UV_THREADPOOL_SIZE: String(CALLS_AT_ONCE) },
    });
    this.#process = helper;
    helper.on('message', (message) => {
      if (helper === this.#process) this.#answered(message);
    });
    const gone = () => {
      this.#stuck.delete(helper);
      if (helper === this.#process) this.#discard('its helper process ended');
    };
    helper.once('exit', gone);
    helper.on('error', gone);
    return helper;
  }

  #answered(message: unknown): void {
    const answer = storageAnswerSchema.parse(message);
    const call = this.#inside.get(answer.id);
    this.#inside.delete(answer.id);
    if ('error' in answer) call?.reject(new WharfError(answer.error.code, answer.error.message));
    else call?.resolve(answer.value);
    this.#pass();
  }

  /** Looks again when the next call is late. */
  #watch(): void {
    clearTimeout(this.#timer);
    const deadlines = [...this.#inside.values(), ...this.#waiting].map(({ deadline }) => deadline);
    if (deadlines.length === 0) return;
    const left = Math.min(...deadlines) - this.#clock.monotonic();
    this.#timer = setTimeout(() => this.#checkDeadlines(), Math.max(0, left) + 1);
  }

  #checkDeadlines(): void {
    const now = this.#clock.monotonic();
    const late = [...this.#inside.values()].find(({ deadline }) => deadline <= now);
    if (late !== undefined) {
      this.#log.error(
        { op: late.call.op, calls: this.#inside.size, deadline_ms: this.#options.deadline },
        'the storage does not answer: its helper process is replaced',
      );
      this.#discard(`it did not answer within ${this.#options.deadline / 1000} s`);
      return;
    }
    for (const call of this.#waiting.filter(({ deadline }) => deadline <= now)) {
      this.#waiting.splice(this.#waiting.indexOf(call), 1);
      call.reject(unavailable('too much was asked of it at once'));
    }
    this.#watch();
  }

  /** Kills the helper; what was inside fails, and what waits goes to the next one. */
  #discard(why: string): void {
    clearTimeout(this.#timer);
    const helper = this.#process;
    this.#process = undefined;
    const inside = [...this.#inside.values()];
    this.#inside.clear();
    for (const call of inside) call.reject(unavailable(why));
    if (this.#closed) for (const call of this.#waiting.splice(0)) call.reject(unavailable(why));
    if (helper !== undefined) this.#kill(helper);
    if (this.#waiting.length > 0) this.#pass();
  }

  #kill(helper: ChildProcess): void {
    if (helper.pid === undefined || helper.exitCode !== null || helper.signalCode !== null) return;
    helper.kill('SIGKILL');
    const late = setTimeout(() => {
      this.#stuck.add(helper);
      helper.unref();
      helper.channel?.unref();
      this.#log.error(
        { pid: helper.pid, stuck: this.#stuck.size },
        'a helper process hangs in a call to the storage, and cannot be ended',
      );
    }, END_PATIENCE);
    helper.once('exit', () => {
      clearTimeout(late);
    });
  }
}

function unavailable(why: string): WharfError {
  return new WharfError('storage_unavailable', `The shared storage cannot be used: ${why}.`);
}
