import { describe, expect, it } from 'vitest';
import type { OutgoingMessage } from '../../../fleet/messages.ts';
import { newMessageId, whatsappKeyOf } from '../../../fleet/queue/message-ids.ts';
import type { PreparedMessage, WhatsAppClient } from '../../../instance/whatsapp/client.ts';
import type { EmulatedWhatsApp } from '../../helpers/emulated-whatsapp.ts';
import { eventually } from '../../helpers/eventually.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { emulatedWhatsApp, linkClient, type WatchedClient, watchedClient } from './quirks/setup.ts';

const PHONE = '491700000095';
const FRIEND = '491700000096';
const TO = `${FRIEND}@c.us`;

interface SentMessage {
  id: string;
  serialized: string;
  to: string;
  type: string;
  body: string;
  attempts: number;
  ack: number;
}

const newKey = () => whatsappKeyOf(newMessageId({ workspace: '7', session: 'main' }));
const yes = async () => true;

async function linked(timeouts: Parameters<typeof watchedClient>[2] = {}) {
  const whatsapp = await emulatedWhatsApp({ delivered_delay_ms: null });
  const watched = await watchedClient(whatsapp, await temporaryDirectory(), timeouts);
  await linkClient(whatsapp, watched, PHONE);
  return { whatsapp, watched, client: watched.client };
}

async function sentBy(whatsapp: EmulatedWhatsApp): Promise<SentMessage[]> {
  return (await whatsapp.get<{ sent: SentMessage[] }>(`/sent?phone=${PHONE}`)).sent;
}

async function fateOf(client: WhatsAppClient, key: string, to = TO) {
  const { fates } = await client.fates([{ to, key }]);
  return fates[0];
}

/** Ends a watched page by reloading it, and waits until it is ready again. */
async function reload(whatsapp: EmulatedWhatsApp, watched: WatchedClient): Promise<void> {
  const before = watched.ready.length;
  await whatsapp.post('/crash', { phone: PHONE, action: 'reload' });
  await eventually(() => watched.ready.length > before);
}

