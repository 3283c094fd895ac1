import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { say } from '../say.mjs';
import { installDebianPackage } from './debian.mjs';
import { inPath } from './find-program.mjs';

/** What the chaos suite's hosts are made of (docs/chaos.md): a program of each Debian package. */
const PACKAGES = {
  iproute2: 'ip',
  nftables: 'nft',
  'glusterfs-server': 'glusterd',
  'glusterfs-client': 'glusterfs',
  'redis-sentinel': 'redis-sentinel',
};

/**
 * Installs what the chaos suite's hosts need and this machine lacks. A machine that cannot have hosts, such as one where we are not root, can do
 * everything else: the tests that need hosts are skipped there, and say why.
 *
 * @param {{has?: (program: string) => boolean, hasClock?: () => boolean, install?: (name: string) => Promise<string | undefined>}} ways others in tests
 * @returns {Promise<string | undefined>} why the hosts cannot be had, or undefined
 */
export async function installHostParts({
  has = hasProgram,
  hasClock = hasClockLibrary,
  install = installDebianPackage,
} = {}) {
  const missing = Object.entries(PACKAGES)
    .filter(([, program]) => !has(program))
    .map(([name]) => name);
  if (!hasClock()) missing.push('libfaketime');
  for (const name of missing) {
    const fault = await install(name);
    if (fault === undefined) continue;
    say(`  hosts for the chaos suite: none, its tests on real hosts will be skipped (${name}: ${fault})`);
    return fault;
  }
  return undefined;
}

/** Debian keeps programs of the system where not every PATH looks. */
function hasProgram(name) {
  return inPath(name, `${process.env.PATH ?? ''}:/usr/sbin:/sbin`) !== undefined;
}

function hasClockLibrary() {
  const folders = readdirSync('/usr/lib', { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.some((folder) => has(join('/usr/lib', folder.name)));
}

function has(folder) {
  try {
    return readdirSync(join(folder, 'faketime')).some((name) => name.startsWith('libfaketimeMT'));
  } catch {
    return false;
  }
}
