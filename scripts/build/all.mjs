import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from '../lock.mjs';
import { dist, filesBelow, root, sourceFolders } from '../paths.mjs';
import { SetupError, say, seconds } from '../say.mjs';
import { copyAssets } from './assets.mjs';
import { buildBundles } from './bundles.mjs';
import { removeStale } from './stale.mjs';
import { compile } from './typescript.mjs';

const stampFile = join(dist, '.built');

/**
 * Builds to dist/: TypeScript, the browser bundles, and the files beside them. Does nothing when no source changed since the last good build.
 * Everything is built even when one part has faults, then the faults are thrown.
 *
 * @throws SetupError with what the compiler or bundler said
 */
export function runBuild({ always = false } = {}) {
  return withLock(join(dist, '.lock'), async () => {
    const state = stateOfSources();
    if (!always && read(stampFile) === state) return;
    const started = performance.now();
    say('  build ...');
    mkdirSync(dist, { recursive: true });
    rmSync(stampFile, { force: true });
    const faults = [await compile(), await buildBundles(), copyAssets()].flat();
    removeStale();
    if (faults.length > 0) throw new SetupError(`The build has faults:\n${faults.join('\n')}`);
    writeFileSync(stampFile, state);
    say(`  build: done in ${seconds(performance.now() - started)}`);
  });
}

/** A hash over name, size and time of change of everything the build reads. */
function stateOfSources() {
  const hash = createHash('sha256');
  const files = ['tsconfig.json', 'tsconfig.browser.json', 'package-lock.json'];
  for (const folder of [...sourceFolders, 'scripts/build'])
    files.push(...filesBelow(join(root, folder)).map((path) => `${folder}/${path}`));
  for (const file of files) {
    const { size, mtimeMs } = statSync(join(root, file), { throwIfNoEntry: false }) ?? {
      size: 0,
      mtimeMs: 0,
    };
    hash.update(`${file}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
