import { expect, test } from 'vitest';
import type { Content } from '../../../emulator/protocol/messages.ts';
import { testEmulator, texts } from './helpers.ts';

const ANNA = '491700000001';
const BEN = '491700000002';
const STRANGER = '491700000077';
const text = (body: string): Content => ({ type: 'chat', body });

test('two accounts talk: acks rise from 1 to 2 when stored and to 3 when read', async () => {
  const emulator = await testEmulator();
  const anna = await emulator.linked(ANNA);
  const ben = await emulator.linked(BEN);
  const answer = await anna.send(`${BEN}@c.us`, text('hello'));
  expect(answer.ack).toBe(1);
  await ben.when(() => texts(ben).includes('hello'));
  const received = ben.profile.messages.get(answer.id)?.message;
  expect(received).toMatchObject({ chat: `${ANNA}@c.us`, sender: `${ANNA}@c.us`, pushname: `Phone ${ANNA}` });
  await anna.when(() => anna.profile.messages.get(answer.id)?.ack === 2);
  ben.seen(`${ANNA}@c.us`, [{ id: answer.id, sender: `${ANNA}@c.us` }]);
  await anna.when(() => anna.profile.messages.get(answer.id)?.ack === 3);
  const { sent } = await emulator.get(`/sent?phone=${ANNA}`);
  expect(sent).toMatchObject([
    {
      id: answer.id,
      serialized: `true_${BEN}@c.us_${answer.id}`,
      device: `${ANNA}:1@c.us`,
      to: `${BEN}@c.us`,
      type: 'chat',
      body: 'hello',
      attempts: 1,
      ack: 3,
      seq: 1,
      peer_seq: 1,
    },
  ]);
  const { delivered } = await emulator.get(`/delivered?phone=${BEN}`);
  expect(delivered).toMatchObject([
    { id: answer.id, result: 'stored', sends: 1, seen_at: expect.any(String) },
  ]);
});

test('an account’s other devices get what one of them sends', async () => {
  const emulator = await testEmulator();
  const first = await emulator.linked(ANNA);
  const second = await emulator.linked(ANNA);
  const { id } = await first.send(`${STRANGER}@c.us`, text('from the first'));
  await second.when(() => second.profile.messages.has(id));
  expect(second.profile.messages.get(id)?.message).toMatchObject({
    chat: `${STRANGER}@c.us`,
    sender: `${ANNA}@c.us`,
  });
});

test('delivers what came while the device was away, before sync_done, and counts it in welcome', async () => {
  const emulator = await testEmulator();
  const device = await emulator.linked(ANNA);
  await device.disconnect();
  await emulator.logged('disconnect', 2);
  const ids: string[] = [];
  for (let number = 1; number <= 5; number += 1) {
    ids.push(
      (await emulator.post('/deliver', { phone: ANNA, from: STRANGER, body: `offline ${number}` })).id,
    );
  }
  const again = emulator.device({ profile: device.profile });
  await again.connect();
  await again.until('live');
  expect(again.frames).toMatchObject([{ type: 'welcome', offline: 5 }, { type: 'sync_done' }]);
  expect(texts(again)).toEqual(ids.map((_, index) => `offline ${index + 1}`));
});

test('delivers again what was not acknowledged, and the device stores it once', async () => {
  const emulator = await testEmulator();
  const device = await emulator.linked(ANNA);
  await device.disconnect();
  const deaf = emulator.device({ profile: device.profile, acknowledge: false });
  await deaf.connect();
  await deaf.until('live');
  const { id, serialized } = await emulator.post('/deliver', { phone: ANNA, from: STRANGER, body: 'once' });
  expect(serialized).toBe(`false_${STRANGER}@c.us_${id}`);
  await deaf.when(() => deaf.profile.messages.has(id));
  expect((await emulator.get(`/delivered?id=${id}`)).waiting).toBe(1);
  await deaf.disconnect();
  let stored = 0;
  const again = emulator.device({ profile: deaf.profile, onMessage: () => (stored += 1) });
  await again.connect();
  await again.until('live');
  const [duplicate] = await emulator.logged('duplicate');
  expect(duplicate).toMatchObject({ id, sends: 2 });
  expect(stored).toBe(0);
  expect((await emulator.get(`/delivered?id=${id}`)).delivered).toMatchObject([
    { result: 'duplicate', sends: 2 },
  ]);
});

