import { expect, test } from 'vitest';
import { Faults, NO_FAULTS } from '../../../emulator/server/faults.ts';
import { testEmulator, texts } from './helpers.ts';

const ANNA = '491700000001';
const BEN = '491700000002';
const STRANGER = '491700000077';

test('replaces the older of two connections of one device, and says who was connected when', async () => {
  const emulator = await testEmulator();
  const device = await emulator.linked(ANNA);
  const copy = emulator.device({ profile: structuredClone(device.profile) });
  await copy.connect();
  await copy.until('live');
  await device.until('conflict');
  const [conflict] = await emulator.logged('conflict');
  expect(conflict).toMatchObject({
    device: `${ANNA}:1@c.us`,
    connection: 2,
    by_connection: 3,
    same_page: false,
  });
  const { connections, overlaps, longest_overlap_ms } = await emulator.get(`/connections?phone=${ANNA}`);
  expect(connections).toMatchObject([
    { connection: 2, reason: 'replaced', page_id: device.pageId, disconnected_at: expect.any(String) },
    { connection: 3, reason: null, page_id: copy.pageId, disconnected_at: null },
  ]);
  expect(overlaps).toMatchObject([{ first: 2, second: 3, same_page: false }]);
  expect(longest_overlap_ms).toBeLessThan(1000);
});

test('measures how long two browsers would both stay, when told to let them', async () => {
  const emulator = await testEmulator({ faults: { conflict_grace_ms: 60_000 } });
  const device = await emulator.linked(ANNA);
  const copy = emulator.device({ profile: structuredClone(device.profile) });
  await copy.connect();
  await copy.until('live');
  const [login] = (await emulator.logged('login', 2)).slice(1);
  expect((await emulator.get('/connections')).overlaps).toMatchObject([{ ended_at: null }]);
  await device.disconnect();
  const gone = (await emulator.logged('disconnect', 2)).at(-1);
  const { overlaps } = await emulator.get('/connections');
  expect(overlaps).toMatchObject([{ first: 2, second: 3, ended_at: expect.any(String) }]);
  expect(Math.abs(overlaps[0].milliseconds - (gone.mono_ms - login.mono_ms))).toBeLessThan(50);
});

test('records a rollback when a device comes back with an older profile', async () => {
  const emulator = await testEmulator();
  const device = await emulator.linked(ANNA);
  const backup = structuredClone(device.profile);
  await device.send(`${STRANGER}@c.us`, { type: 'chat', body: 'one' });
  await emulator.post('/deliver', { phone: ANNA, from: STRANGER, body: 'two' });
  await emulator.logged('stored');
  await device.disconnect();
  const restored = emulator.device({ profile: backup });
  await restored.connect();
  await restored.until('live');
  expect(await emulator.logged('rollback', 2)).toMatchObject([
    { kind: 'delivery', seen: expect.any(Number), got: 0 },
    { kind: 'send', seen: 1, got: 0 },
  ]);
  await restored.send(`${STRANGER}@c.us`, { type: 'chat', body: 'three' });
  const [, , peer] = await emulator.logged('rollback', 3);
  expect(peer).toMatchObject({ kind: 'peer', peer: `${STRANGER}@c.us`, seen: 1, got: 1 });
  expect((await emulator.get('/state')).totals.rollbacks).toBe(3);
});

test('a profile that is not older is no rollback', async () => {
  const emulator = await testEmulator();
  const device = await emulator.linked(ANNA);
  await device.send(`${STRANGER}@c.us`, { type: 'chat', body: 'one' });
  await emulator.post('/deliver', { phone: ANNA, from: STRANGER, body: 'two' });
  await emulator.logged('stored');
  await device.disconnect();
  const again = emulator.device({ profile: structuredClone(device.profile) });
  await again.connect();
  await again.until('live');
  expect((await emulator.get('/state')).totals.rollbacks).toBe(0);
});

