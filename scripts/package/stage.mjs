import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from '../paths.mjs';
import { control } from './control.mjs';

/**
 * Lays out the files of a package below a directory, as they will lie below /, and DEBIAN/ beside them.
 *
 * @param {string} stage an empty directory
 * @param {import('./contents.mjs').Laid[]} files
 */
export function stagePackage(stage, files, version, architecture) {
  layOut(stage, files);
  writeFileSync(join(stage, 'DEBIAN/control'), control(stage, version, architecture));
}

/**
 * Lays out files below a directory, as they will lie below /.
 *
 * @param {import('./contents.mjs').Laid[]} files
 */
export function layOut(stage, files) {
  for (const { to, from, content, mode } of files) {
    const target = join(stage, to);
    mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
    if (from === undefined) writeFileSync(target, content);
    else copyFileSync(join(root, from), target);
    // Whatever it is in the repository, and whatever the umask.
    chmodSync(target, mode);
  }
}
