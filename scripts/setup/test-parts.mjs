import { say } from '../say.mjs';
import { installDebianPackage } from './debian.mjs';
import { inPath } from './find-program.mjs';

/**
 * What tests are made with that a machine may lack: of each part a program of each of its Debian packages, and what is not tested without it.
 *
 * @type {{what: string, without: string, packages: Record<string, string>}[]}
 */
export const TEST_PARTS = [
  {
    what: 'an S3 server',
    without: 'its tests will be skipped',
    packages: { 'ceph-mon': 'ceph-mon', 'ceph-osd': 'ceph-osd', radosgw: 'radosgw', 'ceph-common': 'ceph' },
  },
  {
    what: 'Prometheus',
    without: 'tests of its rules will be skipped',
    packages: {
      prometheus: 'promtool',
      'prometheus-alertmanager': 'amtool',
      'prometheus-blackbox-exporter': 'prometheus-blackbox-exporter',
      'prometheus-redis-exporter': 'prometheus-redis-exporter',
    },
  },
  { what: 'nginx', without: 'its tests will be skipped', packages: { nginx: 'nginx' } },
  { what: 'rsync', without: 'a part of the runbook will not be run', packages: { rsync: 'rsync' } },
  {
    what: 'shellcheck',
    without: 'scripts of the package will not be checked',
    packages: { shellcheck: 'shellcheck' },
  },
];

/**
 * Installs a part where it is missing. Without it all else can be tested: what needs it is skipped, and says why.
 *
 * @param {(typeof TEST_PARTS)[number]} part
 * @param {{has?: (program: string) => boolean, install?: (name: string) => Promise<string | undefined>}} ways others in tests
 * @returns {Promise<string | undefined>} why it cannot be had, or undefined
 */
export async function installTestPart(
  { what, without, packages },
  { has = (program) => inPath(program) !== undefined, install = installDebianPackage } = {},
) {
  for (const [name, program] of Object.entries(packages)) {
    if (has(program)) continue;
    const fault = await install(name);
    if (fault === undefined) continue;
    say(`  ${what}: none, ${without} (${name}: ${fault})`);
    return fault;
  }
  return undefined;
}
