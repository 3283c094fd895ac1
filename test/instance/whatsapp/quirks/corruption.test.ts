import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { emulatedWhatsApp, sessionHost } from './setup.ts';

/** Facts file, 8 and 14: Chromium deletes a corrupt IndexedDB and goes on with an empty one, which looks like a logged-out session. */
it('says that the database was corrupt when Chromium throws it away, beside that the session is logged out', async () => {
  const whatsapp = await emulatedWhatsApp();
  const host = await sessionHost(whatsapp);
  const session = await host.linked('491700000015');
  await host.manager.stop('7', 'main');

  // Damage in the middle of a log that no torn end explains, after a stop that was clean: nothing looks at it but Chromium.
  const folder = join(host.paths.userData(host.generation(session)), 'Default', 'IndexedDB');
  const logs = (await readdir(folder, { recursive: true })).filter((file) => /\/\d+\.log$/.test(file));
  for (const log of logs) {
    const file = await open(join(folder, log), 'r+');
    await file.write(Buffer.alloc(64, 0xff), 0, 64, 100);
    await file.close();
  }

  await host.manager.start('7', 'main');
  await host.reaches(session, 'logged_out');
  expect(host.logged('Chromium found its database corrupt')).not.toEqual([]);
});
