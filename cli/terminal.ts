import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { type Env, readEnv } from '../common/env.ts';

/** Where a command reads from and writes to; tests give one of their own. */
export interface Terminal {
  env: Env;
  /** Writes to standard output: what was asked for, and nothing else. */
  out(text: string): void;
  /** Writes bytes to standard output; resolves when there is room for more. */
  bytes(piece: Uint8Array): Promise<void>;
  /** Writes to standard error: progress, questions, errors. */
  err(text: string): void;
  /** True when a person sits at both ends: questions may be asked, and drawn output replaced. */
  interactive: boolean;
  /** True when escape codes for colours may be written to standard output. */
  color: boolean;
  /** Asks a question and gives the line that was typed; empty where the input ends (Ctrl-D). Rejects on Ctrl-C. */
  ask(question: string): Promise<string>;
  /** Aborted when the command is told to stop (Ctrl-C). */
  signal: AbortSignal;
  /** The wall clock. */
  now(): Date;
}

/** The terminal of this process. Colours only on a terminal, and not where NO_COLOR (https://no-color.org) is set. */
export function processTerminal(signal: AbortSignal): Terminal {
  const env = readEnv();
  // A reader that has gone away (`wharf sessions list | head -1`) is no fault of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return {
    env,
    out: (text) => process.stdout.write(text),
    bytes: (piece) =>
      new Promise((resolve, reject) =>
        process.stdout.write(piece, (error) => (error ? reject(error) : resolve())),
      ),
    err: (text) => process.stderr.write(text),
    interactive: process.stdin.isTTY === true && process.stdout.isTTY === true,
    color: process.stdout.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb',
    signal,
    now: () => new Date(),
    async ask(question) {
      const lines = createInterface({ input: process.stdin, output: process.stderr });
      try {
        const ended = once(lines, 'close').then(() => '');
        return await Promise.race([lines.question(question, { signal }), ended]);
      } catch (error) {
        // The cursor stands behind the question still.
        process.stderr.write('\n');
        throw error;
      } finally {
        lines.close();
      }
    },
  };
}
