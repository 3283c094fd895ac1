import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readEnv } from '../../../common/env.ts';

/** A program that runs until it is ended, and all it wrote. */
export class RunningProgram {
  /** Standard output. */
  out = '';
  /** Standard error. */
  err = '';
  readonly #child: ChildProcess;

  constructor(program: string, args: readonly string[], env: Record<string, string> = {}) {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...readEnv(), ...env } });
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.err += text;
    });
    this.#child = child;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Asks it to end, and waits until it has. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.hasEnded) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill(signal);
    await ended;
  }
}
