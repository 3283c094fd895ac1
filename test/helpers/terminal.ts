import { runCommandLine } from '../../cli/program.ts';
import type { Terminal } from '../../cli/terminal.ts';

/** What a command line did. */
export interface Ran {
  code: number;
  out: string;
  err: string;
}

/** What a test's terminal is like. */
export interface TerminalOptions {
  env?: Record<string, string>;
  /** Answers to questions, in their order; with them a person sits at the terminal. */
  answers?: string[];
  color?: boolean;
  /** Called after each write to standard output, with all of it so far. */
  onOut?: (out: string) => void;
  signal?: AbortSignal;
}

/** Runs a command line as `wharf` does, on a terminal of its own. */
export async function runWharf(words: string[], options: TerminalOptions = {}): Promise<Ran> {
  let out = '';
  let err = '';
  const answers = [...(options.answers ?? [])];
  const terminal: Terminal = {
    env: options.env ?? {},
    out: (text) => {
      out += text;
      options.onOut?.(out);
    },
    err: (text) => {
      err += text;
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
    now: () => new Date(),
  };
  const code = await runCommandLine(words, terminal, '1.2.3');
  return { code, out, err };
}
