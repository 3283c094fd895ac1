import { accessSync, constants } from 'node:fs';
import { readEnv } from '../../common/env.ts';

/** Where packages put the browser's binary. `/usr/bin/chromium-headless-shell` is a shell wrapper: killing it orphans the browser. */
const KNOWN_PLACES = [
  '/usr/lib/chromium/chromium-headless-shell',
  '/usr/lib/chromium-browser/chromium-headless-shell',
  '/opt/google/chrome/chrome-headless-shell',
];

/**
 * The headless shell's binary: `CHROMIUM_PATH`, else a known place.
 *
 * @throws Error naming the places looked at: a test that needs a browser fails without one, it is not skipped in silence
 */
export function findChromium(): string {
  const configured = readEnv()['CHROMIUM_PATH'];
  const places = configured === undefined || configured === '' ? KNOWN_PLACES : [configured];
  for (const place of places) {
    try {
      accessSync(place, constants.X_OK);
      return place;
    } catch {
      // Not there, or not to be run: the next one.
    }
  }
  throw new Error(
    `No Chromium headless shell at ${places.join(', ')}. Set CHROMIUM_PATH, or install chromium-headless-shell.`,
  );
}
