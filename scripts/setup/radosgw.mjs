import { say } from '../say.mjs';
import { installDebianPackage } from './debian.mjs';
import { inPath } from './find-program.mjs';

/** What the S3 server of tests is made of (test/helpers/radosgw.ts): a program of each Debian package. */
const PACKAGES = {
  'ceph-mon': 'ceph-mon',
  'ceph-osd': 'ceph-osd',
  radosgw: 'radosgw',
  'ceph-common': 'ceph',
};

/**
 * Installs the S3 server of tests where it is missing. Without it all else can be tested: what needs one is skipped, and says why.
 *
 * @param {{has?: (program: string) => boolean, install?: (name: string) => Promise<string | undefined>}} ways others in tests
 * @returns {Promise<string | undefined>} why it cannot be had, or undefined
 */
export async function installRadosgw({
  has = (program) => inPath(program) !== undefined,
  install = installDebianPackage,
} = {}) {
  for (const [name, program] of Object.entries(PACKAGES)) {
    if (has(program)) continue;
    const fault = await install(name);
    if (fault === undefined) continue;
    say(`  an S3 server: none, its tests will be skipped (${name}: ${fault})`);
    return fault;
  }
  return undefined;
}
