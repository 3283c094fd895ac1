import { describe, expect, it } from 'vitest';
import type { Session } from '../../../instance/session/session.ts';
import { eventually } from '../../helpers/eventually.ts';
import type { SessionHostOptions } from '../../helpers/session-host.ts';
import { emulatedWhatsApp, sessionHost } from '../whatsapp/quirks/setup.ts';
import { type OutboxChanges, queueHost, TO } from './outbox-host.ts';

const PHONE = '491700000051';

interface SentMessage {
  id: string;
  type: string;
  body: string;
  attempts: number;
  ack: number;
}

/** A linked session in a browser whose queue is served, and whoever hands messages in. */
async function linked(options: SessionHostOptions = {}, changes: OutboxChanges = {}) {
  const whatsapp = await emulatedWhatsApp({ delivered_delay_ms: null });
  const queues = await queueHost();
  const found = new Map<string, Session>();
  const made = await queues.outbox((_workspace, id) => found.get(id), changes);
  const host = await sessionHost(whatsapp, { ...options, listeners: [made.outbox] });
  const session = await host.create();
  found.set('main', session);
  await host.link(session, PHONE);
  const router = await queues.router();
  const sent = async () => (await whatsapp.get<{ sent: SentMessage[] }>(`/sent?phone=${PHONE}`)).sent;
  const accept = async (count: number, changes: Parameters<typeof router.text>[1] = {}) => {
    const ids: string[] = [];
    for (let index = 0; index < count; index += 1) ids.push(await router.text(`text ${index}`, changes));
    return ids;
  };
  const texts = (count: number) => Array.from({ length: count }, (_, index) => `text ${index}`);
  return { ...made, accept, host, router, sent, session, texts, whatsapp };
}

