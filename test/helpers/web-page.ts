import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import puppeteer, { type Browser } from 'puppeteer-core';
import { findChromium } from './chromium.ts';

const SOURCE = fileURLToPath(new URL('../../router/web/', import.meta.url));

/** Bundles the router's web page as the build does, apart from `dist/`: a test sees the sources as they are now. Remove the directory after. */
export async function buildWebPage(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'wharf-web-'));
  const bundles = [
    { entry: 'main.tsx', output: 'app.js' },
    { entry: 'app.css', output: 'app.css' },
  ];
  for (const { entry, output } of bundles) {
    await build({
      entryPoints: [join(SOURCE, entry)],
      outfile: join(directory, output),
      bundle: true,
      format: 'iife',
      platform: 'browser',
      target: 'es2022',
      tsconfig: fileURLToPath(new URL('../../tsconfig.browser.json', import.meta.url)),
      logLevel: 'silent',
    });
  }
  for (const name of ['index.html', 'icon.svg']) await copyFile(join(SOURCE, name), join(directory, name));
  return directory;
}

/** A headless browser with a profile of its own, removed when it closes. */
export async function openBrowser(): Promise<{ browser: Browser; close(): Promise<void> }> {
  const profile = await mkdtemp(join(tmpdir(), 'wharf-browser-'));
  const browser = await puppeteer.launch({
    executablePath: findChromium(),
    userDataDir: profile,
    pipe: true,
    args: [
      '--disable-gpu',
      '--disable-dev-shm-usage',
      // Chromium has no sandbox for root; the page is our own.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ],
  });
  return {
    browser,
    close: async () => {
      await browser.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}
