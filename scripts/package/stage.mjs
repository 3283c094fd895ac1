import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { withLock } from '../lock.mjs';
import { dist, filesBelow, root } from '../paths.mjs';
import { changelog, control } from './control.mjs';
import { carriedNode } from './node-binary.mjs';
import { productionPackages } from './production-packages.mjs';
import { isBuilt, isNeeded } from './wanted.mjs';

const HOME = 'usr/lib/wharf';
const DOCUMENTS = 'usr/share/doc/wharf';
const PROGRAM = 0o755;

/** Where the files of systemd/ go, by their folder there. */
const PLACES = [
  { folder: 'systemd/units', to: 'usr/lib/systemd/system' },
  { folder: 'systemd/mounts', to: `${HOME}/mounts` },
  { folder: 'systemd/env', to: `${HOME}/env` },
  { folder: 'systemd/sysusers.d', to: 'usr/lib/sysusers.d' },
  { folder: 'systemd/tmpfiles.d', to: 'usr/lib/tmpfiles.d' },
  { folder: 'systemd/lib', to: `${HOME}/bin`, mode: PROGRAM },
  { folder: 'systemd/bin', to: 'usr/bin', mode: PROGRAM },
  { folder: 'systemd/sbin', to: 'usr/sbin', mode: PROGRAM },
  { folder: 'systemd/man/man1', to: 'usr/share/man/man1', zip: true },
  { folder: 'systemd/man/man8', to: 'usr/share/man/man8', zip: true },
  { folder: 'docs', to: DOCUMENTS },
];

/** Debian's own files about the package, and whether they are run. */
const DEBIAN = { preinst: PROGRAM, postinst: PROGRAM, prerm: PROGRAM, postrm: PROGRAM };

/**
 * Lays out all files of the package below a directory, as they will lie below /, and DEBIAN/ beside them.
 *
 * @param {string} stage an empty directory
 * @param {string | undefined} version in place of that of package.json
 * @returns {Promise<{version: string, architecture: string}>}
 */
export async function stagePackage(stage, version) {
  const manifest = readJson('package.json');
  const lay = layer(stage);
  const node = await carriedNode();
  await withLock(join(dist, '.lock'), () => layBuild(lay));
  layPackages(lay);
  layNode(lay, node);
  for (const place of PLACES) layFolder(lay, place);
  lay.copy('systemd/install.sh', 'usr/sbin/wharf-install', PROGRAM);
  const { name, description, license, type } = manifest;
  const about = { name, version: version ?? manifest.version, description, license, private: true, type };
  lay.write(`${HOME}/package.json`, `${JSON.stringify(about, null, 2)}\n`);
  lay.copy('systemd/debian/copyright', `${DOCUMENTS}/copyright`);
  lay.write(`${DOCUMENTS}/changelog.gz`, gzipSync(changelog(about.version), { level: 9 }));
  lay.copy('CHANGELOG.md', `${DOCUMENTS}/CHANGELOG.md`);
  lay.copy('systemd/debian/lintian-overrides', 'usr/share/lintian/overrides/wharf');
  for (const [file, mode] of Object.entries(DEBIAN))
    lay.copy(`systemd/debian/${file}`, `DEBIAN/${file}`, mode);
  lay.write('DEBIAN/control', control(stage, about.version, node.architecture));
  return { version: about.version, architecture: node.architecture };
}

/** Writes files below a directory with their modes, whatever those in the repository are. */
function layer(stage) {
  const place = (path) => {
    const target = join(stage, path);
    mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
    return target;
  };
  return {
    copy(from, to, mode = 0o644) {
      const target = place(to);
      copyFileSync(join(root, from), target);
      chmodSync(target, mode);
    },
    write(to, content, mode = 0o644) {
      const target = place(to);
      writeFileSync(target, content);
      chmodSync(target, mode);
    },
  };
}

function layBuild(lay) {
  for (const file of filesBelow(dist).filter(isBuilt)) lay.copy(join('dist', file), `${HOME}/dist/${file}`);
}

function layPackages(lay) {
  const paths = productionPackages(readJson('package-lock.json').packages);
  for (const path of paths) {
    if (!existsSync(join(root, path))) continue;
    const files = filesBelow(join(root, path)).filter(
      (file) => !file.startsWith('node_modules/') && isNeeded(file),
    );
    for (const file of files.filter((file) => !isCommand(join(path, file))))
      lay.copy(join(path, file), `${HOME}/${path}/${file}`);
  }
}

/** Whether a file is a command of its package, begun by a shell: nothing here calls them. */
function isCommand(path) {
  return readFileSync(join(root, path)).subarray(0, 2).toString() === '#!';
}

function layNode(lay, { binary, license }) {
  lay.copy(binary, `${HOME}/node/bin/node`, PROGRAM);
  lay.copy(license, `${HOME}/node/LICENSE`);
}

function layFolder(lay, { folder, to, mode, zip }) {
  for (const file of filesBelow(join(root, folder))) {
    const from = `${folder}/${file}`;
    if (zip) lay.write(`${to}/${file}.gz`, gzipSync(readFileSync(join(root, from)), { level: 9 }));
    else lay.copy(from, `${to}/${file}`, mode);
  }
}

function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}
