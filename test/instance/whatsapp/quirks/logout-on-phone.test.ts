import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { browsersUnder } from '../../../helpers/processes.ts';
import type { SessionHost } from '../../../helpers/session-host.ts';
import { emulatedWhatsApp, sessionHost } from './setup.ts';

const PHONE = '491700000003';

/** Facts file, 3. */
describe('a device that is removed on the phone', () => {
  it.each(['state_first', 'command_first'] as const)(
    'ends the browser and puts the profile into the trash, and can be linked anew for good (%s)',
    async (logout_order) => {
      const whatsapp = await emulatedWhatsApp({ logout_order });
      const host = await sessionHost(whatsapp);
      const session = await host.linked(PHONE);
      const oldProfile = host.paths.generation(host.generation(session));
      expect(existsSync(oldProfile)).toBe(true);

      await whatsapp.post('/remove-device', { phone: PHONE });
      await host.reaches(session, 'logged_out');
      await expectLoggedOut(host);
      expect(existsSync(oldProfile)).toBe(false);
      // It stays logged out: nothing but a person starts it.
      expect(host.pauses()).toEqual([]);
      expect(host.times('qr')).toBe(1);

      await linkAnewAndRestart(host);
    },
    60_000,
  );

  it('is noticed at the next start when the browser was away', async () => {
    const whatsapp = await emulatedWhatsApp();
    const host = await sessionHost(whatsapp);
    const session = await host.linked(PHONE);
    await host.manager.stop('7', 'main');
    await whatsapp.post('/remove-device', { phone: PHONE });

    await host.manager.start('7', 'main');
    await host.reaches(session, 'logged_out');
    await expectLoggedOut(host);
    expect(host.times('qr')).toBe(1);
    await linkAnewAndRestart(host);
  }, 60_000);
});

async function expectLoggedOut(host: SessionHost): Promise<void> {
  const session = host.session();
  expect(await browsersUnder(host.root)).toEqual([]);
  const trash = await readdir(host.paths.trash('7'));
  expect(trash).toHaveLength(1);
  // Not only its directory: the library would have removed what is in it.
  const kept = join(host.paths.trash('7'), trash[0] ?? '', 'session-main', 'Default', 'IndexedDB');
  expect(await readdir(kept)).not.toEqual([]);
  expect(session.record).toMatchObject({ linked: false, should_run: false, phone_number: null });
  expect(session.detail().last_error).toMatch(/^Logged out: .*trash for 7 days/);
}

async function linkAnewAndRestart(host: SessionHost): Promise<void> {
  const session = host.session();
  await host.manager.start('7', 'main');
  await host.link(session, PHONE);
  const shown = host.times('qr');
  await host.manager.restart('7', 'main');
  await host.reaches(session, 'ready');
  expect(host.times('qr')).toBe(shown);
  expect(session.record.phone_number).toBe(PHONE);
}
