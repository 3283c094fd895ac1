import { expect, it } from 'vitest';
import type { Clock } from '../../../common/clock.ts';
import { createLogger } from '../../../common/logger.ts';
import { type SoftRestartParts, SoftRestarts } from '../../../instance/housekeeping/soft-restarts.ts';
import type { Session } from '../../../instance/session/session.ts';
import { hostClock } from '../../../instance/supervisor/host-clock.ts';
import { eventually } from '../../helpers/eventually.ts';
import { InboxHost } from '../inbox/inbox-host.ts';
import { queueHost } from '../outbox/outbox-host.ts';
import { emulatedWhatsApp, sessionHost } from '../whatsapp/quirks/setup.ts';

const PHONE = '491700000091';
const FRIEND = '491700000092';
const DAY = 24 * 3_600_000;
const RESTARTS = 2;

interface SentMessage {
  body: string;
  attempts: number;
}

/** A linked session whose messages go and come, and what restarts its browser; days pass by hand. */
async function scene() {
  const whatsapp = await emulatedWhatsApp({ delivered_delay_ms: null });
  const [queues, inboxes] = await Promise.all([queueHost(), InboxHost.start()]);
  const found = new Map<string, Session>();
  const { outbox } = await queues.outbox((_workspace, id) => found.get(id));
  const host = await sessionHost(whatsapp, { listeners: [inboxes.inbox(), outbox] });
  const session = await host.create();
  found.set('main', session);
  await host.link(session, PHONE);
  await inboxes.isLive();
  let later = 0;
  const clock: Clock = {
    now: () => hostClock.now() + later,
    monotonic: () => hostClock.monotonic() + later,
    sleep: (milliseconds, signal) => hostClock.sleep(milliseconds, signal),
  };
  const ended: Parameters<SoftRestartParts['onEnd']>[] = [];
  const restarts = new SoftRestarts({
    rules: { age: DAY, memory: 0 },
    manager: host.manager,
    sending: outbox,
    copies: { isUnderWay: () => false },
    memoryOf: () => undefined,
    isShort: async () => false,
    isWell: () => true,
    patience: 90_000,
    clock,
    log: createLogger('silent', {}),
    onEnd: (...given) => ended.push(given),
  });
  const router = await queues.router();
  return {
    ended,
    host,
    inboxes,
    restarts,
    router,
    session,
    whatsapp,
    grow: (milliseconds: number) => {
      later += milliseconds;
    },
  };
}

it('a soft restart amid messages loses none, sends none twice, and asks for no QR', async () => {
  const { ended, grow, host, inboxes, restarts, router, session, whatsapp } = await scene();
  const going: string[] = [];
  const coming: string[] = [];
  let goesOn = true;
  const traffic = async () => {
    while (goesOn) {
      const number = coming.length;
      coming.push(`in ${number}`);
      await whatsapp.post('/deliver', { phone: PHONE, from: FRIEND, body: `in ${number}` });
      going.push(await router.text(`out ${number}`));
      await hostClock.sleep(150);
    }
  };
  const flowing = traffic();
  const { signal } = new AbortController();
  await restarts.round(signal);
  for (let count = 1; count <= RESTARTS; count += 1) {
    const { lives } = session;
    grow(3 * DAY);
    // Most of the time a message is in hand: it is looked until none is.
    await eventually(async () => {
      await restarts.round(signal);
      return ended.length === count;
    }, 90_000);
    expect(ended.at(-1)?.slice(0, 2)).toEqual(['age', 'ready']);
    expect(session.lives).toBe(lives + 1);
    const before = coming.length;
    await eventually(() => coming.length > before + 5, 60_000);
  }
  goesOn = false;
  await flowing;

  for (const id of going) expect(await router.ended(id)).toMatchObject({ status: 'sent', attempts: 1 });
  const { sent } = await whatsapp.get<{ sent: SentMessage[] }>(`/sent?phone=${PHONE}&limit=5000`);
  expect(sent.map(({ attempts, body }) => [body, attempts])).toEqual(
    going.map((_id, index) => [`out ${index}`, 1]),
  );
  const received = await inboxes.has('message.received', coming.length);
  expect(received.map(({ text }) => text)).toEqual(coming);
  expect(received.some(({ late }) => late)).toBe(true);

  expect(host.history.filter((entry) => entry === 'main qr').length).toBeLessThanOrEqual(1);
  expect(host.times('ready')).toBe(1 + RESTARTS);
  expect(host.times('disconnected')).toBe(0);
  expect(session.detail().reconnects).toBe(0);
  expect(host.logged('cut off')).toEqual([]);
}, 240_000);