test('counts a repeated send as one message with two attempts, delivered once', async () => {
  const emulator = await testEmulator();
  const anna = await emulator.linked(ANNA);
  const ben = await emulator.linked(BEN);
  await emulator.post('/config', { lose_acks: 1 });
  const answer = anna.send(`${BEN}@c.us`, text('lost ack'), 'AAAA');
  await emulator.logged('ack_lost');
  await anna.disconnect();
  await anna.connect();
  expect((await answer).ack).toBe(1);
  await ben.when(() => ben.profile.messages.has('AAAA'));
  await anna.when(() => anna.profile.messages.get('AAAA')?.ack === 2);
  const { sent, repeated } = await emulator.get('/sent');
  expect(repeated).toBe(1);
  expect(sent).toMatchObject([{ id: 'AAAA', attempts: 2, ack: 2 }]);
  expect(sent[0].attempt_list[0].connection).not.toBe(sent[0].attempt_list[1].connection);
  expect((await emulator.get(`/delivered?phone=${BEN}`)).total).toBe(1);
});

test('a send that is lost on its way is not recorded until it is repeated', async () => {
  const emulator = await testEmulator({ faults: { lose_sends: 1 } });
  const anna = await emulator.linked(ANNA);
  const answer = anna.send(`${STRANGER}@c.us`, text('never arrived'));
  await emulator.logged('send_lost');
  expect((await emulator.get('/sent')).total).toBe(0);
  await anna.disconnect();
  await anna.connect();
  expect((await answer).ack).toBe(1);
  expect((await emulator.get('/sent')).sent).toMatchObject([{ attempts: 1 }]);
});

test('refuses messages to numbers that are not on WhatsApp, unknown groups, and when told to', async () => {
  const emulator = await testEmulator({ faults: { absent: ['491700000099'] } });
  const anna = await emulator.linked(ANNA);
  expect(await anna.send('0001234567@c.us', text('x'))).toMatchObject({
    ack: -1,
    reason: 'the recipient is not on WhatsApp',
  });
  expect(await anna.send('491700000099@c.us', text('x'))).toMatchObject({ ack: -1 });
  expect(await anna.send('12036300000000001@g.us', text('x'))).toMatchObject({
    ack: -1,
    reason: 'there is no such group',
  });
  await emulator.post('/config', { phones: { [ANNA]: { fail_sends: 1 } } });
  expect(await anna.send(`${STRANGER}@c.us`, text('x'))).toMatchObject({ ack: -1 });
  expect(await anna.send(`${STRANGER}@c.us`, text('x'))).toMatchObject({ ack: 1 });
  expect((await emulator.get('/sent')).failed).toBe(4);
});

test('slow acks come after their delay, receipts after them', async () => {
  const emulator = await testEmulator({ faults: { ack_delay_ms: 150 } });
  const anna = await emulator.linked(ANNA);
  const before = performance.now();
  const { id } = await anna.send(`${STRANGER}@c.us`, text('slow'));
  expect(performance.now() - before).toBeGreaterThan(140);
  await anna.when(() => anna.profile.messages.get(id)?.ack === 2);
});

test('raises acks on demand, and never lowers them', async () => {
  const emulator = await testEmulator({ faults: { delivered_delay_ms: null } });
  const anna = await emulator.linked(ANNA);
  const { id } = await anna.send(`${STRANGER}@c.us`, text('x'));
  await emulator.post('/ack', { id: `true_${STRANGER}@c.us_${id}`, ack: 3 });
  await anna.when(() => anna.profile.messages.get(id)?.ack === 3);
  expect(await emulator.call('POST', '/ack', { id, ack: 2 })).toMatchObject({ status: 409 });
  expect(await emulator.call('POST', '/ack', { id: 'NOSUCH', ack: 2 })).toMatchObject({ status: 404 });
  expect(await emulator.call('POST', '/ack', { id, ack: 9 })).toMatchObject({
    status: 400,
    body: { faults: [{ path: 'ack' }] },
  });
});

