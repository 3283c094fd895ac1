import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runProgram } from '../helpers/programs.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const overlays = await runProgram('unshare', [
  '--mount',
  'bash',
  '-c',
  'd=$(mktemp -d) && trap "umount -l $d; rmdir $d" EXIT && mount -t tmpfs none $d && mkdir $d/a $d/u && mount -t overlay -o ro,lowerdir=$d/a:/usr overlay $d/u && umount $d/u',
]).catch((error: Error) => ({ code: 1, said: error.message }));
const missing = overlays.code === 0 ? undefined : overlays.said.trim();
if (missing !== undefined)
  process.stderr.write(`wharf-install is not run: no machine can be pretended (${missing})\n`);

/** Runs wharf-install, once for each list of arguments, on a machine that was just given the package. */
async function install(...calls: string[][]) {
  const { code, said } = await runProgram('unshare', [
    '--mount',
    '--fork',
    'bash',
    here('pretended-machine.sh'),
    await temporaryDirectory(),
    here('../../systemd'),
    ...calls.flatMap((args, index) => (index === 0 ? args : ['--', ...args])),
  ]);
  expect(code, said).toBe(0);
  const [output = '', ...parts] = said.split(/^== [a-z]+\n/m);
  const [told = [], settings = [], modes = [], units = []] = parts.map((part) => part.trim().split('\n'));
  return { output, told, settings, modes, units };
}

const ONE_MACHINE = [
  ...['--router', '--instances', '1-2', '--backup', '--count', '2', '--share', 'local', '--bind', '10.0.0.7'],
  ...['--redis', 'redis://:a%26b%7Cc@localhost:6379', '--backup-directory', '/var/backups/wharf'],
];

describe.skipIf(missing !== undefined)('wharf-install', () => {
  it('makes settings, units and keys of what it is told, starts all, and asks the doctor', async () => {
    const { told, settings, modes, units, output } = await install(ONE_MACHINE);
    expect(settings).toEqual(
      expect.arrayContaining([
        './wharf.env:REDIS_URL=redis://:a%26b%7Cc@localhost:6379',
        './wharf.env:WHATSAPP_INSTANCE_COUNT=2',
        expect.stringMatching(/^\.\/wharf\.env:WHARF_INTERNAL_TOKEN=[0-9a-f]{48}$/),
        './instance.env:BIND_ADDRESS=10.0.0.7',
        './instance-1.env:PORT=3001',
        './instance-2.env:PORT=3002',
        './backup.env:BACKUP_DIRECTORY=/var/backups/wharf',
        './command.env:WHARF_API_KEY=made-by-the-router',
      ]),
    );
    expect(settings.filter((line) => line.includes('WHARF_ADMIN_KEY'))).toEqual([]);
    expect(modes).toEqual(expect.arrayContaining(['./wharf.env 640 0:870', './instance-2.env 640 0:870']));
    expect(modes).toContain('mnt/wharf/sessions 700 870:870');
    expect(units).toEqual(
      expect.arrayContaining([
        './mnt-wharf.mount:What=/var/lib/wharf-share',
        './wharf-instance@.service.d/10-memory.conf:MemoryMax=40%',
        './wharf-backup.service.d/10-directory.conf:ReadWritePaths=/var/backups/wharf',
      ]),
    );
    const all =
      'wharf.target wharf-router.service wharf-instance@1.service wharf-instance@2.service wharf-backup.service';
    expect(told.filter((line) => !/daemon-reload|apt-get/.test(line)).slice(-7)).toEqual([
      'systemctl enable --now mnt-wharf.mount',
      `systemctl enable ${all}`,
      `systemctl start ${all}`,
      'systemctl restart wharf-router.service',
      'wharf keys create with a key',
      'systemctl restart wharf-router.service',
      'wharf-doctor',
    ]);
    for (const secret of [/[0-9a-f]{48}/, /a%26b/, /made-by/]) expect(output).not.toMatch(secret);
  });

  it('run again, changes what it is told to and nothing else, and restarts nothing', async () => {
    const once = await install(ONE_MACHINE);
    const twice = await install(ONE_MACHINE, ['--router', '--instances', '1,2', '--count', '3']);
    const token = /TOKEN=.*/;
    const known = (lines: string[]) => lines.map((line) => line.replace(token, 'TOKEN'));
    expect(known(twice.settings)).toEqual(
      known(once.settings).map((line) => line.replace('COUNT=2', 'COUNT=3')),
    );
    expect(twice.units).toEqual(once.units);
    expect(twice.told.filter((line) => line.includes('restart')).length).toBe(2);
  });

  it("takes the fleet's token from another machine's settings, and the servers of a share", async () => {
    const { settings, units } = await install([
      ...['--instances', '3', '--share', 'glusterfs:gluster1:/wharf', '--token-file', '/other.env'],
    ]);
    expect(settings).toContain('./wharf.env:WHARF_INTERNAL_TOKEN=token-of-another-machine_0123456789');
    expect(settings).toContain('./instance-3.env:PORT=3003');
    expect(units).toContain('./mnt-wharf.mount:What=gluster1:/wharf');
    expect(units.join()).not.toContain('SERVER');
  });

  it.each(['a&b', 'a|b', 'a;b', 'a`b', 'a(b', 'a>b', 'a#b', 'a~b', 'a$b', 'a b'])(
    'refuses a password that a shell would take apart: %s',
    async (password) => {
      const { output, settings } = await install([
        '--router',
        '--redis',
        `redis://:${password}@localhost:6379`,
      ]);
      expect(output).toContain('percent-encoded');
      expect(output).toContain('exit code 2');
      expect(settings.join()).not.toContain(password);
    },
  );

  it('takes a package whose version has a ~', async () => {
    const { output } = await install(['--router', '--package', '/wharf_1.0.0~rc1_amd64.deb']);
    expect(output).toContain('/wharf_1.0.0~rc1_amd64.deb cannot be read');
  });

  it('goes no further where nothing is mounted', async () => {
    const { output } = await install(['--router', '--share', 'mounted']);
    expect(output).toContain('nothing is mounted at /mnt/wharf');
    expect(output).toContain('exit code 1');
  });
});
