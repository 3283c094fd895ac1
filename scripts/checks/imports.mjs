import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { filesBelow, root, sourceFolders } from '../paths.mjs';

/**
 * Judges who imports whom by the rules of `.dependency-cruiser.cjs`.
 *
 * dependency-cruiser 17 reads TypeScript by the API of TypeScript 6 and older, which 7 has no more. So it is shown a copy of the tree, each file
 * under its own name but as JavaScript, in which a type-only import is a plain one: it counts as much.
 *
 * @param {string} folder the repository's; another in tests
 * @returns {Promise<{from: string, to: string, rule: string}[]>} what breaks a rule
 */
export async function importFaults(folder = root) {
  const { cruise } = await import('dependency-cruiser');
  const { forbidden, options } = createRequire(import.meta.url)(join(root, '.dependency-cruiser.cjs'));
  const copy = mkdtempSync(join(tmpdir(), 'wharf-imports-'));
  try {
    const files = await copyAsJavaScript(folder, copy);
    const { output } = await cruise(
      files,
      { ...options, baseDir: copy, validate: true, ruleSet: { forbidden } },
      options.enhancedResolveOptions,
    );
    return output.summary.violations.map(({ from, to, rule }) => ({ from, to, rule: rule.name }));
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

async function copyAsJavaScript(folder, copy) {
  const { transform } = await import('esbuild');
  const files = sourceFolders
    .flatMap((name) => filesBelow(join(folder, name)).map((path) => `${name}/${path}`))
    .filter((path) => /\.tsx?$/.test(path));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  writeFileSync(join(copy, 'package.json'), readFileSync(join(root, 'package.json')));
  for (const file of files) {
    const source = readFileSync(join(folder, file), 'utf8').replace(
      /^(import|export) type (?=[{*]|\w+\s+from\b)/gm,
      '$1 ',
    );
    const { code } = await transform(source, {
      loader: extname(file).slice(1),
      // Imports stay even where only types of them are used.
      tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true, jsx: 'preserve' } },
      jsx: 'transform',
    });
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    writeFileSync(join(copy, file), code);
  }
  return files;
}
