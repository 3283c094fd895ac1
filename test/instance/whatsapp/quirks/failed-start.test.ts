import { describe, expect, it } from 'vitest';
import { eventually } from '../../../helpers/eventually.ts';
import { browsersUnder } from '../../../helpers/processes.ts';
import type { SessionHostOptions } from '../../../helpers/session-host.ts';
import { temporaryDirectory } from '../../../helpers/temp-dir.ts';
import { emulatedWhatsApp, sessionHost, watchedClient } from './setup.ts';

/** Long enough for a browser to start on a busy machine, short enough to wait for twice. */
const SHORT: SessionHostOptions = { client: { start: 4000 }, backoff: { base: 100 } };

/** Facts file, 11. */
describe('a start that fails', () => {
  it.each([
    ['the page never loads', { page_never_loads: 'hang' }, { page_never_loads: false }],
    ["the page is not WhatsApp's", { page_never_loads: 'blank' }, { page_never_loads: false }],
    [
      'a module of the page is missing, as after an update of WhatsApp',
      { missing_modules: ['WAWebSocketModel'] },
      { missing_modules: [] },
    ],
  ] as const)(
    'leaves no browser running and is tried again after growing pauses, until it works: %s',
    async (_why, fault, mended) => {
      const whatsapp = await emulatedWhatsApp();
      await whatsapp.post('/config', fault);
      const host = await sessionHost(whatsapp, SHORT);
      const session = await host.create();

      await eventually(() => host.pauses().length >= 2, 25_000);
      expect(host.pauses().slice(0, 2)).toEqual([100, 200]);
      expect(host.logged('was lost')[0]).toMatchObject({ reason: 'start_failed' });
      expect(session.detail().last_error).toMatch(/^start_failed: .+$/);
      // At most the browser of the try that is under way: those before it have ended.
      expect((await browsersUnder(host.root)).length).toBeLessThanOrEqual(1);

      await whatsapp.post('/config', mended);
      await host.link(session, '491700000011');
      expect(await browsersUnder(host.root)).toHaveLength(1);
      expect(session.detail().last_error).toBeNull();
    },
    60_000,
  );

  it('rejects with what was wrong, when its browser has ended', async () => {
    const whatsapp = await emulatedWhatsApp();
    await whatsapp.post('/config', { page_never_loads: 'hang' });
    const profile = await temporaryDirectory();
    const watched = await watchedClient(whatsapp, profile, { start: 2500 });
    await expect(watched.client.start()).rejects.toMatchObject({
      code: 'browser_failed',
      message: expect.stringContaining('2500 ms'),
    });
    expect(await browsersUnder(profile)).toEqual([]);
    expect(watched.losses).toEqual([]);
  });

  it('ends at once, with its browser, when the session is stopped meanwhile', async () => {
    const whatsapp = await emulatedWhatsApp();
    await whatsapp.post('/config', { page_never_loads: 'hang' });
    const host = await sessionHost(whatsapp, { client: { start: 600_000 } });
    const session = await host.create();
    await eventually(() => session.browserPid);
    await host.manager.stop('7', 'main');
    expect(session.status).toBe('stopped');
    expect(await browsersUnder(host.root)).toEqual([]);
  });
});
