import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readEnv } from '../../../common/env.ts';
import { ADOPT_HEADER, INTERNAL_TOKEN_HEADER, instanceSessionPath } from '../../../fleet/instance-api.ts';
import { killGroup } from '../../../instance/whatsapp/process-tree.ts';
import { browsersUnder } from '../../helpers/processes.ts';
import { type PrivateRedis, startRedis } from '../../helpers/redis.ts';
import { TestQueues } from '../../helpers/test-queues.ts';
import { type BenchProcess, startProgram } from '../support/processes.ts';

const WORKSPACE = '7';
const TOKEN = 'the-token-of-the-kills-bench-0123456789abcdef';
/** How long browsers may take to end when their instance was killed, milliseconds. */
const ENDING = 5000;
/** How long an instance may take from its start until it has its workspace back, milliseconds; a router holds requests meanwhile. */
const ADOPTING = 15_000;

export type Json = Record<string, unknown>;

/** An HTTP answer that was no success. */
class AnswerError extends Error {
  readonly status: number;

  constructor(status: number, text: string) {
    super(`${status}: ${text.slice(0, 500)}`);
    this.status = status;
  }
}

/** One instance, under its supervisor, that can be killed and started again, with its Redis and the emulator, in a directory of its own. */
export class KillableFleet {
  readonly directory: string;
  readonly sessionPath: string;
  readonly workingDirectory: string;
  /** Lines the instance logged at `warn` and above, all of its lives. */
  readonly warnings: Json[] = [];
  readonly #redis: PrivateRedis;
  readonly #emulator: BenchProcess;
  readonly #queues: TestQueues;
  #instance: { child: ChildProcess; url: string; pid: number } | undefined;

  private constructor(directory: string, redis: PrivateRedis, emulator: BenchProcess, queues: TestQueues) {
    this.directory = directory;
    this.sessionPath = join(directory, 'sessions');
    this.workingDirectory = join(directory, 'working-directory');
    this.#redis = redis;
    this.#emulator = emulator;
    this.#queues = queues;
  }

  static async start(): Promise<KillableFleet> {
    const directory = await mkdtemp(join(tmpdir(), 'wharf-kills-'));
    const redis = await startRedis();
    const emulator = await startProgram('emulator/main.ts', {
      EMULATOR_PORT: '0',
      EMULATOR_CONTROL_PORT: '0',
      EMULATOR_DATA: '',
    });
    const fleet = new KillableFleet(directory, redis, emulator, await TestQueues.open(redis.url));
    await mkdir(fleet.sessionPath, { mode: 0o700 });
    await mkdir(fleet.workingDirectory);
    return fleet;
  }