describe("a message's id, in a browser", () => {
  it('is ours on the wire, whatever the message is, and the history is asked by it', async () => {
    const { whatsapp, client } = await linked();
    const { serialized: quoted } = await whatsapp.post<{ serialized: string }>('/deliver', {
      phone: PHONE,
      from: FRIEND,
      body: 'a question',
    });
    const { group } = await whatsapp.post<{ group: { id: string } }>('/group', {
      subject: 'Test',
      owner: FRIEND,
      participants: [PHONE],
    });
    const png =
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
    const contents: (Exclude<OutgoingMessage, { media: unknown }> | PreparedMessage)[] = [
      { to: TO, text: 'a text with a link, https://example.org/' },
      { to: TO, text: 'an answer', reply_to: quoted },
      { to: TO, media: { mimetype: 'image/png', data: png, filename: 'a.png' }, caption: 'an image' },
      { to: TO, media: { mimetype: 'text/plain', data: 'aGVsbG8=', filename: 'a.txt' } },
      { to: TO, location: { latitude: 52.5, longitude: 13.4, name: 'Berlin' } },
      { to: TO, contact: { name: 'Ada', phone_number: '491711111111' } },
      { to: TO, poll: { question: 'When?', options: ['today', 'tomorrow'] } },
      { to: group.id, text: 'to a group' },
    ];
    const keys = contents.map(newKey);
    for (const [index, message] of contents.entries()) {
      const key = keys[index] ?? '';
      const whatsappId = await client.send(message, key, yes);
      expect(whatsappId).toContain(`true_${message.to}_${key}`);
    }
    await eventually(async () => (await sentBy(whatsapp)).length === contents.length);
    const sent = await sentBy(whatsapp);
    expect(sent.map(({ id }) => id)).toEqual(keys);
    expect(sent.map(({ type }) => type)).toEqual([
      'chat',
      'chat',
      'image',
      'document',
      'location',
      'vcard',
      'poll_creation',
      'chat',
    ]);
    const queries = contents.map(({ to }, index) => ({ to, key: keys[index] ?? '' }));
    const look = () => client.fates(queries);
    await eventually(async () =>
      (await look()).fates.every((fate) => fate.kind === 'present' && fate.ack >= 1),
    );
    expect(await look()).toEqual({
      connected: true,
      fates: sent.map(({ serialized }) => ({ kind: 'present', whatsappId: serialized, ack: 1 })),
    });
  });

  it('goes with its own call when two are under way and the first stands still on its way', async () => {
    const { whatsapp, client } = await linked();
    const [first, second] = [newKey(), newKey()];
    let letGo = (_may: boolean) => {};
    let asked = false;
    const slow = client.send({ to: TO, text: 'first' }, first, () => {
      asked = true;
      return new Promise((resolve) => {
        letGo = resolve;
      });
    });
    await eventually(() => asked);
    await client.send({ to: TO, text: 'second' }, second, yes);
    letGo(true);
    await slow;
    await eventually(async () => (await sentBy(whatsapp)).length === 2);
    expect((await sentBy(whatsapp)).map(({ id, body }) => [id, body])).toEqual([
      [second, 'second'],
      [first, 'first'],
    ]);
  });

  it('is of no message that was taken back, that failed before it left, or that was given up', async () => {
    const { whatsapp, client } = await linked({ send: 1500 });
    await expect(
      client.send({ to: TO, text: 'taken back' }, newKey(), async () => false),
    ).rejects.toMatchObject({
      code: 'send_failed',
    });
    const gone = `true_${TO}_3EB0000000000000000000`;
    await expect(
      client.send({ to: TO, text: 'to what?', reply_to: gone }, newKey(), yes),
    ).rejects.toMatchObject({ code: 'message_not_found' });
    let letGo = (_may: boolean) => {};
    const givenUp = newKey();
    const late = client.send({ to: TO, text: 'given up' }, givenUp, () => {
      return new Promise((resolve) => {
        letGo = resolve;
      });
    });
    await expect(late).rejects.toMatchObject({ code: 'timeout' });
    letGo(true);
    await client.send({ to: TO, text: 'the next' }, newKey(), yes);
    await eventually(async () => (await sentBy(whatsapp)).length > 0);
    expect((await sentBy(whatsapp)).map(({ body }) => body)).toEqual(['the next']);
    expect(await fateOf(client, givenUp)).toEqual({ kind: 'absent' });
  });

  it('is found again after the page has loaded itself anew, with the ack it has', async () => {
    const { whatsapp, watched, client } = await linked();
    await whatsapp.post('/config', { lose_sends: true });
    const lost = newKey();
    await client.send({ to: TO, text: 'the frame is lost' }, lost, yes);
    expect(await fateOf(client, lost)).toMatchObject({ kind: 'present', ack: 0 });
    await whatsapp.post('/config', { lose_sends: false });
    await reload(whatsapp, watched);
    // The page sends by itself what it has stored: no other try is needed, nor wanted.
    await eventually(async () => {
      const fate = await fateOf(client, lost);
      return fate?.kind === 'present' && fate.ack === 1;
    });
    const next = newKey();
    await client.send({ to: TO, text: 'after it' }, next, yes);
    await eventually(async () => (await sentBy(whatsapp)).length === 2);
    expect((await sentBy(whatsapp)).map(({ id }) => id)).toEqual([lost, next]);
  });

  it('is sent again under the same id where it must be, and arrives once', async () => {
    const { whatsapp, client } = await linked();
    const key = newKey();
    for (let time = 0; time < 2; time += 1) await client.send({ to: TO, text: 'again' }, key, yes);
    await eventually(async () => (await sentBy(whatsapp))[0]?.attempts === 2);
    expect(await sentBy(whatsapp)).toHaveLength(1);
  });

  it('stays unsaid of a recipient who is not on WhatsApp', async () => {
    const { client } = await linked();
    await expect(client.requireRecipient('000123456789@c.us')).rejects.toMatchObject({
      code: 'recipient_not_on_whatsapp',
    });
    await client.requireRecipient(TO);
    await client.showTyping(TO);
  });
});
