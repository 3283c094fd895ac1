import { existsSync } from 'node:fs';
import { lstat, readdir, symlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findChromium } from '../../../../instance/whatsapp/chromium.ts';
import { eventually } from '../../../helpers/eventually.ts';
import { browsersUnder } from '../../../helpers/processes.ts';
import { emulatedWhatsApp, forgetCleanStop, sessionHost, watchedClient } from './setup.ts';

const PHONE = '491700000016';
const FULL_CHROMIUM = '/usr/lib/chromium/chromium';

/** Facts file, 7 and 9. */
describe('the profile of a session', () => {
  it('is never opened by an older Chromium, and is as it was when a new enough one comes', async () => {
    const whatsapp = await emulatedWhatsApp();
    const first = await sessionHost(whatsapp);
    await first.linked(PHONE);
    await first.manager.close(20_000);

    const older = await sessionHost(whatsapp, { root: first.root, chromiumVersion: '155.0.7000.1' });
    const refused = older.session();
    await older.reaches(refused, 'failed');
    expect(refused.detail().last_error).toMatch(
      /was last opened by Chromium .*155\.0\.7000\.1: an older one/,
    );
    expect(refused.record.should_run).toBe(false);
    expect(refused.browserPid).toBeUndefined();
    expect(await browsersUnder(first.root)).toEqual([]);

    const newer = await sessionHost(whatsapp, { root: first.root });
    await newer.manager.start('7', 'main');
    await newer.reaches(newer.session(), 'ready');
    expect(newer.times('qr')).toBe(0);
  }, 60_000);

  it('is left alone while another browser of this host has it open, and is tried again until it is free', async () => {
    const whatsapp = await emulatedWhatsApp();
    const host = await sessionHost(whatsapp);
    const session = await host.linked(PHONE);
    await host.manager.stop('7', 'main');
    await forgetCleanStop(host, session);
    const other = await watchedClient(whatsapp, host.paths.generation(host.generation(session)));
    await other.client.start();
    await eventually(() => other.ready.length > 0);

    await host.manager.start('7', 'main');
    await eventually(() => host.pauses().length >= 2);
    expect(host.pauses().slice(0, 2)).toEqual([200, 400]);
    expect(session.detail().last_error).toMatch(/^start_failed: .*process \d+ has this database open/);
    expect(session.browserPid).toBeUndefined();
    expect(other.losses).toEqual([]);

    await other.client.stop();
    await host.reaches(session, 'ready');
    expect(host.times('qr')).toBe(1);
  }, 60_000);

  it('lies in directories that nobody else can look into', async () => {
    const host = await sessionHost(await emulatedWhatsApp());
    const session = await host.linked(PHONE);
    const name = host.generation(session);
    const directories = [
      host.paths.workspace('7'),
      host.paths.owners('7'),
      host.paths.session('7', 'main'),
      host.paths.generation(name),
      host.paths.userData(name),
    ];
    const modes = await Promise.all(directories.map(async (path) => (await lstat(path)).mode & 0o777));
    expect(modes.map((mode) => mode.toString(8))).toEqual(directories.map(() => '700'));
  });

  it.for<[string, string | undefined]>([
    ['the headless shell, which looks at no lock', undefined],
    ['a whole Chromium, which would refuse', FULL_CHROMIUM],
  ])(
    'starts though a browser on another host, long dead, left its lock: %s',
    { timeout: 60_000 },
    async ([_what, path], { skip }) => {
      skip(path !== undefined && !existsSync(path), 'there is no whole Chromium on this host');
      const whatsapp = await emulatedWhatsApp();
      const chromium = await findChromium(path ?? null, 'auto');
      const host = await sessionHost(whatsapp, { chromium });
      const session = await host.linked(PHONE);
      await host.manager.stop('7', 'main');
      await forgetCleanStop(host, session);
      const userData = host.paths.userData(host.generation(session));
      expect((await readdir(userData)).filter((file) => file.startsWith('Singleton'))).toEqual([]);
      for (const link of ['SingletonLock', 'SingletonCookie', 'SingletonSocket'])
        await symlink(`not-${hostname()}-4242`, join(userData, link));

      await host.manager.start('7', 'main');
      await host.reaches(session, 'ready');
      expect(host.pauses()).toEqual([]);
      expect(host.times('qr')).toBe(1);
    },
  );
});
