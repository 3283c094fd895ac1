import { mkdir } from 'node:fs/promises';
import { systemClock } from '../../common/clock.ts';
import { readEnv } from '../../common/env.ts';
import { runProcess } from '../../common/lifecycle.ts';
import { createLogger } from '../../common/logger.ts';
import { wharfVersion } from '../../common/version.ts';
import { instanceConfig } from '../config.ts';
import { findChromium } from '../whatsapp/chromium.ts';
import { LIBRARY_VERSION } from '../whatsapp/whatsapp-web-js.ts';
import { type CanaryLine, canaryOrderSchema } from './canary-client.ts';
import { CanaryProfile } from './canary-profile.ts';
import { CanaryRun } from './canary-run.ts';
import { CheckBook } from './check-book.ts';

/** The canary's process: its order is its one argument, and what it finds goes out as lines of JSON (`canary-client.ts`). */
await runProcess(async (signal) => {
  const { directory, logout } = canaryOrderSchema.parse(JSON.parse(process.argv[2] ?? ''));
  const tell = (line: CanaryLine) => process.stdout.write(`${JSON.stringify(line)}\n`);
  // Its browser is set up as an instance on this host would set it up.
  const config = instanceConfig({ ...readEnv(), INSTANCE_ID: 'instance-1' });
  const log = createLogger('silent', { service: 'canary' }, process.stderr);
  // The library lets promises of its own event handlers fail; what does not come of it is told by the checks.
  process.on('unhandledRejection', () => {});
  const chromium = await findChromium(config.chromiumPath, config.sandbox);
  const profile = await CanaryProfile.open(directory, config.sessionPath);
  const at = new Date(systemClock.now()).toISOString();
  try {
    await mkdir(profile.dataPath, { recursive: true, mode: 0o700 });
    const book = new CheckBook(tell, systemClock, signal);
    const run = new CanaryRun({
      profile,
      book,
      settings: {
        chromium,
        webResolve: config.webResolve,
        webSpki: config.webSpki,
        timeouts: config.client,
      },
      clock: systemClock,
      log,
      tell,
      logout,
    });
    await run.run();
    const versions = {
      whatsapp_web: run.version,
      whatsapp_web_js: LIBRARY_VERSION,
      chromium: chromium.version,
      wharf: await wharfVersion(),
    };
    tell({ kind: 'report', report: { version: 1, at, versions, checks: book.results } });
    return 0;
  } finally {
    await profile.close();
  }
});
