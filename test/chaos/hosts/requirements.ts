import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { readEnv } from '../../../common/env.ts';
import { tryCommand } from './command.ts';

/** What the hosts need besides Node, and the Debian package that brings it. `scripts/setup/chaos.mjs` installs them. */
const PROGRAMS: Readonly<Record<string, string>> = {
  unshare: 'util-linux',
  nsenter: 'util-linux',
  find: 'findutils',
  ip: 'iproute2',
  ss: 'iproute2',
  nft: 'nftables',
  glusterd: 'glusterfs-server',
  gluster: 'glusterfs-cli',
  glusterfs: 'glusterfs-client',
  'redis-server': 'redis-server',
  'redis-cli': 'redis-tools',
  'redis-sentinel': 'redis-sentinel',
};

/**
 * Why hosts cannot be had on this machine, for people, or undefined where they can. Tests that need hosts are skipped then, and
 * print this.
 */
export async function whyNoHosts(): Promise<string | undefined> {
  if (process.platform !== 'linux') return `namespaces need Linux, and this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'network namespaces and mounts need root';
  const missing = Object.entries(PROGRAMS).filter(([program]) => programPath(program) === undefined);
  if (missing.length > 0) {
    const packages = [...new Set(missing.map(([, name]) => name))];
    return `missing: ${missing.map(([program]) => program).join(', ')} (apt-get install --no-install-recommends ${packages.join(' ')})`;
  }
  if (clockLibrary() === undefined) return 'missing: libfaketime (apt-get install libfaketime)';
  if (!usable('/dev/fuse')) return 'there is no /dev/fuse that can be opened';
  // As deep as the hosts go: a bridge with a filter, in namespaces.
  const probe = [
    'ip link add wharf-probe type bridge',
    'nft add table bridge wharf-probe',
    'unshare --pid --fork --mount-proc true',
  ];
  const { code, stderr } = await tryCommand('unshare', [
    '--net',
    '--mount',
    '--uts',
    'sh',
    '-ec',
    probe.join('\n'),
  ]);
  return code === 0 ? undefined : `namespaces, bridges or nftables do not work here: ${stderr.trim()}`;
}

/** Where libfaketime for programs with threads lies. */
export function clockLibrary(): string | undefined {
  return readdirSync('/usr/lib')
    .map((name) => join('/usr/lib', name, 'faketime/libfaketimeMT.so.1'))
    .find(usable);
}

/** Where a program is: in PATH, or where Debian keeps those of the system. */
function programPath(name: string): string | undefined {
  const folders = [...(readEnv()['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, name)).find(usable);
}

function usable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
