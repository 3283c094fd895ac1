import { say } from '../say.mjs';
import { installDebianPackage } from './debian.mjs';
import { inPath } from './find-program.mjs';

/** What operators have on their machines and documents speak of: a program of each Debian package. */
const PACKAGES = { nginx: 'nginx', rsync: 'rsync' };

/**
 * Installs what the tests of infra/nginx and of the runbook need and this machine lacks. Without it those tests are skipped, and say why.
 *
 * @param {{has?: (program: string) => boolean, install?: (name: string) => Promise<string | undefined>}} ways others in tests
 * @returns {Promise<string[]>} the programs that cannot be had
 */
export async function installOperatorsTools({
  has = (program) => inPath(program) !== undefined,
  install = installDebianPackage,
} = {}) {
  const absent = [];
  for (const [name, program] of Object.entries(PACKAGES)) {
    if (has(program)) continue;
    const fault = await install(name);
    if (fault === undefined) continue;
    say(`  ${program}: none, its tests will be skipped (${fault})`);
    absent.push(program);
  }
  return absent;
}
