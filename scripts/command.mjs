import { spawn } from 'node:child_process';

/**
 * Runs a program to its end.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {{cwd?: string, env?: NodeJS.ProcessEnv, show?: boolean}} options show: its output goes to standard error as it comes, instead of being kept
 * @returns {Promise<{code: number, output: string}>} code 127 when the program is not there; output is standard output and error together
 */
export function run(program, args, options = {}) {
  const stdio = options.show ? ['ignore', process.stderr, process.stderr] : ['ignore', 'pipe', 'pipe'];
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: options.cwd, env: options.env ?? process.env, stdio });
    let output = '';
    const keep = (chunk) => {
      output += chunk;
    };
    child.stdout?.setEncoding('utf8').on('data', keep);
    child.stderr?.setEncoding('utf8').on('data', keep);
    child.once('error', (error) => resolve({ code: 127, output: error.message }));
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/** What a program that failed says of it, in one line: its lines that tell of an error, else its last; without a stack. */
export function excerpt(output) {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^at /.test(line));
  const errors = lines.filter((line) => /error|^E: |cannot|failed/i.test(line));
  return (errors.length > 0 ? errors.slice(0, 3) : lines.slice(-2)).join(' ').slice(0, 500);
}

/** The first lines of a long output that are not warnings: npm says what is wrong, then how it is used. */
export function head(output, lines = 10) {
  return output
    .trim()
    .split('\n')
    .filter((line) => !/^npm warn/i.test(line))
    .slice(0, lines)
    .join('\n');
}
