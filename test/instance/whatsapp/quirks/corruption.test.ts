import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Session } from '../../../../instance/session/session.ts';
import type { SessionHost } from '../../../helpers/session-host.ts';
import { emulatedWhatsApp, sessionHost } from './setup.ts';

const indexedDb = (host: SessionHost, session: Session) =>
  join(host.paths.userData(host.generation(session)), 'Default', 'IndexedDB');

/** Damage in the middle of a log that no torn end explains, after a stop that was clean: nothing looks at it but Chromium. */
async function damageLogs(folder: string): Promise<void> {
  const logs = (await readdir(folder, { recursive: true })).filter((file) => /\/\d+\.log$/.test(file));
  expect(logs).not.toEqual([]);
  for (const log of logs) {
    const file = await open(join(folder, log), 'r+');
    await file.write(Buffer.alloc(64, 0xff), 0, 64, 100);
    await file.close();
  }
}

/** Facts file, 8 and 14: Chromium deletes a corrupt IndexedDB and goes on with an empty one, which looks like a logged-out session. */
it('comes back from the last good copy, without a QR, when Chromium throws its database away, and says so', async () => {
  const whatsapp = await emulatedWhatsApp();
  const host = await sessionHost(whatsapp);
  const session = await host.linked('491700000015');
  await host.manager.stop('7', 'main');
  await damageLogs(indexedDb(host, session));

  await host.manager.start('7', 'main');
  await host.reaches(session, 'ready');
  expect(host.logged('Chromium found its database corrupt')).not.toEqual([]);
  expect(host.logged('started with its last good copy')).toHaveLength(1);
  expect(host.times('qr')).toBe(1);
  expect(session.record).toMatchObject({ linked: true, phone_number: '491700000015', restored_at: null });
});

it('is logged out when the last good copy is lost as well, and not before', async () => {
  const whatsapp = await emulatedWhatsApp();
  const host = await sessionHost(whatsapp);
  const session = await host.linked('491700000016');
  await host.manager.stop('7', 'main');
  await damageLogs(indexedDb(host, session));
  await damageLogs(host.paths.goodCopies(host.generation(session)));

  await host.manager.start('7', 'main');
  await host.reaches(session, 'logged_out');
  // What was cut off at the damage left a database that starts, and has no login in it.
  expect(host.times('qr')).toBe(1);
  expect(host.times('logged_out')).toBe(1);
});

it('comes back from the last good copy when its databases are gone, at every start from then on', async () => {
  const whatsapp = await emulatedWhatsApp();
  const host = await sessionHost(whatsapp);
  const session = await host.linked('491700000017');
  await host.manager.stop('7', 'main');
  await rm(indexedDb(host, session), { recursive: true });

  await host.manager.start('7', 'main');
  await host.reaches(session, 'ready');
  for (let start = 0; start < 2; start++) {
    await host.manager.restart('7', 'main');
    await host.reaches(session, 'ready');
  }
  expect(host.times('qr')).toBe(1);
  expect(host.logged('started with its last good copy')).toHaveLength(1);
});

it('takes a device that the phone removed while it was away for logged out, after one try with the last good copy', async () => {
  const whatsapp = await emulatedWhatsApp();
  const host = await sessionHost(whatsapp);
  const session = await host.linked('491700000018');
  await host.manager.stop('7', 'main');
  await rm(indexedDb(host, session), { recursive: true });
  await whatsapp.post('/remove-device', { phone: '491700000018' });

  await host.manager.start('7', 'main');
  await host.reaches(session, 'logged_out');
  expect(host.logged('started with its last good copy')).toHaveLength(1);
  expect(host.logged('the session changed its state').map(({ to }) => to)).not.toContain('failed');
});
