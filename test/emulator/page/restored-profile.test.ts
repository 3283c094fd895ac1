import { cp } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Client, Message } from 'whatsapp-web.js';
import { EmulatedWhatsApp, endClient, nextEvent } from '../../helpers/emulated-whatsapp.ts';
import { eventually } from '../../helpers/eventually.ts';

const ME = '491700000001';
const PEER = '491700000002';
const CHAT = `${PEER}@c.us`;

describe('a profile of the emulated page that is older than what the server has seen', () => {
  let whatsApp: EmulatedWhatsApp;

  beforeEach(async () => {
    whatsApp = await EmulatedWhatsApp.start({ repeat_delay_ms: null });
  });
  afterEach(() => whatsApp.close());

  /** A client on a copy that was made before the message "read since" came. */
  async function restored(): Promise<Client> {
    const profile = await whatsApp.profile();
    const copy = await whatsApp.profile();
    const first = await whatsApp.client(profile);
    await whatsApp.link(first, ME, 'Ada');
    await endClient(first);
    await cp(profile, copy, { recursive: true });
    const second = await whatsApp.client(profile);
    await whatsApp.start(second);
    const received = nextEvent<[Message]>(second, 'message');
    await whatsApp.post('/deliver', { phone: ME, from: PEER, body: 'read since' });
    await received;
    // The event comes after the acknowledgement was sent, not after it has arrived.
    await eventually(async () => (await events()).includes('stored'));
    await endClient(second);
    const client = await whatsApp.client(copy);
    await whatsApp.start(client);
    return client;
  }

  async function events(): Promise<string[]> {
    const { log } = await whatsApp.get<{ log: { event: string }[] }>('/log');
    return log.map(({ event }) => event);
  }

  it('is recorded as a rollback, and does not get again what was acknowledged', async () => {
    const client = await restored();
    expect(await events()).toContain('rollback');
    const chats = await client.getChats();
    expect(chats.map(({ id }) => id._serialized)).not.toContain(CHAT);
  });

  it('cannot read messages of a session it does not have until they are repeated', async () => {
    const client = await restored();
    const waiting = nextEvent<[Message]>(client, 'message_ciphertext');
    await whatsApp.post('/deliver', { phone: ME, from: PEER, body: 'sealed' });
    const [ciphertext] = await waiting;
    expect([ciphertext.type, ciphertext.body]).toEqual(['ciphertext', '']);
    const received = nextEvent<[Message]>(client, 'message');
    await eventually(async () => {
      const { repeated } = await whatsApp.post<{ repeated: unknown[] }>('/repeat', { phone: ME });
      return repeated.length === 1;
    });
    const [message] = await received;
    expect([message.id.id, message.type, message.body]).toEqual([ciphertext.id.id, 'chat', 'sealed']);
  });
});
