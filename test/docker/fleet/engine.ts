import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CommandResult, command, tryCommand } from '../../chaos/hosts/command.ts';

/** How long the engine may take to answer, milliseconds. */
const PATIENCE = 120_000;

/** Short: sockets have at most 108 characters, and those of containers lie below it. */
const RUN = '/run/wharf-docker';

/** A Docker engine of the proof's own, in the network and mount namespaces this process is in. */
export class Engine {
  readonly #child: ChildProcess;
  readonly #log: string;

  /**
   * @param directory where images and containers go
   * @param group below which control group its containers are
   */
  static async start(directory: string, group: string): Promise<Engine> {
    await mkdir(RUN, { recursive: true });
    const log = join(directory, 'dockerd.log');
    const output = openSync(log, 'a');
    const child = spawn(
      'dockerd',
      [
        ...['--host', `unix://${RUN}/docker.sock`, '--exec-root', `${RUN}/exec`, '--pidfile', `${RUN}/pid`],
        ...['--data-root', join(directory, 'docker'), '--cgroup-parent', `/${group}`],
      ],
      { stdio: ['ignore', output, output] },
    );
    const engine = new Engine(child, log);
    await engine.#answers();
    return engine;
  }

  private constructor(child: ChildProcess, log: string) {
    this.#child = child;
    this.#log = log;
  }

  /** How a client is told where it is. */
  get host(): string {
    return `unix://${RUN}/docker.sock`;
  }

  /** Runs a command of Docker's client that must succeed. */
  async docker(...args: string[]): Promise<string> {
    return await command('docker', ['--host', this.host, ...args]);
  }

  async try(...args: string[]): Promise<CommandResult> {
    return await tryCommand('docker', ['--host', this.host, ...args]);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await ended;
  }

  async #answers(): Promise<void> {
    const end = performance.now() + PATIENCE;
    while ((await this.try('version')).code !== 0) {
      if (this.#child.exitCode !== null || performance.now() > end)
        throw new Error(`Docker's engine does not run:\n${(await readFile(this.#log, 'utf8')).slice(-4000)}`);
      await sleep(200);
    }
  }
}
