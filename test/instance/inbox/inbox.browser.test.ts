import { cp, rm } from 'node:fs/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DeviceClient } from '../../../emulator/device-client.ts';
import { eventKeys } from '../../../fleet/events/event-keys.ts';
import { messageIdOf } from '../../../fleet/queue/message-ids.ts';
import { eventually } from '../../helpers/eventually.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { emulatedWhatsApp, sessionHost } from '../whatsapp/quirks/setup.ts';
import { InboxHost } from './inbox-host.ts';

const PHONE = '491700000071';
const FRIEND = '491700000072';
const OTHER = '491700000073';
const CHAT = `${FRIEND}@c.us`;
const GROUP = '12036300001@g.us';

interface Delivered {
  id: string;
  serialized: string;
}

async function scene() {
  const whatsapp = await emulatedWhatsApp({ delivered_delay_ms: null });
  const inboxes = await InboxHost.start();
  const inbox = inboxes.inbox();
  const host = await sessionHost(whatsapp, { listeners: [inbox] });
  const session = await host.linked(PHONE);
  await inboxes.isLive();
  const deliver = (what: Record<string, unknown>) =>
    whatsapp.post<Delivered>('/deliver', { phone: PHONE, from: FRIEND, ...what });
  const restart = async () => {
    const before = inboxes.lines.filter(({ msg }) => msg === 'its histories are told').length;
    await host.manager.start('7', 'main');
    await host.reaches(session, 'ready');
    await inboxes.isLive(before + 1);
  };
  return { whatsapp, inboxes, inbox, host, session, deliver, restart };
}

