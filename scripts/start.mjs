import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { dist } from './paths.mjs';
import { prepare } from './prepare.mjs';
import { SetupError, say, seconds } from './say.mjs';

/** `npm start`: sets up, builds, then becomes the local fleet, in this very process, so that signals reach it without a detour. */
try {
  if (!['-h', '--help'].some((flag) => process.argv.includes(flag))) say('Wharf: setting up');
  const started = performance.now();
  await prepare();
  say(`  set up in ${seconds(performance.now() - started)}`);
  await import(pathToFileURL(join(dist, 'cli/local-fleet/main.js')).href);
} catch (error) {
  say(error instanceof SetupError ? `\n${error.message}` : String(error?.stack ?? error));
  process.exitCode = 1;
}
