import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client, Message } from 'whatsapp-web.js';
import { EmulatedWhatsApp, nextEvent } from '../../helpers/emulated-whatsapp.ts';
import { eventually } from '../../helpers/eventually.ts';

const ADA = '491700000001';
const GRACE = '491700000002';

describe('several emulated pages', () => {
  let whatsApp: EmulatedWhatsApp;
  let ada: Client;
  let grace: Client;

  beforeAll(async () => {
    whatsApp = await EmulatedWhatsApp.start();
    ada = await whatsApp.client();
    grace = await whatsApp.client();
    await whatsApp.link(ada, ADA, 'Ada');
    await whatsApp.link(grace, GRACE, 'Grace');
  });
  afterAll(() => whatsApp.close());

  it('of two accounts talk to each other, with acks as they receive and read', async () => {
    const acks: number[] = [];
    ada.on('message_ack', (_message: Message, ack: number) => acks.push(ack));
    const received = nextEvent<[Message]>(grace, 'message');
    await ada.sendMessage(`${GRACE}@c.us`, 'hello Grace');
    const [message] = await received;
    expect([message.body, message.from]).toEqual(['hello Grace', `${ADA}@c.us`]);
    expect((await message.getContact()).pushname).toBe('Ada');
    await eventually(() => acks.includes(2));
    const answered = nextEvent<[Message]>(ada, 'message');
    // The library marks the chat as seen before it sends.
    await message.reply('hello Ada');
    expect((await answered)[0].hasQuotedMsg).toBe(true);
    await eventually(() => acks.includes(3));
  });

  it('of one account see what the other sends', async () => {
    const second = await whatsApp.client();
    await whatsApp.link(second, ADA, 'Ada');
    const created = nextEvent<[Message]>(second, 'message_create');
    const received = nextEvent(grace, 'message');
    const sent = await ada.sendMessage(`${GRACE}@c.us`, 'seen by both');
    const [message] = await created;
    expect([message.id._serialized, message.fromMe]).toEqual([sent.id._serialized, true]);
    await received;
  });

  it('acknowledge nothing they could not store, and get it again', async () => {
    await grace.pupPage?.evaluate(`{
      const { put } = IDBObjectStore.prototype;
      IDBObjectStore.prototype.put = function () {
        IDBObjectStore.prototype.put = put;
        throw new DOMException('the disk is full', 'QuotaExceededError');
      };
    }`);
    const states: string[] = [];
    grace.on('change_state', (state: string) => states.push(state));
    const received = nextEvent<[Message]>(grace, 'message');
    await whatsApp.post('/deliver', { phone: GRACE, from: '491700000003', id: 'NOT-LOST', body: 'not lost' });
    await eventually(() => states.includes('OPENING'));
    const before = await whatsApp.get<{ waiting: number }>('/delivered?id=NOT-LOST');
    expect(before.waiting).toBe(1);
    expect((await received)[0].body).toBe('not lost');
    await eventually(
      async () => (await whatsApp.get<{ waiting: number }>('/delivered?id=NOT-LOST')).waiting === 0,
    );
  });
});
