import type { Fleet } from '../machines/fleet.ts';
import type { Machine } from '../machines/machine.ts';
import type { Packages } from '../machines/packages.ts';
import type { Results } from '../results.ts';

/** Where the machines' shared storage is kept by the file server. */
const BRICK = '/srv/brick';

/** All machines are booted, the hub's Redis, and its file server if that is wanted, started. */
export async function boot(fleet: Fleet, results: Results): Promise<void> {
  for (const machine of fleet.machines)
    results.took('boot', 'a machine boots', (await machine.boot()) / 1000);
  await fleet.hub.sh(`
    printf '%s\\n' 'bind 0.0.0.0' 'protected-mode no' 'appendonly yes' 'appendfsync always' 'maxmemory-policy noeviction' >>/etc/redis/redis.conf
    systemctl enable --now redis-server
  `);
  if (fleet.share === 'local') return;
  await fleet.hub.sh(`
    systemctl enable --now glusterd
    mkdir -p ${BRICK}
    gluster volume create wharf hub:${BRICK} force
    gluster volume start wharf
  `);
}

/** The installer of the package gives each machine its part, from files, with nothing fetched; then all of Wharf is started. */
export async function install(fleet: Fleet, results: Results, packages: Packages): Promise<void> {
  const share = fleet.share === 'local' ? 'local' : 'glusterfs:hub:/wharf';
  let said = '';
  const installer = async (machine: Machine, ...options: string[]) => {
    const given = ['--package', `/srv/packages/${packages.first}`, '--bind', machine.address, '--count', '2'];
    const fleetWide = ['--redis', 'redis://hub:6379', '--share', share];
    const argv = ['bash', '/srv/packages/install.sh', ...given, ...fleetWide, ...options];
    await results.timed('install', 'wharf-install: package, share, settings, units, doctor', async () => {
      said += await machine.run(argv);
    });
  };
  for (const machine of fleet.machines) await realBootIds(machine);
  await installer(fleet.hub, '--router', '--backup', '--backup-directory', '/var/backups/wharf');
  fleet.secrets.token = await settingOf(fleet.hub, 'wharf', 'WHARF_INTERNAL_TOKEN');
  fleet.secrets.adminKey = await settingOf(fleet.hub, 'command', 'WHARF_API_KEY');
  for (const [index, machine] of [fleet.one, fleet.two].entries()) {
    await machine.run(
      ['sh', '-ec', 'umask 077; cat >/root/token'],
      `WHARF_INTERNAL_TOKEN=${fleet.secrets.token}\n`,
    );
    // Where WhatsApp is in this proof is said before anything starts.
    await installer(machine, '--instances', String(index + 1), '--token-file', '/root/token', '--no-start');
    await settings(machine, 'instance', fleet.emulator.settings);
    await settings(machine, 'command', { WHARF_URL: fleet.url, WHARF_API_KEY: fleet.secrets.adminKey });
    await results.timed('start', 'an instance is started: ready', async () => {
      await machine.run(['systemctl', 'start', 'wharf.target', `wharf-instance@${index + 1}.service`]);
    });
  }
  for (const machine of fleet.machines) {
    const failed = await machine.run(['systemctl', '--failed', '--no-legend', '--plain']);
    results.rule(failed.trim() === '', `units have failed on ${machine.name}: ${failed}`);
  }
  for (const [what, secret] of Object.entries(fleet.secrets))
    results.rule(!said.includes(secret), `the installer printed the ${what}`);
  await fleet.api.until('/ready', () => true);
}

/** The installer, called again, finds everything as it should be, and starts nothing anew. */
export async function installAgain(fleet: Fleet, results: Results): Promise<void> {
  for (const unit of fleet.instances) {
    const before = await unit.state();
    const files = async () => await unit.machine.sh('cd /etc/wharf && sha256sum *');
    const settingsBefore = await files();
    await unit.machine.run(['wharf-install', '--instances', /\d/.exec(unit.name)?.[0] ?? '']);
    results.rule((await unit.state()).pid === before.pid, 'a second wharf-install started the instance anew');
    results.rule((await files()) === settingsBefore, 'a second wharf-install changed settings');
  }
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
async function settings(
  machine: Machine,
  name: string,
  values: Readonly<Record<string, string>>,
): Promise<void> {
  const lines = Object.entries(values).map(([key, value]) => `${key}=${value}\n`);
  await machine.run(['sh', '-ec', `cat >>/etc/wharf/${name}.env`], lines.join(''));
}

async function settingOf(machine: Machine, file: string, name: string): Promise<string> {
  const text = await machine.run(['cat', `/etc/wharf/${file}.env`]);
  const value = new RegExp(`^${name}=(.+)$`, 'm').exec(text)?.[1];
  if (value === undefined) throw new Error(`/etc/wharf/${file}.env on ${machine.name} has no ${name}`);
  return value;
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
