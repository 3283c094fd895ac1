import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const SOURCE = fileURLToPath(new URL('../../emulator/page/', import.meta.url));

/** A built page, apart from `dist/`: a test sees the sources as they are now, whoever is building meanwhile. */
export interface BuiltPage {
  /** For the emulator's `pageDirectory`. */
  readonly directory: string;
  remove(): Promise<void>;
}

/** Bundles the emulated page as the build does. */
export async function buildPage(): Promise<BuiltPage> {
  const directory = await mkdtemp(join(tmpdir(), 'wharf-page-'));
  await build({
    entryPoints: [join(SOURCE, 'main.ts')],
    outfile: join(directory, 'page.js'),
    bundle: true,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    tsconfig: fileURLToPath(new URL('../../tsconfig.browser.json', import.meta.url)),
    logLevel: 'silent',
  });
  await copyFile(join(SOURCE, 'index.html'), join(directory, 'index.html'));
  return { directory, remove: () => rm(directory, { recursive: true, force: true }) };
}
