import { expect, test } from 'vitest';
import { testEmulator } from './helpers.ts';

const PHONE = '491700000001';

test('links a device by QR and lets it log in again with what it stored', async () => {
  const emulator = await testEmulator();
  const device = await emulator.linked(PHONE);
  expect(device.profile.credentials?.device).toBe(`${PHONE}:1@c.us`);
  expect(device.profile.me).toMatchObject({
    wid: `${PHONE}@c.us`,
    lid: expect.stringMatching(/^\d{15}@lid$/),
  });
  await device.disconnect();
  const again = emulator.device({ profile: device.profile });
  await again.connect();
  await again.until('live');
  const { accounts } = await emulator.get('/state');
  expect(accounts[0].devices).toMatchObject([
    { device: `${PHONE}:1@c.us`, logins: 2, connected: true, synced: true },
  ]);
});

test('rotates refs and lets them run out until the page asks again', async () => {
  const emulator = await testEmulator({ faults: { qr_ttl_ms: 20, qr_refs: 3 } });
  const device = emulator.device();
  await device.connect();
  await device.until('waiting_idle');
  const refs = device.frames.flatMap((frame) => (frame.type === 'ref' ? [frame] : []));
  expect(refs.map((ref) => ref.remaining)).toEqual([2, 1, 0]);
  expect(new Set(refs.map((ref) => ref.ref)).size).toBe(3);
  await emulator.post('/config', { qr_ttl_ms: 60_000 });
  device.write({ type: 'refresh_refs' });
  await device.until('waiting');
  await emulator.post('/scan', { qr: device.qr(), phone: PHONE });
  await device.until('live');
});

test('gives WhatsApp’s own times to refs: 60 s, then 20 s', async () => {
  const emulator = await testEmulator();
  const device = emulator.device();
  await device.connect();
  await device.until('waiting');
  expect(device.frames).toMatchObject([{ type: 'ref', ttlMs: 60_000, remaining: 5 }]);
});

test('refuses a QR whose ref has expired, and one that is not the page’s', async () => {
  const emulator = await testEmulator({ faults: { qr_ttl_ms: 60_000 } });
  const device = emulator.device();
  await device.connect();
  await device.until('waiting');
  const [ref = '', noise = '', identity = '', adv = '', platform = ''] = (device.qr() ?? '').split(',');
  const other = Buffer.alloc(32).toString('base64');
  const wrong: [string, string][] = [
    [[ref, other, identity, adv, platform].join(','), 'the noise key'],
    [[ref, noise, other, adv, platform].join(','), 'the identity key'],
    [[ref, noise, identity, other, platform].join(','), 'the adv secret'],
    [[ref, noise, identity, adv, '9'].join(','), 'the platform'],
    ['just a word', 'has 1 fields'],
  ];
  for (const [qr, message] of wrong) {
    const answer = await emulator.call('POST', '/scan', { qr, phone: PHONE });
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', faults: [{ path: 'qr' }] },
    });
    expect(answer.body.detail).toContain(message);
  }
  const expired = await emulator.call('POST', '/scan', {
    qr: ['2@old', noise, identity, adv, platform].join(','),
    phone: PHONE,
  });
  expect(expired).toMatchObject({ status: 409, body: { code: 'invalid_state' } });
  await emulator.post('/scan', { qr: device.qr(), phone: PHONE });
  await device.until('live');
});

test('links a device by pairing code, entered on the phone it was asked for', async () => {
  const emulator = await testEmulator();
  const device = emulator.device();
  await device.connect();
  await device.until('waiting');
  const { code } = (await device.query({ name: 'request_code', phone: PHONE })) as { code: string };
  expect(code).toMatch(/^[1-9A-HJ-NP-TV-Z]{8}$/);
  expect(await emulator.call('POST', '/enter-code', { code, phone: '491700000009' })).toMatchObject({
    status: 400,
  });
  expect(await emulator.call('POST', '/enter-code', { code: 'AAAAAAAA' })).toMatchObject({ status: 409 });
  await emulator.post('/enter-code', { code: `${code.slice(0, 4)}-${code.slice(4).toLowerCase()}` });
  await device.until('live');
  expect(device.profile.me?.wid).toBe(`${PHONE}@c.us`);
});

