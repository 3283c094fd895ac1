import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { runProgram } from '../helpers/programs.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';

const PROGRAM = fileURLToPath(new URL('../../systemd/lib/require-share', import.meta.url));

/** Runs it where `findmnt` and `stat` do this; a pause is written down, and takes no time. Its limits are these seconds in place of its own. */
async function requireShare(findmnt: string, stat: string, limit = '60') {
  const folder = await temporaryDirectory();
  const bin = join(folder, 'bin');
  await mkdir(bin);
  const programs = {
    findmnt,
    stat,
    sleep: `echo "$1" >>"${folder}/pauses"`,
    timeout: `shift 2; exec /usr/bin/timeout --kill-after=${limit} ${limit} "$@"`,
  };
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(bin, name), 0o755);
  }
  const { code, said } = await runProgram('env', [`PATH=${bin}:/usr/bin:/bin`, PROGRAM, folder]);
  const pauses = await readFile(join(folder, 'pauses'), 'utf8').catch(() => '');
  return { code, said, pauses: pauses.trim() };
}

it('lets a service start on a share that is mounted and answers', async () => {
  expect(await requireShare('exit 0', 'exit 0')).toEqual({ code: 0, said: '', pauses: '' });
});

it.each([
  ['is not mounted', 'exit 1', 'exit 0', 'Nothing is mounted'],
  ['fails at once', 'exit 0', 'echo "Transport endpoint is not connected" >&2; exit 1', 'not connected'],
])(
  'keeps a service from a share that %s, so slowly that its limit on starts is not reached',
  async (_, findmnt, stat, why) => {
    const { code, said, pauses } = await requireShare(findmnt, stat);
    expect({ code, said, pauses }).toEqual({ code: 1, said: expect.stringContaining(why), pauses: '10' });
  },
);

it('does not wait for a share that hangs', async () => {
  const { code, said } = await requireShare('exit 0', 'exec /bin/sleep 600', '0.2');
  expect({ code, said }).toEqual({ code: 1, said: expect.stringContaining('does not answer') });
});
