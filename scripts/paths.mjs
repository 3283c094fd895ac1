import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's folder. */
export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** Where the build goes. */
export const dist = join(root, 'dist');

/** The folders that hold source which is built; test too, since benchmarks run from the build. */
export const sourceFolders = [
  'common',
  'fleet',
  'instance',
  'router',
  'backup',
  'cli',
  'emulator',
  'infra',
  'test',
];

/** All files below a folder, as paths relative to it, sorted; none when it is not there. */
export function filesBelow(folder) {
  const found = [];
  const walk = (relative) => {
    let entries;
    try {
      entries = readdirSync(join(folder, relative), { withFileTypes: true });
    } catch {
      return;
    }
    for (const entry of entries) {
      const path = relative === '' ? entry.name : `${relative}/${entry.name}`;
      if (entry.isDirectory()) walk(path);
      else found.push(path);
    }
  };
  walk('');
  return found.sort();
}
