import { say } from '../say.mjs';
import { installDebianPackage } from './debian.mjs';
import { inPath } from './find-program.mjs';

/**
 * Installs shellcheck, which looks at the scripts of the Debian package, where it is missing. Without it all else can be tested.
 *
 * @param {{has?: (program: string) => boolean, install?: (name: string) => Promise<string | undefined>}} ways others in tests
 * @returns {Promise<string | undefined>} why it cannot be had, or undefined
 */
export async function installShellcheck({
  has = (program) => inPath(program) !== undefined,
  install = installDebianPackage,
} = {}) {
  if (has('shellcheck')) return undefined;
  const fault = await install('shellcheck');
  if (fault !== undefined) say(`  shellcheck: none, scripts of the package will not be checked (${fault})`);
  return fault;
}
