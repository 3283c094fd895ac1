import { delimiter, dirname } from 'node:path';
import { run } from '../command.mjs';
import { SetupError, say } from '../say.mjs';
import { installDebianPackage } from './debian.mjs';
import { inPath, isProgram } from './find-program.mjs';

/** The oldest Redis with all commands we use. */
const LEAST = [6, 2];

/** Where package managers put it on systems whose PATH may lack the place. */
const PLACES = [
  '/usr/bin',
  '/usr/local/bin',
  '/opt/homebrew/bin',
  '/opt/local/bin',
  '/home/linuxbrew/.linuxbrew/bin',
];

/**
 * Sees to it that `redis-server` is in this process's PATH: found, else Debian's package. Only the program is wanted: the
 * package's own service is neither started nor left to start at the next boot.
 *
 * @param {{places?: string[], install?: (name: string) => Promise<string | undefined>}} ways others in tests
 * @throws SetupError that lists the ways to get it
 */
export async function findOrInstallRedis({ places = PLACES, install = installDebianPackage } = {}) {
  if (await useFound(places)) return;
  const fault = await install('redis-server');
  if (fault === undefined) {
    if (inPath('systemctl') !== undefined) await run('systemctl', ['disable', 'redis-server.service']);
    if (await useFound(places)) {
      say('  Redis: installed; its system service is off, Wharf starts its own');
      return;
    }
  }
  throw new SetupError(
    [
      `Wharf needs redis-server ${LEAST.join('.')} or newer, and there is none here${fault === undefined ? '' : ` (${fault})`}. Ways to get it:`,
      '  - Debian, Ubuntu:  sudo apt-get install --no-install-recommends redis-server',
      '  - Fedora, RHEL:    sudo dnf install redis',
      '  - Alpine:          sudo apk add redis',
      '  - macOS:           brew install redis',
      'It is enough that redis-server is in PATH: Wharf starts a private one, and needs no service of the system.',
    ].join('\n'),
  );
}

/** Finds a redis-server that is new enough, and puts its folder into PATH. */
async function useFound(places) {
  const paths = [inPath('redis-server'), ...places.map((place) => `${place}/redis-server`).filter(isProgram)];
  for (const path of paths) {
    if (path === undefined || !newEnough(await run(path, ['--version']))) continue;
    if (inPath('redis-server') !== path)
      process.env.PATH = `${dirname(path)}${delimiter}${process.env.PATH ?? ''}`;
    return true;
  }
  return false;
}

/** `Redis server v=7.0.15 sha=...` */
function newEnough({ code, output }) {
  const match = /v=(\d+)\.(\d+)/.exec(output);
  if (code !== 0 || match === null) return false;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1]);
}
