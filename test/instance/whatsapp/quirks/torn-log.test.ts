import { appendFile, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Session } from '../../../../instance/session/session.ts';
import type { SessionHost } from '../../../helpers/session-host.ts';
import { emulatedWhatsApp, forgetCleanStop, sessionHost } from './setup.ts';

const PHONE = '491700000014';
const FRIEND = '491711111114';

/** Facts file, 14. What the repair does with every kind of damage is tested beside it; here it stands before the starts of a session. */
describe('a LevelDB log with a torn end', () => {
  it('is cut off before the start that follows a kill, so that the session lives through that start and the next', async () => {
    const whatsapp = await emulatedWhatsApp();
    const host = await sessionHost(whatsapp);
    const session = await host.linked(PHONE);
    await receive('before');
    await host.manager.stop('7', 'main');
    await tear(host, session);

    await host.manager.start('7', 'main');
    await host.reaches(session, 'ready');
    expect(host.logged('torn ends')).toMatchObject([{ truncated: 1 }]);
    const tails = await readdir(host.paths.tornTails(host.generation(session)));
    expect(tails).toHaveLength(1);
    // Chromium writes behind where the repair cut: without it, the start after this one would find the damage and delete everything.
    await receive('between');
    await host.manager.restart('7', 'main');
    await host.reaches(session, 'ready');
    await host.manager.restart('7', 'main');
    await host.reaches(session, 'ready');

    expect(host.times('qr')).toBe(1);
    const messages = await session.readyClient().messages(`${FRIEND}@c.us`, 10);
    expect(messages.map(({ text }) => text)).toEqual(['before', 'between']);
    expect(host.logged('corrupt')).toEqual([]);

    async function receive(body: string): Promise<void> {
      await whatsapp.post('/deliver', { phone: PHONE, from: FRIEND, body });
      await expect
        .poll(async () => (await whatsapp.get<{ waiting: number }>(`/delivered?phone=${PHONE}`)).waiting, {
          timeout: 10_000,
        })
        .toBe(0);
    }
  }, 60_000);

  it('is not looked for after a clean stop', async () => {
    const host = await sessionHost(await emulatedWhatsApp());
    const session = await host.linked(PHONE);
    await host.manager.restart('7', 'main');
    await host.reaches(session, 'ready');
    const record = await readFile(host.paths.profileRecord(host.generation(session)), 'utf8');
    // While a browser runs, nothing is known to be clean.
    expect(JSON.parse(record)).toMatchObject({ clean_stop: false });
    await host.manager.stop('7', 'main');
    const stopped = await readFile(host.paths.profileRecord(host.generation(session)), 'utf8');
    expect(JSON.parse(stopped)).toMatchObject({ clean_stop: true });
  });
});

/** Leaves the profile as a kill in the middle of a write does: no clean stop noted, and a record's header without its payload. */
async function tear(host: SessionHost, session: Session): Promise<void> {
  const name = host.generation(session);
  await forgetCleanStop(host, session);
  const folder = join(host.paths.userData(name), 'Default', 'IndexedDB');
  const logs = (await readdir(folder, { recursive: true })).filter((file) => /\/\d+\.log$/.test(file)).sort();
  const log = logs.at(-1);
  if (log === undefined) throw new Error('the profile has no log');
  // CRC, a length of 259 bytes, type 1 (whole), and then nothing.
  await appendFile(join(folder, log), Buffer.from([0x12, 0x34, 0x56, 0x78, 0x03, 0x01, 0x01]));
}
