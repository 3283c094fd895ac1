import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readEnv } from '../../../common/env.ts';

/** The command line as it was built: above this file when it was built itself, in `dist/` when a test runs it as it is. */
const MAIN = new URL(
  import.meta.url.endsWith('.js') ? '../../../cli/main.js' : '../../../dist/cli/main.js',
  import.meta.url,
);

/** Runs `wharf` with some arguments. Throws with what it wrote where it ends with anything but 0. */
export async function wharf(access: { url: string; key: string }, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(MAIN), ...args], {
    env: { ...readEnv(), WHARF_URL: access.url, WHARF_API_KEY: access.key },
    maxBuffer: 64 * 2 ** 20,
  });
  return stdout;
}