  async startInstance(): Promise<void> {
    const { https_port: httpsPort, spki } = this.#emulator.ready;
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL('../../../instance/supervisor/main.js', import.meta.url))],
      {
        // What it leaves in its working directory is found there.
        cwd: this.workingDirectory,
        stdio: ['pipe', 'pipe', 'pipe'],
        env: {
          ...readEnv(),
          WHARF_EXIT_WITH_PARENT: '1',
          INSTANCE_ID: 'instance-1',
          WHATSAPP_INSTANCE_COUNT: '1',
          PORT: '0',
          REDIS_URL: this.#redis.url,
          WHATSAPP_SESSION_PATH: this.sessionPath,
          WHATSAPP_WEB_RESOLVE: `127.0.0.1:${String(httpsPort)}`,
          WHATSAPP_WEB_SPKI: String(spki),
          WHATSAPP_RECONNECT_BASE_DELAY: '1000',
          WHATSAPP_RATE_LIMIT_MAX: '0',
          RATE_LIMIT_NORMAL: '0',
          WHARF_INTERNAL_TOKEN: TOKEN,
          LOG_LEVEL: 'warn',
        },
      },
    );
    createInterface(child.stderr).on('line', (line) => this.#note(line));
    const early = once(child, 'exit').then(([code]) => {
      throw new Error(
        `the instance ended with ${code} before it was ready: ${JSON.stringify(this.warnings.slice(-5))}`,
      );
    });
    early.catch(() => {});
    const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), early]);
    const { url, pid } = JSON.parse(String(line)) as { url: string; pid: number };
    this.#instance = { child, url, pid };
  }

  /**
   * Kills the instance's process with SIGKILL, and its supervisor, which would start it again. Answers how many browsers were left running.
   *
   * @param all kill every process of its browsers in the same moment, as the end of a host or a control group does. Without it they see
   *   their pipe close, and end by themselves: a gentler end, which lets them finish a write.
   */
  async killInstance(all: boolean): Promise<number> {
    const browsers = all ? await browsersUnder(this.sessionPath) : [];
    const ended = this.#end('SIGKILL');
    for (const { pid } of browsers) killGroup(pid);
    await ended;
    const end = performance.now() + ENDING;
    for (;;) {
      const left = await browsersUnder(this.sessionPath);
      if (left.length === 0 || performance.now() > end) return left.length;
      await sleep(20);
    }
  }

  /** Stops the instance with SIGTERM. True when it said that all closed well. */
  async stopInstance(): Promise<boolean> {
    return (await this.#end('SIGTERM')) === 0;
  }

  /** A request to a session of the instance. Throws {@link AnswerError}; another error where the instance is gone. */
  async session(method: string, session: string, rest = '', body?: Json): Promise<Json> {
    if (!this.#instance) throw new Error('no instance runs');
    const headers = { [INTERNAL_TOKEN_HEADER]: TOKEN, [ADOPT_HEADER]: 'first' };
    const url = `${this.#instance.url}${instanceSessionPath(WORKSPACE, session)}${rest}`;
    const end = performance.now() + ADOPTING;
    for (;;) {
      try {
        return await request(method, url, headers, body);
      } catch (error) {
        const adopting = error instanceof AnswerError && error.status === 421;
        if (!adopting || performance.now() > end) throw error;
        await sleep(50);
      }
    }
  }

  /**
   * Hands a text in and waits until it has been sent: WhatsApp's id of it; null where it ended otherwise. Throws where the instance is gone before
   * it was: the text is in the queue then, and the next life sends it.
   */
  async send(session: string, to: string, text: string): Promise<string | null> {
    const ids = await this.#queues.accept({
      workspace_id: WORKSPACE,
      session_id: session,
      message: { to: `${to}@c.us`, text },
    });
    for (;;) {
      const ends = await this.#queues.endsOf(ids);
      if (ends) return ends[0]?.sent_at ? ends[0].whatsapp_id : null;
      if (!this.#instance) throw new Error('the instance is gone');
      await sleep(10);
    }
  }

  /** A request to the emulator. */
  async emulator(method: string, path: string, body?: Json): Promise<Json> {
    return await request(method, `${String(this.#emulator.ready['control_url'])}${path}`, {}, body);
  }

  /** Names of the tails of torn logs that repairs have cut off and kept so far. */
  async tornTails(): Promise<string[]> {
    const files = await readdir(this.sessionPath, { recursive: true });
    return files.filter((file) => /\/torn-tails\/[^/]+$/.test(file));
  }

  /**
   * Leaves the newest log of a session's IndexedDB as a kill between LevelDB's two writes of a record does: with a header that promises a payload. So
   * small a gap is hit once in some dozens or hundreds of kills. No browser may run.
   */
  async tearLog(session: string): Promise<void> {
    const folder = join(this.sessionPath, `workspace_${WORKSPACE}`, `session_${session}`);
    const logs = (await readdir(folder, { recursive: true }))
      .filter((file) => /\/IndexedDB\/[^/]+\/\d+\.log$/.test(file))
      .sort();
    const log = logs.at(-1);
    if (log === undefined) throw new Error(`session ${session} has no log in ${folder}`);
    // CRC, a length of 259 bytes, type 1 (whole), and then nothing.
    await appendFile(join(folder, log), Buffer.from([0x12, 0x34, 0x56, 0x78, 0x03, 0x01, 0x01]));
  }

  /** What the instance left in its working directory, such as the library's `.wwebjs_cache`. */
  async strays(): Promise<string[]> {
    return (await readdir(this.workingDirectory)).sort();
  }

  /** Ends everything. @param keep leave the directory for a look */
  async close(keep: boolean): Promise<void> {
    if (this.#instance) await this.#end('SIGTERM');
    await this.#emulator.stop();
    await this.#queues.close();
    await this.#redis.close();
    if (!keep) await rm(this.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const instance = this.#instance;
    const child = instance?.child;
    this.#instance = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const ended = once(child, 'exit');
    child.kill(signal);
    // Its supervisor would see it end by itself; in one moment with that nobody starts it again.
    if (signal === 'SIGKILL' && instance) killProcess(instance.pid);
    const [code] = await ended;
    return code as number | null;
  }

  #note(line: string): void {
    try {
      this.warnings.push(JSON.parse(line) as Json);
    } catch {
      this.warnings.push({ msg: line });
    }
  }
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

async function request(
  method: string,
  url: string,
  headers: Record<string, string>,
  body?: Json,
): Promise<Json> {
  const answer = await fetch(url, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new AnswerError(answer.status, text);
  return JSON.parse(text) as Json;
}