test('a lost ack reaches the sender when it is raised on demand', async () => {
  const emulator = await testEmulator({ faults: { lose_acks: true, delivered_delay_ms: null } });
  const anna = await emulator.linked(ANNA);
  const answer = anna.send(`${STRANGER}@c.us`, text('x'), 'BBBB');
  await emulator.logged('ack_lost');
  expect(anna.profile.messages.get('BBBB')?.ack).toBe(0);
  await emulator.post('/ack', { id: 'BBBB', ack: 2 });
  await anna.when(() => anna.profile.messages.get('BBBB')?.ack === 2);
  await emulator.post('/config', { lose_acks: false });
  await anna.disconnect();
  await anna.connect();
  expect((await answer).ack).toBe(1);
});

test('delivers every kind of content', async () => {
  const emulator = await testEmulator();
  const device = await emulator.linked(ANNA);
  const deliver = (content: object) => emulator.post('/deliver', { phone: ANNA, from: STRANGER, ...content });
  const first = await deliver({ body: 'hello', from_name: 'Stranger' });
  const kinds: [object, object][] = [
    [
      { location: { latitude: 52.5, longitude: 13.4, name: 'Berlin' } },
      { type: 'location', latitude: 52.5, description: 'Berlin' },
    ],
    [
      { contact: { name: 'Cleo', phone: '491700000003' } },
      { type: 'vcard', displayName: 'Cleo', vcard: expect.stringContaining('waid=491700000003') },
    ],
    [{ poll: { name: 'Lunch?', options: ['yes', 'no'] } }, { type: 'poll_creation', selectableCount: 1 }],
    [
      { reaction: { message_id: first.serialized, emoji: '👍' } },
      { type: 'reaction', emoji: '👍', target: { id: first.id, sender: `${STRANGER}@c.us` } },
    ],
    [{ edit: { message_id: first.id, body: 'hello!' } }, { type: 'edit', body: 'hello!' }],
    [{ revoke: { message_id: first.id } }, { type: 'revoke', target: { id: first.id } }],
    [
      { data: Buffer.from('voice').toString('base64'), mimetype: 'audio/ogg; codecs=opus' },
      { type: 'ptt', size: 5 },
    ],
    [
      { data: 'aGk=', mimetype: 'application/pdf', filename: 'a.pdf', body: 'read' },
      { type: 'document', filename: 'a.pdf', caption: 'read' },
    ],
  ];
  for (const [given, expected] of kinds) {
    const { id } = await deliver(given);
    await device.when(() => device.profile.messages.has(id));
    expect(device.profile.messages.get(id)?.message.content).toMatchObject(expected);
  }
  const reply = await deliver({ body: 'as I said', reply_to: first.id });
  await device.when(() => device.profile.messages.has(reply.id));
  expect(device.profile.messages.get(reply.id)?.message.quoted).toMatchObject({
    id: first.id,
    content: { body: 'hello' },
  });
});

test('says every fault of a wrong delivery', async () => {
  const emulator = await testEmulator();
  await emulator.linked(ANNA);
  const call = (body: object) => emulator.call('POST', '/deliver', body);
  expect(await call({ phone: ANNA, from: STRANGER })).toMatchObject({
    status: 400,
    body: { faults: [{ path: 'body' }] },
  });
  expect(await call({ phone: ANNA, from: 'x', body: 1, nonsense: true })).toMatchObject({ status: 400 });
  expect(await call({ phone: ANNA, from: STRANGER, data: 'aGk=' })).toMatchObject({
    status: 400,
    body: { faults: [{ path: 'mimetype' }] },
  });
  expect(await call({ phone: ANNA, from: STRANGER, data: '***', mimetype: 'a/b' })).toMatchObject({
    status: 400,
  });
  expect(await call({ phone: BEN, from: STRANGER, body: 'x' })).toMatchObject({ status: 404 });
  expect(
    await call({ phone: ANNA, from: STRANGER, reaction: { message_id: 'NONE', emoji: 'x' } }),
  ).toMatchObject({ status: 404 });
});

test('what the account’s user writes on the phone reaches its devices as their own', async () => {
  const emulator = await testEmulator();
  const anna = await emulator.linked(ANNA);
  const ben = await emulator.linked(BEN);
  const { id, serialized } = await emulator.post('/deliver', {
    phone: ANNA,
    from: ANNA,
    to: BEN,
    body: 'typed on the phone',
  });
  expect(serialized).toBe(`true_${BEN}@c.us_${id}`);
  await anna.when(() => anna.profile.messages.get(id)?.message.chat === `${BEN}@c.us`);
  await ben.when(() => ben.profile.messages.get(id)?.message.chat === `${ANNA}@c.us`);
});