test('a restored device cannot read from those it has met since, until they repeat', async () => {
  const emulator = await testEmulator({ faults: { repeat_delay_ms: null } });
  const device = await emulator.linked(ANNA);
  const backup = structuredClone(device.profile);
  await emulator.post('/deliver', { phone: ANNA, from: STRANGER, body: 'the first, uses a key up' });
  await emulator.logged('stored');
  await device.disconnect();
  const restored = emulator.device({ profile: backup });
  await restored.connect();
  await restored.until('live');
  const { id } = await emulator.post('/deliver', {
    phone: ANNA,
    from: STRANGER,
    body: 'in a session it does not have',
  });
  await emulator.logged('unreadable');
  expect(texts(restored)).toEqual([]);
  expect((await emulator.get('/state')).accounts[0].devices[0]).toMatchObject({
    unreadable: 1,
    waiting_for_repeat: [id],
  });
  expect(await emulator.post('/repeat', { phone: ANNA })).toEqual({
    repeated: [{ device: `${ANNA}:1@c.us`, id }],
  });
  await restored.when(() => texts(restored).includes('in a session it does not have'));
  await emulator.post('/deliver', { phone: ANNA, from: STRANGER, body: 'and on it goes' });
  await restored.when(() => texts(restored).includes('and on it goes'));
});

test('senders repeat by themselves after the configured time', async () => {
  const emulator = await testEmulator({ faults: { repeat_delay_ms: 30 } });
  const device = await emulator.linked(ANNA);
  const backup = structuredClone(device.profile);
  await emulator.post('/deliver', { phone: ANNA, from: STRANGER, body: 'first' });
  await emulator.logged('stored');
  await device.disconnect();
  const restored = emulator.device({ profile: backup });
  await restored.connect();
  await restored.until('live');
  for (const body of ['a', 'b', 'c']) await emulator.post('/deliver', { phone: ANNA, from: STRANGER, body });
  await restored.when(() => ['a', 'b', 'c'].every((body) => texts(restored).includes(body)));
});

test('one-time keys are used up one a sender, and uploaded again before they run out', async () => {
  const emulator = await testEmulator();
  const device = await emulator.linked(ANNA);
  for (let number = 0; number < 40; number += 1) {
    await emulator.post('/deliver', {
      phone: ANNA,
      from: `4915500000${String(number).padStart(2, '0')}`,
      body: `from ${number}`,
    });
    await device.when(() => texts(device).includes(`from ${number}`));
  }
  const { accounts } = await emulator.get('/state');
  expect(accounts[0].devices[0].unreadable).toBe(0);
  expect((await emulator.get('/log?event=keys')).log.length).toBeGreaterThanOrEqual(3);
});

test('a device without keys left is still reached, and the log says so', async () => {
  const emulator = await testEmulator();
  const device = await emulator.linked(ANNA);
  await device.disconnect();
  for (let number = 0; number < 25; number += 1) {
    await emulator.post('/deliver', {
      phone: ANNA,
      from: `4915500000${number + 10}`,
      body: `from ${number}`,
    });
  }
  expect(await emulator.logged('keys_exhausted', 5)).toHaveLength(5);
  const again = emulator.device({ profile: device.profile });
  await again.connect();
  await again.until('live');
  expect(texts(again)).toHaveLength(25);
});

test('drops connections on demand, and every so often', async () => {
  const emulator = await testEmulator();
  const anna = await emulator.linked(ANNA);
  const ben = await emulator.linked(BEN);
  expect((await emulator.post('/drop-sockets', { phone: ANNA })).dropped).toHaveLength(1);
  await anna.until('closed');
  expect(ben.state).toBe('live');
  await emulator.post('/config', { phones: { [ANNA]: { drop_sockets_every_ms: 50 } } });
  await anna.connect();
  await anna.until('live');
  await anna.until('closed');
  expect(ben.state).toBe('live');
  expect((await emulator.post('/drop-sockets', {})).dropped).toHaveLength(1);
  await ben.until('closed');
});

test('an outage cuts everybody and lets nobody in until it is over', async () => {
  const emulator = await testEmulator();
  const device = await emulator.linked(ANNA);
  await emulator.post('/config', { outage: true });
  await device.until('closed');
  await expect(device.connect()).rejects.toThrow('503');
  await emulator.post('/config', { outage: false });
  await device.connect();
  await device.until('live');
});

