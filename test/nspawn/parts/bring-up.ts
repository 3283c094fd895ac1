import type { Fleet } from '../machines/fleet.ts';
import type { Machine } from '../machines/machine.ts';
import type { Results } from '../results.ts';

/** Where the machines' shared storage is kept by the file server. */
const BRICK = '/srv/brick';

/** What every machine is told, in /etc/wharf. */
type Settings = Readonly<Record<string, string>>;

/** All machines are booted, the hub's Redis and file server started. */
export async function boot(fleet: Fleet, results: Results): Promise<void> {
  for (const machine of fleet.machines)
    results.took('boot', 'a machine boots', (await machine.boot()) / 1000);
  await fleet.hub.sh(`
    printf '%s\\n' 'bind 0.0.0.0' 'protected-mode no' 'appendonly yes' 'appendfsync always' 'maxmemory-policy noeviction' >>/etc/redis/redis.conf
    systemctl enable --now redis-server glusterd
    mkdir -p ${BRICK}
    gluster volume create wharf hub:${BRICK} force
    gluster volume start wharf
  `);
}

/** The package is installed on all machines, from a file, with nothing fetched. */
export async function install(fleet: Fleet, results: Results, file: string): Promise<void> {
  for (const machine of fleet.machines)
    await results.timed('install', 'the package is installed', async () => {
      await machine.run(['apt-get', 'install', '-y', '--no-install-recommends', `/srv/packages/${file}`]);
    });
  for (const machine of fleet.machines) {
    const failed = await machine.run(['systemctl', '--failed', '--no-legend', '--plain']);
    results.rule(
      failed.trim() === '',
      `after the installation units have failed on ${machine.name}: ${failed}`,
    );
  }
}

/** Writes the settings, as docs/deployment.md has it done, and starts all of Wharf on all machines. */
export async function start(fleet: Fleet, results: Results): Promise<void> {
  const common = (machine: Machine): Settings => ({
    REDIS_URL: 'redis://hub:6379',
    WHARF_INTERNAL_TOKEN: fleet.secrets.token,
    WHATSAPP_INSTANCE_COUNT: '2',
    BIND_ADDRESS: machine.address,
  });
  for (const machine of fleet.machines) {
    await realBootIds(machine);
    await mountShare(machine);
    await settings(machine, 'wharf', common(machine));
  }
  await settings(fleet.hub, 'router', { WHARF_ADMIN_KEY: fleet.secrets.adminKey });
  await settings(fleet.hub, 'backup', { BACKUP_DIRECTORY: '/var/lib/wharf/backups' });
  await fleet.hub.run([
    'install',
    '-d',
    '-o',
    'wharf',
    '-g',
    'wharf',
    '-m',
    '0700',
    '/var/lib/wharf/backups',
  ]);
  const browsers = { ...fleet.emulator.settings, WHARF_CHROMIUM_SANDBOX: 'on' };
  for (const machine of [fleet.one, fleet.two]) await settings(machine, 'instance', browsers);
  await fleet.hub.run(['systemctl', 'start', 'mnt-wharf.mount']);
  await fleet.hub.run(['install', '-d', '-o', 'wharf', '-g', 'wharf', '-m', '0700', '/mnt/wharf/sessions']);
  const enabled: [Machine, string[]][] = [
    [fleet.hub, ['wharf-router.service', 'wharf-backup.service']],
    [fleet.one, ['wharf-instance@1.service']],
    [fleet.two, ['wharf-instance@2.service']],
  ];
  for (const [machine, services] of enabled) {
    await machine.run(['systemctl', 'enable', 'wharf.target', 'mnt-wharf.mount', ...services]);
    await results.timed('start', 'wharf.target starts, all of it ready', async () => {
      await machine.run(['systemctl', 'start', 'wharf.target', ...services]);
    });
  }
  await fleet.api.until('/ready', () => true);
}

/** What each machine's doctor says; every check has to be `ok`. */
export async function doctors(fleet: Fleet, results: Results): Promise<void> {
  for (const machine of fleet.machines) {
    const { code, stdout, stderr } = await machine.try(['wharf-doctor']);
    process.stdout.write(`\nwharf-doctor on ${machine.name}:\n${stdout}${stderr}\n`);
    results.rule(code === 0, `wharf-doctor on ${machine.name} ended with ${code}`);
  }
}

/** Adds lines to a file of settings: the last of a name counts. */
async function settings(machine: Machine, name: string, values: Settings): Promise<void> {
  const lines = Object.entries(values).map(([key, value]) => `${key}=${value}\n`);
  await machine.run(['sh', '-ec', `cat >>/etc/wharf/${name}.env`], lines.join(''));
}

/** The share's mount unit, made of the package's example for GlusterFS as its comments say. */
async function mountShare(machine: Machine): Promise<void> {
  await machine.sh(`
    example=$(dpkg -L wharf | grep 'glusterfs/mnt-wharf.mount$')
    sed -e 's#^What=.*#What=hub:/wharf#' -e 's#backup-volfile-servers=[^,]*,##' "$example" >/etc/systemd/system/mnt-wharf.mount
    systemctl daemon-reload
  `);
}

/**
 * systemd-nspawn gives each machine a boot id of its own by mounting over the kernel's; a unit with ProtectKernelTunables= sees what is below, the id of this
 * machine, which they all share. So the units are shown what the rest of their machine sees, as on a machine with a kernel of its own.
 */
async function realBootIds(machine: Machine): Promise<void> {
  await machine.sh(`
    echo 'C /run/boot-id 0444 - - - /proc/sys/kernel/random/boot_id' >/etc/tmpfiles.d/boot-id.conf
    systemd-tmpfiles --create boot-id.conf
    mkdir -p /etc/systemd/system/wharf-.service.d
    printf '[Service]\\nBindReadOnlyPaths=/run/boot-id:/proc/sys/kernel/random/boot_id\\n' >/etc/systemd/system/wharf-.service.d/boot-id.conf
    systemctl daemon-reload
  `);
}
