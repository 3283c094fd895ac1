import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../paths.mjs';
import { SetupError } from '../say.mjs';
import { installPackages } from '../setup/packages.mjs';

/** Debian's names of the architectures Node is there for. */
const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64' };

/**
 * The Node that the package carries: from npm, in the version and with the hash that systemd/node/package-lock.json names. Fetched once.
 *
 * @returns {Promise<{binary: string, license: string, architecture: string}>} paths in the repository's folder
 * @throws SetupError where there is none for this machine
 */
export async function carriedNode() {
  const architecture = ARCHITECTURES[process.arch];
  if (architecture === undefined)
    throw new SetupError(`A package can be built on x64 and arm64; this machine is ${process.arch}.`);
  const folder = '.wharf/package-node';
  mkdirSync(join(root, folder), { recursive: true });
  for (const file of ['package.json', 'package-lock.json'])
    copyFileSync(join(root, 'systemd/node', file), join(root, folder, file));
  await installPackages(join(root, folder));
  const home = `${folder}/node_modules/node-linux-${process.arch}`;
  if (!existsSync(join(root, home, 'bin/node')))
    throw new SetupError(`npm installed no ${home}: is node-linux-${process.arch} in its registry?`);
  return { binary: `${home}/bin/node`, license: `${home}/LICENSE`, architecture };
}