test('drops a device that answers no pings, as a stopped process does, and keeps those that do', async () => {
  const emulator = await testEmulator({ faults: { ping_interval_ms: 30 } });
  const alive = await emulator.linked(BEN);
  const device = await emulator.linked(ANNA);
  await device.disconnect();
  const stopped = emulator.device({ profile: device.profile, answerPings: false });
  await stopped.connect();
  await stopped.until('live');
  // Two connections that ended after linking, one that was closed, and the stopped one.
  const gone = await emulator.logged('disconnect', 4);
  expect(gone.at(-1)).toMatchObject({ reason: 'no_answer_to_pings', device: `${ANNA}:1@c.us` });
  expect(gone.filter((entry) => entry.reason === 'no_answer_to_pings')).toHaveLength(1);
  expect(alive.state).toBe('live');
});

test('the sync takes as long as it is told to', async () => {
  const emulator = await testEmulator();
  const device = await emulator.linked(ANNA);
  await device.disconnect();
  await emulator.post('/config', { sync_delay_ms: 150 });
  await device.connect();
  await device.until('syncing');
  const before = performance.now();
  await device.until('live');
  expect(performance.now() - before).toBeGreaterThan(140);
});

test('makes a page hang or crash by a command', async () => {
  const emulator = await testEmulator();
  const device = await emulator.linked(ANNA);
  await emulator.post('/crash', { phone: ANNA, action: 'hang' });
  await device.when(() => device.frames.some((frame) => frame.type === 'command' && frame.action === 'hang'));
  await device.disconnect();
  await emulator.logged('disconnect', 2);
  expect(await emulator.call('POST', '/crash', { phone: ANNA })).toMatchObject({ status: 409 });
});

test('refuses unknown faults and wrong values, naming each', async () => {
  const emulator = await testEmulator();
  const answer = await emulator.call('POST', '/config', {
    sync_delay_ms: -1,
    qr_refs: 'x',
    nonsense: 1,
    phones: { abc: {} },
  });
  expect(answer.status).toBe(400);
  const paths = answer.body.faults.map((fault: { path: string }) => fault.path);
  expect(paths).toEqual(expect.arrayContaining(['sync_delay_ms', 'qr_refs', '(body)', 'phones.abc']));
  expect(await emulator.get('/config')).toEqual({
    ...NO_FAULTS,
    sync_delay_ms: 0,
    repeat_delay_ms: 0,
    phones: {},
  });
});

test('a phone’s own faults come before the global ones, and counted faults are used up', () => {
  const faults = new Faults();
  faults.merge({ fail_sends: 2, phones: { [ANNA]: { fail_sends: false, ack_delay_ms: 5 } } });
  expect(faults.hits('fail_sends', ANNA)).toBe(false);
  expect([1, 2, 3].map(() => faults.hits('fail_sends', BEN))).toEqual([true, true, false]);
  expect(faults.of(ANNA).ack_delay_ms).toBe(5);
  faults.merge({ phones: { [ANNA]: null } });
  expect(faults.of(ANNA).ack_delay_ms).toBe(0);
  faults.merge({ lose_acks: true });
  expect([1, 2].map(() => faults.hits('lose_acks', ANNA))).toEqual([true, true]);
});

test('a reset forgets accounts, messages and faults, and cuts everybody', async () => {
  const emulator = await testEmulator();
  const device = await emulator.linked(ANNA);
  await device.send(`${STRANGER}@c.us`, { type: 'chat', body: 'x' });
  await emulator.post('/config', { ack_delay_ms: 5 });
  await emulator.post('/reset');
  await device.until('closed');
  const state = await emulator.get('/state');
  expect(state).toMatchObject({ accounts: [], totals: { accounts: 0, sent: 0, open_connections: 0 } });
  expect((await emulator.get('/config')).ack_delay_ms).toBe(0);
  await emulator.linked(ANNA);
});
