import { runCommandLine } from '../../cli/program.ts';
import type { Terminal } from '../../cli/terminal.ts';

/** What a command line did. */
export interface Ran {
  code: number;
  out: string;
  err: string;
  /** Bytes that were written to standard output as such; empty where there were none. */
  bytes: Buffer;
}

/** What a test's terminal is like. */
export interface TerminalOptions {
  env?: Record<string, string>;
  /** Answers to questions, in their order; with them a person sits at the terminal. */
  answers?: string[];
  color?: boolean;
  /** Called after each write to standard output, with all of it so far. */
  onOut?: (out: string) => void;
  /** The same of standard error. */
  onErr?: (err: string) => void;
  signal?: AbortSignal;
  /** The wall clock; default: the real one. */
  now?: Date;
}

/** Runs a command line as `wharf` does, on a terminal of its own. */
export async function runWharf(words: string[], options: TerminalOptions = {}): Promise<Ran> {
  let out = '';
  let err = '';
  const written: Buffer[] = [];
  const answers = [...(options.answers ?? [])];
  const terminal: Terminal = {
    env: options.env ?? {},
    out: (text) => {
      out += text;
      options.onOut?.(out);
    },
    bytes: async (piece) => {
      written.push(Buffer.from(piece));
    },
    err: (text) => {
      err += text;
      options.onErr?.(err);
    },
    interactive: options.answers !== undefined,
    color: options.color ?? false,
    ask: async (question) => {
      err += `${question}\n`;
      const answer = answers.shift();
      if (answer === undefined) throw new Error(`asked more than was expected: ${question}`);
      return answer;
    },
    signal: options.signal ?? new AbortController().signal,
    now: () => options.now ?? new Date(),
  };
  const code = await runCommandLine(words, terminal, '1.2.3');
  return { code, out, err, bytes: Buffer.concat(written) };
}
