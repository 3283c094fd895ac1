import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { readEnv } from '../../common/env.ts';

/** Those of these programs that are not in PATH. */
export function missingPrograms(names: readonly string[]): string[] {
  const folders = (readEnv()['PATH'] ?? '').split(delimiter);
  return names.filter((name) => !folders.some((folder) => isProgram(join(folder, name))));
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Runs a program to its end: its exit code, and all it wrote. */
export function runProgram(
  name: string,
  args: readonly string[],
  input = '',
): Promise<{ code: number; said: string }> {
  return new Promise((resolve, reject) => {
    const child = execFile(name, [...args], { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') reject(error);
      else resolve({ code: typeof error?.code === 'number' ? error.code : 0, said: stdout + stderr });
    });
    // One that ends without reading what it is told has said so in its own way.
    child.stdin?.on('error', () => {}).end(input);
  });
}
