import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { head, run } from '../command.mjs';
import { root } from '../paths.mjs';
import { SetupError, step } from '../say.mjs';

/**
 * Installs the packages of package-lock.json, unless exactly they are there already.
 *
 * @param {string} folder the repository's; another in tests
 * @throws SetupError with the end of what npm said
 */
export async function installPackages(folder = root) {
  const stampFile = join(folder, 'node_modules/.wharf-packages');
  const wanted = stampOf(folder);
  if (read(stampFile) === wanted) return;
  if (!installedByNpm(folder)) {
    await step('Node packages: npm ci', () => install(folder));
  }
  writeFileSync(stampFile, wanted);
}

/**
 * npm 11 refuses a lock file that lacks packages of other platforms (EUSAGE), which one has that was made with a registry without
 * them; `npm install --no-save` takes from it what it has, just as exactly, and leaves it alone.
 */
async function install(folder) {
  // A browser is looked for afterwards: a download that is refused must not fail the packages.
  const env = { ...process.env, PUPPETEER_SKIP_DOWNLOAD: '1' };
  const npm = (...args) =>
    run('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder, env });
  let result = await npm('ci');
  if (result.code !== 0 && /\bEUSAGE\b/.test(result.output)) result = await npm('install', '--no-save');
  if (result.code === 0) return;
  throw new SetupError(
    `npm could not install the packages in ${folder}. It needs the npm registry, or a cache of it. It said:\n${head(result.output)}`,
  );
}

/** The lock file's hash, and the platform: packages with binaries differ by it. */
function stampOf(folder) {
  const hash = createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex');
  return `${hash} ${process.platform} ${process.arch}\n`;
}

/**
 * Whether somebody ran `npm ci` already: npm leaves a list of what it installed in node_modules, without what is optional and for other platforms.
 */
function installedByNpm(folder) {
  const installed = packagesOf(join(folder, 'node_modules/.package-lock.json'));
  const wanted = packagesOf(join(folder, 'package-lock.json'));
  if (installed === undefined || wanted === undefined) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const found = installed[path];
    return found === undefined
      ? entry.optional === true
      : found.version === entry.version && found.integrity === entry.integrity;
  });
}

function packagesOf(file) {
  const text = read(file);
  return text === undefined ? undefined : JSON.parse(text).packages;
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
