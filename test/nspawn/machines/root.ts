import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { readEnv } from '../../../common/env.ts';
import { command, tryCommand } from '../../chaos/hosts/command.ts';

/** What a machine has beyond Debian's minimal base: systemd, what Wharf's package depends on, and what an operator would add. */
const PACKAGES = [
  'systemd',
  'systemd-sysv',
  'libnss-systemd',
  'dbus',
  'iproute2',
  'procps',
  'adduser',
  'ca-certificates',
  'curl',
  'openssl',
  'libstdc++6',
  'chromium-headless-shell',
  'redis-server',
  'glusterfs-server',
  'glusterfs-client',
];

/** What the proof needs of this machine, and the Debian package that brings it. */
const PROGRAMS: Readonly<Record<string, string>> = {
  'systemd-nspawn': 'systemd-container',
  mmdebstrap: 'mmdebstrap',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  ip: 'iproute2',
  'dpkg-deb': 'dpkg',
};

/** Why machines cannot be had here, for people; undefined where they can. */
export async function whyNoMachines(): Promise<string | undefined> {
  if (process.platform !== 'linux') return `machines need Linux, and this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'namespaces and mounts need root';
  const missing: string[] = [];
  for (const [program, name] of Object.entries(PROGRAMS))
    if ((await tryCommand('which', [program])).code !== 0) missing.push(name);
  if (missing.length > 0)
    return `missing: apt-get install --no-install-recommends ${[...new Set(missing)].join(' ')}`;
  return existsSync('/dev/fuse') ? undefined : 'there is no /dev/fuse';
}

/** A Debian system that machines are made of. */
export interface DebianRoot {
  /** Its directory; never written to. */
  directory: string;
  /** Versions of what is installed, by package. */
  versions: Readonly<Record<string, string>>;
}

/**
 * A Debian system with systemd, Chromium, Redis and GlusterFS, made by mmdebstrap from the same packages that this machine uses, kept in the
 * user's cache directory.
 */
export async function debianRoot(say: (line: string) => void): Promise<DebianRoot> {
  const wanted = ['Created-By: Packages', 'Origin: Debian'];
  const format = 'deb $(SITE) $(RELEASE) $(COMPONENT)';
  const sources = await command('apt-get', ['indextargets', '--format', format, ...wanted]);
  const browser = await command('apt-cache', ['show', '--no-all-versions', 'chromium-headless-shell']);
  const key = createHash('sha256')
    .update([sources, browser, ...PACKAGES].join('\n'))
    .digest('hex');
  const cache = join(readEnv()['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'wharf', 'nspawn');
  const directory = join(cache, key.slice(0, 16));
  if (!existsSync(directory)) await makeRoot(directory, sources, say);
  return { directory, versions: await versionsIn(directory) };
}

async function makeRoot(directory: string, sources: string, say: (line: string) => void): Promise<void> {
  say('makes the Debian system of the machines (once, about a minute)');
  await mkdir(dirname(directory), { recursive: true });
  const draft = await mkdtemp(`${directory}.`);
  try {
    const root = join(draft, 'root');
    const release = /^VERSION_CODENAME=(\S+)$/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1];
    const args = ['--quiet', '--mode=root', '--variant=minbase', `--include=${PACKAGES.join(',')}`];
    await command('mmdebstrap', [...args, release ?? 'stable', root, '-'], sources);
    await prepare(root);
    await rename(root, directory);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** What is the same on all machines: their network is up before what needs it, and the journal outlives a boot. */
async function prepare(root: string): Promise<void> {
  await command('systemctl', ['--root', root, 'enable', 'systemd-networkd.service']);
  // A machine starts the services that it is told to.
  await command('systemctl', ['--root', root, 'disable', 'redis-server.service']);
  await mkdir(join(root, 'var/log/journal'), { recursive: true });
  // No machine of the proof has the time of day from anywhere but the kernel they share.
  await symlink('/dev/null', join(root, 'etc/systemd/system/systemd-timesyncd.service')).catch(() => {});
  await writeFile(join(root, 'etc/resolv.conf'), '');
}

async function versionsIn(root: string): Promise<Record<string, string>> {
  const shown = await command('dpkg-query', [`--admindir=${root}/var/lib/dpkg`, '-W']);
  const lines = shown.trim().split('\n');
  return Object.fromEntries(lines.map((line) => line.replace(/:\w+\t/, '\t').split('\t')));
}