test('group messages reach all members, and nobody else', async () => {
  const emulator = await testEmulator();
  const anna = await emulator.linked(ANNA);
  const ben = await emulator.linked(BEN);
  const cleo = await emulator.linked('491700000003');
  const { group } = await emulator.post('/group', {
    subject: 'Two',
    owner: ANNA,
    participants: [BEN, STRANGER],
  });
  await anna.when(() => anna.profile.groups.has(group.id));
  const { id } = await anna.send(group.id, text('hello group'));
  await ben.when(() => ben.profile.messages.get(id)?.message.chat === group.id);
  const delivered = await emulator.post('/deliver', {
    phone: BEN,
    from: STRANGER,
    group: group.id,
    body: 'me too',
  });
  expect(delivered.serialized).toBe(`false_${group.id}_${delivered.id}_${STRANGER}@c.us`);
  await anna.when(() => anna.profile.messages.has(delivered.id));
  expect(await cleo.send(group.id, text('let me in'))).toMatchObject({
    ack: -1,
    reason: 'the sender is not in the group',
  });
  expect(cleo.profile.messages.has(id)).toBe(false);
});

test('answers queries, and refuses what does not exist', async () => {
  const emulator = await testEmulator();
  const anna = await emulator.linked(ANNA);
  expect(await anna.query({ name: 'exists', phone: STRANGER })).toMatchObject({
    exists: true,
    wid: `${STRANGER}@c.us`,
  });
  expect(await anna.query({ name: 'exists', phone: '0001234567' })).toEqual({ exists: false });
  await emulator.post('/contact', { phone: ANNA, contact: BEN, name: 'Ben' });
  expect(await anna.query({ name: 'contact', id: `${BEN}@c.us` })).toMatchObject({ name: 'Ben' });
  await anna.when(() => anna.profile.contacts.get(`${BEN}@c.us`)?.name === 'Ben');
  await expect(anna.query({ name: 'group', id: '12036300000000001@g.us' })).rejects.toThrow('not-found');
  const { group } = (await anna.query({
    name: 'create_group',
    subject: 'G',
    participants: [`${BEN}@c.us`, '0001234567@c.us'],
  })) as {
    group: { id: string; participants: unknown[] };
  };
  expect(group.participants).toHaveLength(2);
  expect(
    await anna.query({
      name: 'change_participants',
      id: group.id,
      action: 'promote',
      participants: [`${BEN}@c.us`],
    }),
  ).toMatchObject({
    participants: expect.arrayContaining([{ id: `${BEN}@c.us`, admin: true, superAdmin: false }]),
  });
});

test('histories of noise have the size asked for, and no two accounts share any of it', async () => {
  const emulator = await testEmulator({ faults: { history: { chats: 20, messages: 10, characters: 3000 } } });
  const bodies = async (phone: string) => {
    const { profile } = await emulator.linked(phone);
    return [...profile.messages.values()].map(({ message: { content } }) =>
      content.type === 'chat' ? content.body : '',
    );
  };
  const [anna, ben] = [await bodies(ANNA), await bodies(BEN)];
  const mean = anna.reduce((sum, { length }) => sum + length, 0) / anna.length;
  expect(mean).toBeGreaterThan(2400);
  expect(mean).toBeLessThan(3600);
  expect(new Set([...anna, ...ben].map((body) => body.split(' ')[5])).size).toBe(400);
});

test('a new device gets the history of its account’s phone', async () => {
  const emulator = await testEmulator({ faults: { history: { chats: 120, messages: 3 } } });
  const first = await emulator.linked(ANNA);
  expect(first.profile.contacts.size).toBe(120);
  expect(first.profile.messages.size).toBe(360);
  const { id } = await first.send(`${STRANGER}@c.us`, text('before the second device'));
  const second = await emulator.linked(ANNA);
  expect(second.profile.messages.has(id)).toBe(true);
  expect(
    await second.query({ name: 'earlier', chat: '15550000001@c.us', before: 9_999_999_999, count: 2 }),
  ).toMatchObject({
    messages: [{ content: { body: 'Message 2 of chat 1' } }, { content: { body: 'Message 3 of chat 1' } }],
  });
});
