import { join } from 'node:path';
import { runBuild } from './build/all.mjs';
import { withLock } from './lock.mjs';
import { dist } from './paths.mjs';
import { findOrInstallChromium } from './setup/chromium.mjs';
import { checkNodeVersion } from './setup/node-version.mjs';
import { installPackages } from './setup/packages.mjs';
import { findOrInstallRedis } from './setup/redis.mjs';

/** Node itself and the packages of package-lock.json. */
export function setUpPackages() {
  checkNodeVersion(process.versions.node);
  return withLock(join(dist, '.lock'), installPackages);
}

/**
 * Everything a run needs: Node packages, Chromium, Redis, the build. What is there already costs nothing.
 * Where Chromium and Redis were found goes into this process's environment, so that its children find them too.
 *
 * @throws SetupError that says what is missing and which ways there are to get it
 */
export async function prepare() {
  await setUpPackages();
  await withLock(join(dist, '.lock'), async () => {
    process.env.CHROMIUM_PATH = await findOrInstallChromium();
    await findOrInstallRedis();
  });
  await runBuild();
}
