import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { missingPrograms, runProgram } from '../helpers/programs.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';

const PROGRAM = fileURLToPath(new URL('../../systemd/sbin/wharf-upgrade', import.meta.url));

const missing = missingPrograms(['bash', 'flock']);
if (missing.length > 0) process.stderr.write(`wharf-upgrade is not run: no ${missing.join(', ')}\n`);

/** Runs `wharf-upgrade --restart` on a machine of three instances, whose state lies in a directory; programs in place of systemd and Wharf. */
async function upgrade(wharf: string) {
  const folder = await temporaryDirectory();
  const bin = join(folder, 'bin');
  await mkdir(bin);
  const units = [1, 2, 3].map((number) => `wharf-instance@${number}.service loaded active running`);
  const programs = {
    id: 'echo 0',
    systemctl: `case "$1" in list-units) printf '%s\\n' ${units.map((unit) => `'${unit}'`).join(' ')} ;; esac`,
    wharf: `echo "$*" >>"${folder}/calls"\n${wharf}`,
    'dpkg-query': 'echo wharf 1.2.3',
  };
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(bin, name), 0o755);
  }
  const text = (await readFile(PROGRAM, 'utf8'))
    .replace('STATE=/run/wharf-upgrade', `STATE=${folder}/state`)
    .replace('/run/lock/wharf-upgrade', `${folder}/lock`)
    .replace('NODE=/usr/lib/wharf/node/bin/node', `NODE=${process.execPath}`);
  const program = join(folder, 'wharf-upgrade');
  await writeFile(program, text);
  const { code, said } = await runProgram('env', [`PATH=${bin}:/usr/bin:/bin`, 'bash', program, '--restart']);
  const calls = (await readFile(join(folder, 'calls'), 'utf8')).trim().split('\n');
  return { code, said, calls: calls.filter((call) => !call.startsWith('status')) };
}

const DRAINING = `[ "$1" != status ] || echo '{"fleet":{"draining":["instance-1"]}}'`;

it.skipIf(missing.length > 0)(
  'takes back what it began to drain where another instance is refused',
  async () => {
    const { code, said, calls } = await upgrade(`${DRAINING}\n[ "$*" != "drain instance-3 --no-wait" ]`);
    expect(code, said).toBe(1);
    expect(said).toContain('instance-3 cannot be drained');
    // Not instance-1, which somebody drained before; but the refused one, of which the answer may be all that failed.
    expect(calls).toEqual([
      'drain instance-1 --no-wait',
      'drain instance-2 --no-wait',
      'drain instance-3 --no-wait',
      'undrain instance-2',
      'undrain instance-3',
    ]);
  },
);

it.skipIf(missing.length > 0)(
  'drains all before it stops the first, and takes back the drains that it made',
  async () => {
    const { code, said, calls } = await upgrade(DRAINING);
    expect(code, said).toBe(0);
    const each = (words: string, end = '') => [1, 2, 3].map((number) => `${words} instance-${number}${end}`);
    // Not that of instance-1, which somebody drained before.
    expect(calls).toEqual([
      ...each('drain', ' --no-wait'),
      ...each('drain'),
      ...each('undrain').slice(1),
      'rebalance',
    ]);
    expect(said).toContain('instance-1 was drained before, and stays so');
  },
);
