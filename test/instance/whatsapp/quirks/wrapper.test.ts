import { existsSync } from 'node:fs';
import { chmod, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findChromium } from '../../../../instance/whatsapp/chromium.ts';
import { browsersUnder, isAlive } from '../../../helpers/processes.ts';
import { temporaryDirectory } from '../../../helpers/temp-dir.ts';
import { emulatedWhatsApp, sessionHost } from './setup.ts';

const DEBIAN_WRAPPER = '/usr/bin/chromium-headless-shell';

/** Facts file, 10: Debian's /usr/bin/chromium-headless-shell is a shell script around the browser. */
describe('a wrapper around the browser', () => {
  it.skipIf(!existsSync(DEBIAN_WRAPPER))(
    "of Debian is passed by: the process of a session is the browser's own",
    async () => {
      expect((await readFile(DEBIAN_WRAPPER, 'latin1')).startsWith('#!')).toBe(true);
      const chromium = await findChromium(DEBIAN_WRAPPER, 'auto');
      expect(chromium.path).toBe('/usr/lib/chromium/chromium-headless-shell');
      const host = await sessionHost(await emulatedWhatsApp(), { chromium });
      const session = await host.linked('491700000017');
      expect(await readlink(`/proc/${session.browserPid}/exe`)).toBe(chromium.path);
    },
  );

  it('of any other kind ends together with its browser', async () => {
    const real = await findChromium(null, 'auto');
    const directory = await temporaryDirectory();
    const wrapper = join(directory, 'chromium-headless-wrapper');
    await writeFile(wrapper, `#!/bin/sh\n"${real.path}" "$@"\n`);
    await chmod(wrapper, 0o755);
    const chromium = await findChromium(wrapper, 'auto');
    const host = await sessionHost(await emulatedWhatsApp(), { chromium });
    const session = await host.linked('491700000018');
    const first = await browsersUnder(host.root);
    const [browser] = first.filter(({ pid }) => pid !== session.browserPid);
    // The wrapper and, under it, the browser.
    expect(first).toHaveLength(2);
    process.kill(browser?.pid ?? 0, 'SIGKILL');
    await expect.poll(() => host.times('ready'), { timeout: 20_000 }).toBe(2);
    for (const { pid } of first) expect(await isAlive(pid)).toBe(false);

    const second = await browsersUnder(host.root);
    expect(second).toHaveLength(2);
    await host.manager.stop('7', 'main');
    for (const { pid } of second) expect(await isAlive(pid)).toBe(false);
  });
});