test('links four devices to an account and refuses a fifth until one is removed', async () => {
  const emulator = await testEmulator();
  const first = await emulator.linked(PHONE);
  for (let number = 2; number <= 4; number += 1) await emulator.linked(PHONE);
  const fifth = emulator.device();
  await fifth.connect();
  await fifth.until('waiting');
  expect(await emulator.call('POST', '/scan', { qr: fifth.qr(), phone: PHONE })).toMatchObject({
    status: 409,
  });
  expect(await emulator.post('/remove-device', { phone: PHONE, device: 1 })).toEqual({
    removed: [`${PHONE}:1@c.us`],
  });
  await first.until('logged_out');
  await emulator.post('/scan', { qr: fifth.qr(), phone: PHONE });
  await fifth.until('live');
  expect(fifth.profile.credentials?.device).toBe(`${PHONE}:5@c.us`);
});

test('refuses a number that is not on WhatsApp', async () => {
  const emulator = await testEmulator({ faults: { absent: ['491700000099'] } });
  const device = emulator.device();
  await device.connect();
  await device.until('waiting');
  for (const phone of ['0001234567', '491700000099', '123', '12345678901234567']) {
    expect(await emulator.call('POST', '/scan', { qr: device.qr(), phone })).toMatchObject({ status: 400 });
  }
  await expect(device.query({ name: 'request_code', phone: '0001234567' })).rejects.toThrow(
    'not on WhatsApp',
  );
});

test('logs out a removed device with the order that is configured, and refuses its next login', async () => {
  const emulator = await testEmulator();
  const device = await emulator.linked(PHONE);
  await emulator.post('/config', { phones: { [PHONE]: { logout_order: 'command_first' } } });
  await emulator.post('/remove-device', { phone: PHONE });
  await device.until('logged_out');
  expect(device.frames.at(-1)).toEqual({ type: 'logged_out', reason: 'removed', order: 'command_first' });
  const again = emulator.device({ profile: device.profile });
  await again.connect();
  await again.until('logged_out');
  expect(again.frames).toMatchObject([{ type: 'logged_out', reason: 'unknown_device' }]);
  await emulator.logged('login_refused');
});

test('refuses a login with a wrong secret', async () => {
  const emulator = await testEmulator();
  const device = await emulator.linked(PHONE);
  await device.disconnect();
  const profile = structuredClone(device.profile);
  profile.credentials = { device: `${PHONE}:1@c.us`, secret: 'wrong' };
  const impostor = emulator.device({ profile });
  await impostor.connect();
  await impostor.until('logged_out');
  expect(impostor.frames).toMatchObject([{ type: 'logged_out', reason: 'bad_secret' }]);
});

test('forgets a device that logs itself out', async () => {
  const emulator = await testEmulator();
  const device = await emulator.linked(PHONE);
  device.write({ type: 'logout' });
  await device.until('closed');
  await emulator.logged('logout');
  expect((await emulator.get('/state')).accounts[0].devices).toEqual([]);
});

test('keeps a device whose page died between storing its credentials and saying so', async () => {
  const emulator = await testEmulator();
  const device = emulator.device({ confirmPairing: false });
  await device.connect();
  await device.until('waiting');
  const scanned = await emulator.call('POST', '/scan', { qr: device.qr(), phone: PHONE });
  expect(scanned).toMatchObject({
    status: 409,
    body: { detail: expect.stringContaining('went away before it had stored') },
  });
  const again = emulator.device({ profile: device.profile });
  await again.connect();
  await again.until('live');
  expect((await emulator.get('/state')).accounts[0].devices).toMatchObject([{ confirmed: true }]);
});
