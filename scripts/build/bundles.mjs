import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { dist, root } from '../paths.mjs';

/** Folders whose code runs in a browser: bundled here, type-checked by tsconfig.browser.json, left alone by tsconfig.json. */
export const browserFolders = ['emulator/page', 'router/web'];

/** What is bundled: each to one file that a page loads without any step by the user. */
export const bundles = [
  // Readable, since whoever looks into the emulated page with the browser's tools should see its modules.
  { entry: 'emulator/page/main.ts', output: 'emulator/page/page.js', minify: false },
  { entry: 'router/web/main.tsx', output: 'router/web/app.js', minify: true },
  { entry: 'router/web/app.css', output: 'router/web/app.css', minify: true },
];

/** Bundles what there is. @returns {Promise<string[]>} faults */
export async function buildBundles() {
  const { build, formatMessages } = await import('esbuild');
  const faults = [];
  for (const bundle of bundles) {
    if (!existsSync(join(root, bundle.entry))) continue;
    try {
      await build({
        entryPoints: [join(root, bundle.entry)],
        outfile: join(dist, bundle.output),
        bundle: true,
        format: 'iife',
        platform: 'browser',
        target: 'es2022',
        charset: 'utf8',
        legalComments: 'eof',
        minify: bundle.minify,
        tsconfig: join(root, 'tsconfig.browser.json'),
        logLevel: 'silent',
      });
    } catch (error) {
      if (!Array.isArray(error.errors)) throw error;
      faults.push(...(await formatMessages(error.errors, { kind: 'error' })));
    }
  }
  return faults;
}
