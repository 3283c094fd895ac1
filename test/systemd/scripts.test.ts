import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { missingPrograms, runProgram } from '../helpers/programs.ts';

const SYSTEMD = fileURLToPath(new URL('../../systemd', import.meta.url));

const missing = missingPrograms(['shellcheck']);
if (missing.length > 0)
  process.stderr.write('scripts of the package are not checked: shellcheck is not installed\n');

async function scripts(): Promise<string[]> {
  const folders = await Promise.all(
    ['bin', 'sbin', 'lib', 'debian'].map(async (folder) =>
      (await readdir(join(SYSTEMD, folder))).map((name) => join(SYSTEMD, folder, name)),
    ),
  );
  const data = /\/(copyright|lintian-overrides)$/;
  return [...folders.flat().filter((path) => !data.test(path)), join(SYSTEMD, 'install.sh')];
}

it.skipIf(missing.length > 0)('shellcheck has nothing to say of any script', async () => {
  const paths = await scripts();
  expect(paths.length).toBeGreaterThan(8);
  expect(await runProgram('shellcheck', paths)).toEqual({ code: 0, said: '' });
});

describe('wharf-install', () => {
  const install = (...args: string[]) => runProgram('bash', [join(SYSTEMD, 'install.sh'), ...args]);

  it.each([
    [['--router', '--frobnicate'], 'unknown option --frobnicate'],
    [['--instances'], '--instances needs a value'],
    [['--instances', '1,x'], '--instances is a list'],
    [['--instances', '0'], '--instances is a list'],
    [['--router', '--count', 'many'], '--count is a number'],
    [['--router', '--share', 'smb:server'], '--share is'],
    [['--backup', '--backup-bucket', 'b', '--backup-directory', '/d'], 'not in both'],
    [['--redis', 'redis://localhost:6379'], 'say what this machine does'],
    [['--router', '--redis', 'redis://:a\\b@localhost'], '--redis has a character'],
    [['--router', '--bind', '10.0.0.1 10.0.0.2'], '--bind has a character'],
  ])('refuses %j, and says why', async (args, why) => {
    const { code, said } = await install('--dry-run', ...args);
    expect({ code, said }).toEqual({ code: 2, said: expect.stringContaining(why) });
  });

  it('says with --dry-run what it would do, and no secret', async () => {
    const { code, said } = await install(
      '--dry-run',
      ...['--router', '--instances', '2-3,7', '--share', 'nfs:files.internal:/wharf'],
      ...['--redis', 'redis://10.0.0.5:6379', '--bind', '10.0.0.12'],
    );
    expect(code).toBe(0);
    for (const line of [
      'would set REDIS_URL in /etc/wharf/wharf.env',
      'would set WHARF_INTERNAL_TOKEN in /etc/wharf/wharf.env',
      'would set BIND_ADDRESS in /etc/wharf/instance.env',
      'would set PORT in /etc/wharf/instance-7.env',
      'would write /etc/systemd/system/wharf-instance@.service.d/10-memory.conf',
      'would run: systemctl enable wharf.target wharf-router.service wharf-instance@2.service wharf-instance@3.service wharf-instance@7.service',
      'nothing was done',
    ])
      expect(said).toContain(line);
    expect(said).not.toContain('10.0.0.5');
    expect(said).not.toMatch(/[0-9a-f]{48}/);
  });
});
