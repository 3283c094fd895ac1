import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../helpers/temp-dir.ts';
import { writeProgram } from './helpers.mjs';

const ci = fileURLToPath(new URL('../../.ci/run', import.meta.url));

describe('.ci/run', () => {
  let directory;
  beforeEach(async () => {
    directory = await temporaryDirectory();
  });
  /** Runs it with an npm that does what a script says. */
  const run = (script) => {
    writeProgram(join(directory, 'npm'), script);
    const env = { PATH: `${directory}:/usr/bin:/bin` };
    return new Promise((resolve) => {
      execFile(ci, { env }, (error, stdout) =>
        resolve({ code: error?.code ?? 0, lines: stdout.trimEnd().split('\n') }),
      );
    });
  };

  it('runs npm test, and ends with its closing line even where npm says more after it', async () => {
    const { code, lines } = await run(
      'echo "npm $*"; echo "12 passed, 1 failed"; echo "npm error code 1" >&2; exit 1',
    );
    expect(code).toBe(1);
    expect(lines[0]).toBe('npm test');
    expect(lines.at(-1)).toBe('12 passed, 1 failed');
  });

  it('succeeds when the tests do', async () => {
    expect(await run('echo "13 passed, 0 failed"')).toEqual({
      code: 0,
      lines: ['13 passed, 0 failed', '13 passed, 0 failed'],
    });
  });

  it('fails when there is no closing line, whatever npm says', async () => {
    const { code, lines } = await run('echo "nothing ran"');
    expect(code).toBe(1);
    expect(lines.at(-1)).toBe('0 passed, 1 failed');
  });
});
