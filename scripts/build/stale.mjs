import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { dist, filesBelow, root } from '../paths.mjs';
import { assets } from './assets.mjs';
import { bundles } from './bundles.mjs';
import { compiledFiles } from './typescript.mjs';

/** Removes from dist/ what no source makes any more: a deleted file must not go on being imported. */
export function removeStale() {
  const wanted = new Set(assets());
  for (const file of compiledFiles()) wanted.add(file).add(`${file}.map`);
  for (const bundle of bundles) if (existsSync(join(root, bundle.entry))) wanted.add(bundle.output);
  for (const file of filesBelow(dist)) {
    if (!file.startsWith('.') && !wanted.has(file)) rmSync(join(dist, file));
  }
}
