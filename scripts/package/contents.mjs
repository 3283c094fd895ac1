import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { dist, filesBelow, root } from '../paths.mjs';
import { changelog } from './control.mjs';
import { productionPackages } from './production-packages.mjs';
import { isBuilt, isNeeded } from './wanted.mjs';

/**
 * A file of the package.
 *
 * @typedef {{to: string, from?: string, content?: string | Buffer, mode: number}} Laid
 *   to: where it goes, without a / before; from: which file of the repository it is, or else content
 */

const HOME = 'usr/lib/wharf';
const DOCUMENTS = 'usr/share/doc/wharf';
const FILE = 0o644;
const PROGRAM = 0o755;

/** Where the files of folders go, and with which mode. */
const FOLDERS = [
  { folder: 'systemd/units', to: 'usr/lib/systemd/system' },
  { folder: 'systemd/mounts', to: `${HOME}/mounts` },
  { folder: 'systemd/env', to: `${HOME}/env` },
  { folder: 'systemd/sysusers.d', to: 'usr/lib/sysusers.d' },
  { folder: 'systemd/tmpfiles.d', to: 'usr/lib/tmpfiles.d' },
  { folder: 'systemd/lib', to: `${HOME}/bin`, mode: PROGRAM },
  { folder: 'systemd/bin', to: 'usr/bin', mode: PROGRAM },
  { folder: 'systemd/sbin', to: 'usr/sbin', mode: PROGRAM },
  { folder: 'docs', to: DOCUMENTS },
];

/** Scripts of Debian's package manager. */
const MAINTAINER_SCRIPTS = ['preinst', 'postinst', 'prerm', 'postrm'];

/**
 * What Wharf runs from: the build, the npm packages of production, and a package.json.
 *
 * @returns {Laid[]}
 */
export function programFiles(version) {
  const { name, description, license, type } = readJson('package.json');
  const about = { name, version, description, license, private: true, type };
  return [
    ...filesBelow(dist)
      .filter(isBuilt)
      .map((file) => laid(`${HOME}/dist/${file}`, join('dist', file))),
    ...packages(),
    { to: `${HOME}/package.json`, content: `${JSON.stringify(about, null, 2)}\n`, mode: FILE },
  ];
}

/**
 * All files of the package but Node and DEBIAN/control.
 *
 * @returns {Laid[]}
 */
export function contents(version) {
  return [
    ...programFiles(version),
    ...FOLDERS.flatMap(({ folder, to, mode = FILE }) =>
      filesBelow(join(root, folder)).map((file) => laid(`${to}/${file}`, `${folder}/${file}`, mode)),
    ),
    ...manuals(),
    { to: `${DOCUMENTS}/changelog.gz`, content: zipped(changelog(version)), mode: FILE },
    laid(`${DOCUMENTS}/copyright`, 'systemd/debian/copyright'),
    laid(`${DOCUMENTS}/CHANGELOG.md`, 'CHANGELOG.md'),
    laid('usr/share/lintian/overrides/wharf', 'systemd/debian/lintian-overrides'),
    laid('usr/sbin/wharf-install', 'systemd/install.sh', PROGRAM),
    ...MAINTAINER_SCRIPTS.map((script) => laid(`DEBIAN/${script}`, `systemd/debian/${script}`, PROGRAM)),
  ];
}

/** The Node that the package carries. @returns {Laid[]} */
export function nodeFiles({ binary, license }) {
  return [laid(`${HOME}/node/bin/node`, binary, PROGRAM), laid(`${HOME}/node/LICENSE`, license)];
}

function laid(to, from, mode = FILE) {
  return { to, from, mode };
}

function packages() {
  const paths = productionPackages(readJson('package-lock.json').packages);
  return paths
    .filter((path) => existsSync(join(root, path)))
    .flatMap((path) =>
      filesBelow(join(root, path))
        .filter((file) => !file.startsWith('node_modules/') && isNeeded(file))
        .map((file) => join(path, file))
        .filter((file) => !isCommand(file))
        .map((file) => laid(`${HOME}/${file}`, file)),
    );
}

/** Whether a file is a command of its npm package, run by a shell: nothing here calls them. */
function isCommand(path) {
  const start = Buffer.alloc(2);
  const file = openSync(join(root, path), 'r');
  try {
    readSync(file, start, 0, 2, 0);
  } finally {
    closeSync(file);
  }
  return start.toString() === '#!';
}

function manuals() {
  return filesBelow(join(root, 'systemd/man')).map((file) => ({
    to: `usr/share/man/${file}.gz`,
    content: zipped(readFileSync(join(root, 'systemd/man', file))),
    mode: FILE,
  }));
}

function zipped(content) {
  return gzipSync(content, { level: 9 });
}

function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}
