import { execFile } from 'node:child_process';
import { access, constants, mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf, WharfError } from '../../common/errors.ts';

const run = promisify(execFile);

/** A Chromium that can run sessions on this host. */
export interface Chromium {
  /** The binary itself, never a wrapper: killing a wrapper's pid would orphan the browser. */
  path: string;
  /** `156.0.8078.79` */
  version: string;
  /** Whether it runs in its sandbox here. */
  sandbox: boolean;
  /** Why it does not, where it does not. */
  sandboxReason: string | null;
}

/** How to come by one. */
const WAYS =
  "Install one of: Debian's package chromium-headless-shell (apt-get install chromium-headless-shell); puppeteer's own (npx puppeteer browsers install chrome-headless-shell); or set CHROMIUM_PATH to a binary.";

/** Where a headless shell, or else a whole Chromium, is looked for. Debian's `/usr/bin/chromium-headless-shell` is a shell script around the first. */
const KNOWN_PATHS = [
  '/usr/lib/chromium/chromium-headless-shell',
  '/usr/lib64/chromium-browser/headless_shell',
  '/opt/google/chrome-headless-shell/chrome-headless-shell',
  '/usr/lib/chromium/chromium',
  '/usr/lib/chromium-browser/chromium-browser',
  '/opt/google/chrome/chrome',
];

/**
 * Finds Chromium and tries it: its version, and whether its sandbox works.
 *
 * @param given `CHROMIUM_PATH`, or null to look for one
 * @param sandbox `on` insists, `off` does without, `auto` uses it where it works
 * @throws WharfError `chromium_missing` with the ways to get one
 */
export async function findChromium(given: string | null, sandbox: 'auto' | 'on' | 'off'): Promise<Chromium> {
  const path = await findBinary(given);
  const version = await versionOf(path);
  const refusal = sandbox === 'off' ? 'it is switched off' : await sandboxRefusal(path);
  if (sandbox === 'on' && refusal !== null) {
    throw new WharfError(
      'chromium_missing',
      `Chromium's sandbox does not work on this host (${refusal}), and WHARF_CHROMIUM_SANDBOX is on. Run as a user other than root with user namespaces allowed, or set it to auto.`,
    );
  }
  return { path, version, sandbox: refusal === null, sandboxReason: refusal };
}

async function findBinary(given: string | null): Promise<string> {
  const candidates = given === null ? [...KNOWN_PATHS, ...(await puppeteerCache())] : [given];
  for (const candidate of candidates) {
    try {
      await access(candidate, constants.X_OK);
      return await unwrap(candidate);
    } catch {
      // The next one may be there.
    }
  }
  throw new WharfError(
    'chromium_missing',
    `${given === null ? 'No Chromium was found' : `There is no program at CHROMIUM_PATH ${given}`}. ${WAYS}`,
  );
}

async function unwrap(path: string): Promise<string> {
  const real = await realpath(path);
  if (real === '/usr/bin/chromium-headless-shell') return '/usr/lib/chromium/chromium-headless-shell';
  if (real === '/usr/bin/chromium') return '/usr/lib/chromium/chromium';
  return real;
}

async function puppeteerCache(): Promise<string[]> {
  const root = join(homedir(), '.cache', 'puppeteer', 'chrome-headless-shell');
  const versions = await readdir(root).catch(() => []);
  const newestFirst = versions.sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  const found = await Promise.all(
    newestFirst.map(async (version) =>
      (await readdir(join(root, version)).catch(() => [])).map((folder) =>
        join(root, version, folder, 'chrome-headless-shell'),
      ),
    ),
  );
  return found.flat();
}

async function versionOf(path: string): Promise<string> {
  try {
    const { stdout } = await run(path, ['--version'], { timeout: 20_000 });
    const version = /\d+\.\d+\.\d+\.\d+/.exec(stdout)?.[0];
    if (version) return version;
    throw new Error(`it said: ${stdout.slice(0, 100)}`);
  } catch (error) {
    throw new WharfError(
      'chromium_missing',
      `${path} does not tell its version (${messageOf(error).replace(/\s+/g, ' ').slice(0, 200)}): it is no Chromium, or does not run here. ${WAYS}`,
      { cause: error },
    );
  }
}

/** Null when a page opens with the sandbox on, else why not. */
async function sandboxRefusal(path: string): Promise<string | null> {
  if (process.getuid?.() === 0) return 'Chromium has no sandbox for root';
  const profile = await mkdtemp(join(tmpdir(), 'wharf-sandbox-'));
  try {
    const args = [
      '--headless',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      `--user-data-dir=${profile}`,
      '--dump-dom',
      'about:blank',
    ];
    await run(path, args, { timeout: 20_000 });
    return null;
  } catch (error) {
    const why = /No usable sandbox|sandbox[^\n]{0,120}/i.exec(messageOf(error))?.[0];
    return why ?? messageOf(error).slice(0, 160);
  } finally {
    await rm(profile, { recursive: true, force: true });
  }
}
