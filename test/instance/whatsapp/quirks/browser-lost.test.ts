import { describe, expect, it } from 'vitest';
import type { Session } from '../../../../instance/session/session.ts';
import { eventually } from '../../../helpers/eventually.ts';
import { browsersUnder, isAlive, rendererOf } from '../../../helpers/processes.ts';
import type { SessionHost } from '../../../helpers/session-host.ts';
import { emulatedWhatsApp, sessionHost } from './setup.ts';

const PHONE = '491700000005';

/** Facts file, 5: none of these raises an event of the library. */
describe('a ready session whose browser is of no more use', () => {
  it('is ready again at once when the browser was killed', async () => {
    const host = await sessionHost(await emulatedWhatsApp());
    const session = await host.linked(PHONE);
    await comesBack(host, session, 'browser_gone', async (browser) => process.kill(browser, 'SIGKILL'));
  });

  it('is ready again at once when the process of its page was killed', async () => {
    const host = await sessionHost(await emulatedWhatsApp());
    const session = await host.linked(PHONE);
    await comesBack(host, session, 'page_crashed', async (browser) =>
      process.kill(await rendererOf(browser), 'SIGKILL'),
    );
  });

  it('is ready again at once when its page crashed', async () => {
    const whatsapp = await emulatedWhatsApp();
    const host = await sessionHost(whatsapp);
    const session = await host.linked(PHONE);
    await comesBack(host, session, 'page_crashed', async () => {
      await whatsapp.post('/crash', { phone: PHONE, action: 'crash' });
    });
  });

  it('is started again when its page hangs, though it says CONNECTED: the round trip tells', async () => {
    const whatsapp = await emulatedWhatsApp();
    const host = await sessionHost(whatsapp, { life: { health: 300 }, client: { ping: 1000 } });
    const session = await host.linked(PHONE);
    await comesBack(host, session, 'no_answer', async () => {
      await whatsapp.post('/crash', { phone: PHONE, action: 'hang' });
    });
  });

  it('waits between starts from the fourth loss on', async () => {
    const host = await sessionHost(await emulatedWhatsApp(), { backoff: { base: 300 } });
    const session = await host.linked(PHONE);
    for (let loss = 1; loss <= 4; loss += 1) {
      const browser = session.browserPid;
      process.kill(browser ?? 0, 'SIGKILL');
      await eventually(() => session.status === 'ready' && session.browserPid !== browser);
    }
    expect(host.pauses()).toEqual([0, 0, 0, 300]);
  }, 60_000);
});

/** Does harm to the browser of a ready session, and sees the session back: one start, without a pause before it, and nothing left of the first. */
async function comesBack(
  host: SessionHost,
  session: Session,
  reason: string,
  harm: (browser: number) => Promise<unknown>,
): Promise<void> {
  const browser = session.browserPid;
  if (browser === undefined) throw new Error('no browser runs');
  const from = performance.now();
  await harm(browser);
  await eventually(() => session.status !== 'ready');
  const noticed = performance.now();
  await host.reaches(session, 'ready');
  process.stdout.write(
    `${reason}: noticed after ${Math.round(noticed - from)} ms, ready again after ${Math.round(performance.now() - from)} ms\n`,
  );
  expect(host.logged('was lost')).toMatchObject([{ reason, retry_in_ms: 0 }]);
  expect(host.times('qr')).toBe(1);
  expect(host.times('starting')).toBe(2);
  expect(await isAlive(browser)).toBe(false);
  expect(await browsersUnder(host.root)).toHaveLength(1);
}
