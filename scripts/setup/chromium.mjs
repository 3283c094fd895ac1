import { readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { excerpt, run } from '../command.mjs';
import { root } from '../paths.mjs';
import { attempt, SetupError, say } from '../say.mjs';
import { installDebianPackage } from './debian.mjs';
import { inPath, isProgram } from './find-program.mjs';

/** Debian's binary. What it puts into /usr/bin is a shell wrapper: to kill that one leaves the browser alive. */
const DEBIAN_BINARY = '/usr/lib/chromium/chromium-headless-shell';

/** The ways to install one, in order; each gives why it could not, or undefined. */
const INSTALLERS = [() => installDebianPackage('chromium-headless-shell'), download];

/**
 * The path of a Chromium headless shell that starts: found on this machine, else installed.
 *
 * @param {{places?: string[], installers?: (() => Promise<string | undefined>)[]}} ways others in tests
 * @throws SetupError that lists every way to get one, with what became of those that were tried
 */
export async function findOrInstallChromium({ places = [DEBIAN_BINARY], installers = INSTALLERS } = {}) {
  const given = process.env.CHROMIUM_PATH;
  if (given) {
    const fault = await faultOf(given);
    if (fault !== undefined)
      throw new SetupError(
        `CHROMIUM_PATH names ${given}, which ${fault}. Correct it, or unset it to have a browser found or installed.`,
      );
    return given;
  }
  const tried = [];
  const firstGood = async (paths) => {
    for (const path of paths.filter(isProgram)) {
      const fault = await faultOf(path);
      if (fault === undefined) return path;
      tried.push(`${path} ${fault}`);
    }
    return undefined;
  };
  const found = await firstGood(candidates(places));
  if (found !== undefined) return found;

  for (const install of installers) {
    const fault = await install();
    if (fault !== undefined) tried.push(fault);
    const installed = fault === undefined ? await firstGood(candidates(places)) : undefined;
    if (installed !== undefined) {
      say(`  Chromium: ${installed}`);
      return installed;
    }
  }
  throw new SetupError(waysToGetChromium(tried));
}

/** Where a headless shell may lie, best first. */
function candidates(places) {
  return [...places, inPath('chrome-headless-shell'), ...downloaded()].filter((path) => path !== undefined);
}

/** What puppeteer has downloaded for this user, newest version first: `chrome-headless-shell/linux-146.0.1.2/chrome-headless-shell-linux64/`. */
function downloaded() {
  const cache = join(
    process.env.PUPPETEER_CACHE_DIR ?? join(homedir(), '.cache/puppeteer'),
    'chrome-headless-shell',
  );
  const list = (folder) => {
    try {
      return readdirSync(folder);
    } catch {
      return [];
    }
  };
  return list(cache)
    .sort((one, other) => other.localeCompare(one, 'en', { numeric: true }))
    .flatMap((version) =>
      list(join(cache, version)).map((folder) => join(cache, version, folder, 'chrome-headless-shell')),
    );
}

/** Why a binary cannot be used, or undefined: it must start and say a version. A missing shared library shows here. */
async function faultOf(path) {
  if (!isProgram(path)) return 'is not a program that can be run';
  const { code, output } = await run(path, ['--version']);
  if (code === 0 && /\d+\.\d+\.\d+\.\d+/.test(output)) return undefined;
  return `does not start (${excerpt(output) || `exit code ${code}`})`;
}

/** Puppeteer's own download, in the version it was tested with. @returns why it failed, or undefined */
async function download() {
  return await attempt('Chromium: download by puppeteer', async () => {
    const { code, output } = await run(
      join(root, 'node_modules/.bin/puppeteer'),
      ['browsers', 'install', 'chrome-headless-shell'],
      { cwd: root },
    );
    return code === 0 ? undefined : `puppeteer's download failed: ${excerpt(output)}`;
  });
}

function waysToGetChromium(tried) {
  return [
    'Wharf needs a Chromium headless shell, and there is none here. What was tried:',
    ...tried.map((line) => `  - ${line}`),
    'Ways to get one, any of them will do:',
    '  - Debian 12 or newer:  sudo apt-get install --no-install-recommends chromium-headless-shell',
    '  - elsewhere:           npx puppeteer browsers install chrome-headless-shell',
    '                         (on Linux it also needs shared libraries: libnss3 libatk-bridge2.0-0 libgbm1 libasound2 ...)',
    '  - one you have:        CHROMIUM_PATH=/path/to/chrome-headless-shell npm start',
  ].join('\n');
}
