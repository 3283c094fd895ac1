import { spawn } from 'node:child_process';

/** What an ended command left. */
export interface CommandResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/**
 * Runs a program to its end, without a shell.
 *
 * @param input goes to its standard input
 * @throws Error when it cannot be started
 */
export function tryCommand(program: string, args: readonly string[], input = ''): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', (error) => reject(new Error(`${program} cannot be run: ${error.message}`)));
    child.once('close', (code) => resolve({ code, stdout, stderr }));
    // A program that reads nothing may be gone before this is written.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

/**
 * Runs a program that must succeed.
 *
 * @returns its standard output
 * @throws Error with what it said, when its exit code is not 0
 */
export async function command(program: string, args: readonly string[], input = ''): Promise<string> {
  const { code, stdout, stderr } = await tryCommand(program, args, input);
  if (code !== 0)
    throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${(stderr || stdout).trim()}`);
  return stdout;
}
