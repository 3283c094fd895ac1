import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { dist, filesBelow, root, sourceFolders } from '../paths.mjs';

/** Files that are read while running, by ending: they lie in dist/ where they lie in the source. */
const ASSET = /\.(lua|html|svg|png|ico|webmanifest|woff2)$/;

/** The assets, as paths relative to the repository. */
export function assets() {
  return sourceFolders
    .flatMap((folder) => filesBelow(join(root, folder)).map((path) => `${folder}/${path}`))
    .filter((path) => ASSET.test(path));
}

/** Copies them. @returns {string[]} faults: none */
export function copyAssets() {
  for (const path of assets()) {
    mkdirSync(dirname(join(dist, path)), { recursive: true });
    copyFileSync(join(root, path), join(dist, path));
  }
  return [];
}
