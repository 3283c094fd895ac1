import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../command.mjs';
import { dist, filesBelow, root, sourceFolders } from '../paths.mjs';
import { browserFolders } from './bundles.mjs';

/** The files `tsc -p tsconfig.json` writes, as paths relative to dist/. */
export function compiledFiles() {
  return sourceFolders.flatMap((folder) =>
    filesBelow(join(root, folder))
      .map((path) => `${folder}/${path}`)
      .filter(
        (path) =>
          /\.tsx?$/.test(path) &&
          !path.endsWith('.d.ts') &&
          !browserFolders.some((browser) => path.startsWith(`${browser}/`)),
      )
      .map((path) => path.replace(/\.tsx?$/, '.js')),
  );
}

/** Compiles to dist/. @returns {Promise<string[]>} faults */
export async function compile() {
  // The incremental state believes in outputs that somebody removed.
  if (compiledFiles().some((file) => !existsSync(join(dist, file))))
    rmSync(join(dist, '.tsbuildinfo'), { force: true });
  const { code, output } = await run(
    join(root, 'node_modules/.bin/tsc'),
    ['-p', 'tsconfig.json', '--pretty', 'false'],
    { cwd: root },
  );
  return code === 0 ? [] : [output.trim()];
}
