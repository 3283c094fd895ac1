import { say } from '../say.mjs';
import { installDebianPackage } from './debian.mjs';
import { inPath } from './find-program.mjs';

/** What the rules, the configurations and the dashboards of infra/ are tried with: a program of each Debian package. */
const PACKAGES = {
  prometheus: 'promtool',
  'prometheus-alertmanager': 'amtool',
  'prometheus-blackbox-exporter': 'prometheus-blackbox-exporter',
  'prometheus-redis-exporter': 'prometheus-redis-exporter',
};

/**
 * Installs Prometheus and what belongs to it where that is missing. Without it all else can be tested: what needs it is skipped, and says why.
 *
 * @param {{has?: (program: string) => boolean, install?: (name: string) => Promise<string | undefined>}} ways others in tests
 * @returns {Promise<string | undefined>} why it cannot be had, or undefined
 */
export async function installPrometheus({
  has = (program) => inPath(program) !== undefined,
  install = installDebianPackage,
} = {}) {
  for (const [name, program] of Object.entries(PACKAGES)) {
    if (has(program)) continue;
    const fault = await install(name);
    if (fault === undefined) continue;
    say(`  Prometheus: none, tests of its rules will be skipped (${name}: ${fault})`);
    return fault;
  }
  return undefined;
}
