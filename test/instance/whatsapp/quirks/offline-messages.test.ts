import { expect, it } from 'vitest';
import { emulatedWhatsApp, sessionHost } from './setup.ts';

const PHONE = '491700000002';
const FRIEND = '491711111112';

/** Facts file, 2. */
it('shows messages that came while the browser was away as an unread chat, to be read, and raises no event for them', async () => {
  const whatsapp = await emulatedWhatsApp();
  const host = await sessionHost(whatsapp);
  const session = await host.linked(PHONE);
  await host.manager.stop('7', 'main');

  for (const body of ['first', 'second', 'third'])
    await whatsapp.post('/deliver', { phone: PHONE, from: FRIEND, body });
  await host.manager.start('7', 'main');
  await host.reaches(session, 'ready');

  const client = session.readyClient();
  const chats = await client.chats(10);
  expect(chats).toMatchObject([{ chat_id: `${FRIEND}@c.us`, unread: 3 }]);
  const messages = await client.messages(`${FRIEND}@c.us`, 10);
  expect(messages.map(({ text, from_me }) => ({ text, from_me }))).toEqual(
    ['first', 'second', 'third'].map((text) => ({ text, from_me: false })),
  );
  // An event would have counted as activity of this life; the session has had none.
  expect(session.detail().last_activity).toBeNull();

  await whatsapp.post('/deliver', { phone: PHONE, from: FRIEND, body: 'while it is there' });
  await expect.poll(() => session.detail().last_activity, { timeout: 10_000 }).not.toBeNull();
});

it('lists each message of a chat once and in the order of time, also those that were sent earlier and came later', async () => {
  const whatsapp = await emulatedWhatsApp();
  const host = await sessionHost(whatsapp);
  const session = await host.linked(PHONE);
  const now = Math.floor(Date.now() / 1000);
  const deliver = (body: string, ago: number) =>
    whatsapp.post('/deliver', { phone: PHONE, from: FRIEND, body, timestamp: now - ago });
  await deliver('first', 300);
  await deliver('fourth', 100);
  await expect.poll(() => session.detail().last_activity, { timeout: 10_000 }).not.toBeNull();
  await host.manager.stop('7', 'main');
  await deliver('second', 250);
  await deliver('third', 200);
  await host.manager.start('7', 'main');
  await host.reaches(session, 'ready');

  const messages = await session.readyClient().messages(`${FRIEND}@c.us`, 10);
  expect(messages.map(({ text }) => text)).toEqual(['first', 'second', 'third', 'fourth']);
});
