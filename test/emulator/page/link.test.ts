import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Message } from 'whatsapp-web.js';
import { EmulatedWhatsApp, endClient, nextEvent } from '../../helpers/emulated-whatsapp.ts';

describe('the emulated page, linked by QR', () => {
  let whatsApp: EmulatedWhatsApp;

  beforeAll(async () => {
    whatsApp = await EmulatedWhatsApp.start();
  });
  afterAll(() => whatsApp.close());

  it('links, sends and receives a text, and comes back from its profile without a QR', async () => {
    const profile = await whatsApp.profile();
    const client = await whatsApp.client(profile);
    await whatsApp.link(client, '491700000001', 'Ada');
    expect(client.info.wid._serialized).toBe('491700000001@c.us');
    expect(client.info.pushname).toBe('Ada');
    expect(await client.getState()).toBe('CONNECTED');

    const sent = await client.sendMessage('491700000002@c.us', 'hello', { waitUntilMsgSent: true });
    expect(sent.body).toBe('hello');
    const { sent: ledger } = await whatsApp.get<{ sent: { id: string }[] }>('/sent?phone=491700000001');
    expect(ledger.map(({ id }) => id)).toEqual([sent.id.id]);

    const received = nextEvent<[Message]>(client, 'message');
    await whatsApp.post('/deliver', { phone: '491700000001', from: '491700000002', body: 'hello back' });
    const [message] = await received;
    expect(message.body).toBe('hello back');
    expect(message.from).toBe('491700000002@c.us');
    await endClient(client);

    const again = await whatsApp.client(profile);
    const qrs: string[] = [];
    again.on('qr', (qr) => qrs.push(qr));
    await whatsApp.start(again);
    expect(qrs).toEqual([]);
    const chat = await again.getChatById('491700000002@c.us');
    const messages = await chat.fetchMessages({ limit: 10 });
    expect(messages.map(({ body }) => body)).toEqual(['hello', 'hello back']);
  });
});