describe('the outbox with a browser', () => {
  it('sends a queue in order, each message once, each with an ack', async () => {
    const { accept, router, sent, texts } = await linked();
    const ids = await accept(20);
    for (const id of ids) expect(await router.ended(id)).toMatchObject({ status: 'sent', attempts: 1 });
    expect((await sent()).map(({ body, attempts }) => [body, attempts])).toEqual(
      texts(20).map((text) => [text, 1]),
    );
  });

  it.each(['reload', 'crash', 'hang'] as const)(
    'sends all of a queue in order though its page does this: %s',
    async (action) => {
      const { accept, host, router, sent, texts, whatsapp } = await linked({
        life: { health: 500 },
        client: { ping: 1000 },
      });
      await whatsapp.post('/config', { ack_delay_ms: 100 });
      const ids = await accept(12);
      for (const at of [3, 7]) {
        await eventually(async () => (await sent()).length >= at);
        await whatsapp.post('/crash', { phone: PHONE, action });
        await eventually(() => host.session().status !== 'ready');
        await eventually(() => host.session().status === 'ready');
      }
      const ends: string[] = [];
      for (const id of ids) ends.push((await router.ended(id)).status);
      const bodies = (await sent()).map(({ body }) => body);
      expect(new Set(bodies).size).toBe(bodies.length);
      expect(bodies).toEqual(texts(12).filter((text) => bodies.includes(text)));
      // What the page may have had and does not know any more is told as unknown, and nothing else is missing.
      const missing = texts(12).flatMap((text, index) => (bodies.includes(text) ? [] : [ends[index]]));
      expect(missing.every((status) => status === 'unknown')).toBe(true);
      expect(ends.filter((status) => status === 'failed')).toEqual([]);
    },
  );

  it('sends again under the same id what may be lost, where that is wanted, and it arrives once', async () => {
    const { accept, host, router, sent, texts, whatsapp } = await linked();
    await whatsapp.post('/config', { ack_delay_ms: 50 });
    const ids = await accept(15, { on_unknown: 'resend' });
    for (const at of [2, 6, 10]) {
      await eventually(async () => (await sent()).length >= at);
      process.kill(host.session().browserPid ?? 0, 'SIGKILL');
      await eventually(() => host.session().status !== 'ready');
      await eventually(() => host.session().status === 'ready');
    }
    for (const id of ids) expect(await router.ended(id)).toMatchObject({ status: 'sent' });
    expect((await sent()).map(({ body }) => body)).toEqual(texts(15));
  });

  it.each([
    ['the server has a message and its ack is lost', { lose_acks: 1 }],
    ['a message never got to the server', { lose_sends: 1 }],
  ])(
    'starts the browser anew where %s: the page sends it again by itself, and it arrives once',
    async (_why, fault) => {
      const { accept, host, router, sent, status, whatsapp } = await linked(
        {},
        { patience: { patience: 1500 } },
      );
      await whatsapp.post('/config', fault);
      const [first = '', second = ''] = await accept(2);
      expect(await router.ended(first)).toMatchObject({ status: 'sent', attempts: 1 });
      expect(await router.ended(second)).toMatchObject({ status: 'sent', attempts: 1 });
      expect(status).toMatchObject({ renewals: 1, stuckSessions: 0 });
      expect(host.times('starting')).toBe(2);
      expect((await sent()).map(({ body }) => body)).toEqual(['text 0', 'text 1']);
    },
  );

  it('sends media in its turn, and lets go of it once the page has it', async () => {
    let held = 0;
    const media = {
      prepare: async () => {
        held += 1;
        return {
          mimetype: 'image/png',
          data: 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
          filename: 'a.png',
          release: () => {
            held -= 1;
          },
        };
      },
    };
    const { accept, router, sent } = await linked({}, { media });
    const [before = ''] = await accept(1);
    const image = await router.accept({
      message: { to: TO, media: { media_id: `med_${'0'.repeat(32)}` }, caption: 'an image' },
    });
    const [after = ''] = await accept(1);
    for (const id of [before, image, after]) expect(await router.ended(id)).toMatchObject({ status: 'sent' });
    expect((await sent()).map(({ type }) => type)).toEqual(['chat', 'image', 'chat']);
    expect(held).toBe(0);
  });

  it('waits while there is no connection, and starts no browser for that', async () => {
    const { accept, host, router, sent, status, whatsapp } = await linked(
      {},
      { patience: { patience: 1000 } },
    );
    await whatsapp.post('/config', { outage: true });
    const ids = await accept(3);
    await new Promise((resolve) => setTimeout(resolve, 4000));
    expect(status).toMatchObject({ renewals: 0, unknown: 0, failed: 0 });
    await whatsapp.post('/config', { outage: false });
    for (const id of ids) expect(await router.ended(id)).toMatchObject({ status: 'sent' });
    expect((await sent()).map(({ body }) => body)).toEqual(['text 0', 'text 1', 'text 2']);
    expect(host.times('starting')).toBe(1);
  });

  it('says of what the server refuses that it failed, and goes on', async () => {
    const { accept, router, whatsapp } = await linked();
    await whatsapp.post('/config', { fail_sends: 1 });
    const [first = '', second = ''] = await accept(2);
    expect(await router.ended(first)).toMatchObject({ status: 'failed', error: { code: 'send_failed' } });
    expect(await router.ended(second)).toMatchObject({ status: 'sent' });
  });

  it('keeps the rest of a queue whose device is removed in the midst of it, for the next link', async () => {
    const { accept, host, router, sent, session, whatsapp } = await linked();
    await whatsapp.post('/config', { ack_delay_ms: 100 });
    const ids = await accept(10);
    await eventually(async () => (await sent()).length >= 3);
    await whatsapp.post('/remove-device', { phone: PHONE });
    await eventually(() => session.status === 'qr' || session.status === 'logged_out');
    const waiting = [];
    for (const id of ids) waiting.push(await router.status(id));
    expect(waiting.at(-1)).toBe('queued');
    if (session.status === 'logged_out') await session.start();
    await host.link(session, PHONE);
    for (const id of ids) expect(['sent', 'unknown']).toContain((await router.ended(id)).status);
    const bodies = (await sent()).map(({ body }) => body);
    expect(new Set(bodies).size).toBe(bodies.length);
    expect(bodies.at(-1)).toBe('text 9');
  });

  it('sends to somebody who reads: each status is told once, in order', async () => {
    const { accept, router, whatsapp } = await linked();
    await whatsapp.post('/config', { delivered_delay_ms: 50, read_delay_ms: 100 });
    const [id = ''] = await accept(1);
    await eventually(async () => (await router.status(id)) === 'read');
    expect(await router.told(id)).toEqual(['sent', 'delivered', 'read']);
    expect(await router.queues.find(id)).toMatchObject({
      whatsapp_id: expect.stringContaining(`true_${TO}_3EB0`),
    });
  });
});