describe('the inbox, with a browser', () => {
  it('tells what comes, once each, with all there is to it', async () => {
    const { whatsapp, inboxes, deliver } = await scene();
    await whatsapp.post('/group', {
      subject: 'Test',
      owner: OTHER,
      participants: [PHONE, FRIEND],
      id: GROUP,
    });
    const first = await deliver({ body: 'hello' });
    await deliver({ body: 'an answer', reply_to: first.serialized });
    await deliver({ data: Buffer.from('png').toString('base64'), mimetype: 'image/png', caption: 'look' });
    await deliver({ location: { latitude: 52.5, longitude: 13.4, name: 'Berlin' } });
    await deliver({ contact: { name: 'Other', phone: OTHER } });
    await deliver({ poll: { name: 'When?', options: ['now', 'later'] } });
    await deliver({ body: 'in a group', group: GROUP });
    const received = await inboxes.has('message.received', 7);
    expect(received).toMatchObject([
      {
        whatsapp_id: first.serialized,
        chat_id: CHAT,
        from: CHAT,
        kind: 'chat',
        text: 'hello',
        late: false,
        author: null,
      },
      { text: 'an answer', reply_to: first.serialized },
      { kind: 'image', text: 'look', media: { mimetype: 'image/png', size: 3 } },
      { kind: 'location', text: null, location: { latitude: 52.5, longitude: 13.4, name: 'Berlin' } },
      { kind: 'vcard', text: null, contacts: [expect.stringContaining(OTHER)] },
      { kind: 'poll_creation', text: 'When?' },
      { chat_id: GROUP, author: CHAT, text: 'in a group' },
    ]);
    expect(received[2]?.media?.url).toContain(encodeURIComponent(received[2]?.whatsapp_id ?? '?'));

    const { serialized } = await deliver({ from: PHONE, to: FRIEND, body: 'from the phone' });
    expect(await inboxes.has('message.sent_elsewhere', 1)).toMatchObject([
      { whatsapp_id: serialized, text: 'from the phone', chat_id: CHAT },
    ]);
    await deliver({ reaction: { message_id: serialized, emoji: '👍' } });
    await deliver({ reaction: { message_id: serialized, emoji: '' } });
    expect(await inboxes.has('message.reaction', 2)).toEqual([
      { whatsapp_id: serialized, chat_id: CHAT, from: CHAT, emoji: '👍' },
      { whatsapp_id: serialized, chat_id: CHAT, from: CHAT, emoji: '' },
    ]);
    await deliver({ edit: { message_id: first.serialized, body: 'hello again' } });
    expect(await inboxes.has('message.edited', 1)).toEqual([
      { whatsapp_id: first.serialized, chat_id: CHAT, text: 'hello again' },
    ]);
    await deliver({ revoke: { message_id: first.serialized } });
    expect(await inboxes.has('message.revoked', 1)).toEqual([
      { whatsapp_id: first.serialized, chat_id: CHAT },
    ]);
    // Nothing more came of any of it.
    await deliver({ body: 'the last' });
    await inboxes.has('message.received', 8);
    const counts: Record<string, number> = {};
    for (const { type } of await inboxes.events()) counts[type] = (counts[type] ?? 0) + 1;
    expect(counts).toMatchObject({
      'message.received': 8,
      'message.sent_elsewhere': 1,
      'message.reaction': 2,
      'message.edited': 1,
      'message.revoked': 1,
    });
    const statuses = (await inboxes.of('session.status')).map(({ status }) => status);
    expect(statuses.filter((status) => status !== 'authenticated')).toEqual(['starting', 'qr', 'ready']);
    expect((await inboxes.of('session.qr')).length).toBeGreaterThan(0);
  });

  it('tells what came while the session did not run, in order, and nothing a second time', async () => {
    const { inboxes, host, deliver, restart } = await scene();
    const now = Math.floor(Date.now() / 1000);
    // As if it had been linked for long: what was sent before it was linked is told of nobody.
    await inboxes.redis.hset(eventKeys.marks({ workspace: '7', session: 'main' }), 'since', now - 7 * 86_400);
    const before = await deliver({ body: 'before', timestamp: now - 100 });
    const old = await deliver({ body: 'long ago', from: OTHER, timestamp: now - 40 * 3600 });
    await inboxes.has('message.received', 2);
    await host.manager.stop('7', 'main');
    await deliver({ body: 'one', timestamp: now - 90 });
    const gone = await deliver({ body: 'taken back', timestamp: now - 85 });
    await deliver({ from: PHONE, to: FRIEND, body: 'from the phone', timestamp: now - 80 });
    await deliver({ body: 'two', timestamp: now - 70 });
    await deliver({ revoke: { message_id: gone.serialized } });
    await deliver({ edit: { message_id: before.serialized, body: 'before, mended' } });
    await deliver({ from: OTHER, reaction: { message_id: old.serialized, emoji: '🎉' } });
    for (let number = 1; number <= 120; number += 1)
      await deliver({ body: `many ${number}`, from: OTHER, timestamp: now - 60 });
    await restart();
    const many = Array.from({ length: 120 }, (_, index) => `many ${index + 1}`);
    const received = await inboxes.has('message.received', 124);
    const ofFriend = received.filter(({ chat_id }) => chat_id === CHAT).map(({ text }) => text);
    expect(ofFriend).toEqual(['before', 'one', 'two']);
    expect(received.filter(({ chat_id }) => chat_id !== CHAT).map(({ text }) => text)).toEqual([
      'long ago',
      ...many,
    ]);
    expect(received.filter(({ late }) => late)).toHaveLength(122);
    expect(await inboxes.of('message.sent_elsewhere')).toMatchObject([
      { text: 'from the phone', late: true },
    ]);
    expect(await inboxes.of('message.revoked')).toEqual([{ whatsapp_id: gone.serialized, chat_id: CHAT }]);
    expect(await inboxes.of('message.edited')).toMatchObject([{ text: 'before, mended' }]);
    expect(await inboxes.of('message.reaction')).toMatchObject([
      { whatsapp_id: old.serialized, emoji: '🎉' },
    ]);

    const count = (await inboxes.events()).filter(({ type }) => type.startsWith('message.')).length;
    await host.manager.stop('7', 'main');
    await restart();
    await deliver({ body: 'live again' });
    await inboxes.has('message.received', 125);
    expect((await inboxes.events()).filter(({ type }) => type.startsWith('message.'))).toHaveLength(
      count + 1,
    );
  });

  it('tells what came while it did not run also where it was read on another device meanwhile', async () => {
    const { whatsapp, inboxes, host, session, deliver, restart } = await scene();
    const other = new DeviceClient({ httpsPort: whatsapp.emulator.httpsPort });
    onTestFinished(() => other.disconnect());
    await other.connect();
    await other.until('waiting');
    await whatsapp.post('/scan', { qr: other.qr(), phone: PHONE });
    await other.until('live');
    await host.manager.stop('7', 'main');
    const read = [await deliver({ body: 'one' }), await deliver({ body: 'two' })];
    other.seen(
      CHAT,
      read.map(({ id }) => ({ id, sender: CHAT })),
    );
    await eventually(async () => {
      const { log } = await whatsapp.get<{ log: { event: string }[] }>('/log?event=seen');
      return log.length > 0;
    });
    await restart();
    expect(await session.readyClient().chats(1)).toMatchObject([{ chat_id: CHAT, unread: 0 }]);
    expect(await inboxes.has('message.received', 2)).toMatchObject([
      { text: 'one', late: true },
      { text: 'two', late: true },
    ]);
  });

  it('tells what came while Redis was away, in order', async () => {
    const { inboxes, deliver } = await scene();
    await deliver({ body: 'before' });
    await inboxes.has('message.received', 1);
    await inboxes.server.kill();
    for (let number = 1; number <= 20; number += 1) await deliver({ body: `away ${number}` });
    await eventually(() => inboxes.lines.some(({ msg }) => msg === 'events cannot be written; they wait'));
    await inboxes.server.start();
    const received = await inboxes.has('message.received', 21);
    expect(received.map(({ text }) => text)).toEqual([
      'before',
      ...Array.from({ length: 20 }, (_, index) => `away ${index + 1}`),
    ]);
    expect(received.some(({ late }) => late)).toBe(false);
  });

  it('tells at the next start what the page had stored and nobody had written down when all was killed', async () => {
    const { whatsapp, inboxes, inbox, host, session, deliver } = await scene();
    await deliver({ body: 'before' });
    await inboxes.has('message.received', 1);
    await inboxes.server.kill();
    const lost = await deliver({ body: 'stored by the page alone' });
    await eventually(async () => {
      const { delivered } = await whatsapp.get<{ delivered: { result: string | null }[] }>(
        `/delivered?id=${lost.id}`,
      );
      return delivered.some(({ result }) => result === 'stored');
    });
    // The process and its browser are killed: what waited is gone with them.
    await inbox.close(0);
    await session.kill();
    await inboxes.server.start();
    await deliver({ body: 'while nothing ran' });

    const next = inboxes.inbox();
    const after = await sessionHost(whatsapp, {
      root: host.root,
      takenOver: { released: false },
      listeners: [next],
    });
    await after.reaches(after.session(), 'ready');
    await inboxes.has('message.received', 3);
    expect(await inboxes.texts()).toEqual(['before', 'stored by the page alone', 'while nothing ran']);
  });

  it('tells a message that could not be read when it can be, while it runs and while it does not', async () => {
    const { whatsapp, inboxes, host, session, deliver, restart } = await scene();
    await whatsapp.post('/config', { repeat_delay_ms: null });
    const repeat = () =>
      eventually(
        async () =>
          (await whatsapp.post<{ repeated: unknown[] }>('/repeat', { phone: PHONE })).repeated.length > 0,
      );
    const profile = host.paths.userData(host.generation(session));
    const copy = await temporaryDirectory();
    await host.manager.stop('7', 'main');
    await cp(profile, copy, { recursive: true });
    await restart();
    await deliver({ body: 'read since the copy was made' });
    await inboxes.has('message.received', 1);
    await host.manager.stop('7', 'main');
    // As restored from the copy: it has no key for what this sender writes now.
    await rm(profile, { recursive: true });
    await cp(copy, profile, { recursive: true });
    await deliver({ body: 'sealed while away' });
    await restart();
    const unread = () => inboxes.marks.read({ workspace: '7', session: 'main' });
    await eventually(async () => (await unread())?.unreadable.size === 1);
    await deliver({ body: 'readable' });
    await inboxes.has('message.received', 2);
    await repeat();
    const [, ...read] = await inboxes.has('message.received', 3);
    expect(read).toMatchObject([{ text: 'readable' }, { text: 'sealed while away' }]);
    expect((await unread())?.unreadable.size).toBe(0);

    // The next one can be read only after another start.
    await host.manager.stop('7', 'main');
    await rm(profile, { recursive: true });
    await cp(copy, profile, { recursive: true });
    await restart();
    await deliver({ body: 'sealed again' });
    await eventually(async () => (await unread())?.unreadable.size === 1);
    await host.manager.stop('7', 'main');
    await whatsapp.post('/repeat', { phone: PHONE });
    await restart();
    expect((await inboxes.has('message.received', 4)).at(-1)).toMatchObject({
      text: 'sealed again',
      late: true,
    });
    expect((await unread())?.unreadable.size).toBe(0);
  });

  it('leaves messages of ours to who sent them', async () => {
    const { inboxes, whatsapp, session } = await scene();
    const key = { workspace: '7', session: 'main' };
    const whatsappId = `true_${CHAT}_3EB0AAAAAAAAAAAAAAAAAA`;
    const ours = messageIdOf(key, whatsappId);
    if (ours) inboxes.ours.add(ours);
    await session.readyClient().send({ to: CHAT, text: 'ours' }, '3EB0AAAAAAAAAAAAAAAAAA', async () => true);
    await session
      .readyClient()
      .send({ to: CHAT, text: 'not ours' }, '3EB0BBBBBBBBBBBBBBBBBB', async () => true);
    const sent = await inboxes.has('message.sent_elsewhere', 1);
    expect(sent.map(({ text }) => text)).toEqual(['not ours']);
    const { sent: all } = await whatsapp.get<{ sent: { id: string }[] }>(`/sent?phone=${PHONE}`);
    for (const { id } of all) await whatsapp.post('/ack', { id, ack: 3 });
    const statuses = await eventually(async () => {
      const found = await inboxes.of('message.status');
      return found.some(({ status }) => status === 'read') && found;
    });
    expect(new Set(statuses.map(({ whatsapp_id }) => whatsapp_id))).toEqual(
      new Set([`true_${CHAT}_3EB0BBBBBBBBBBBBBBBBBB`]),
    );
  });
});
