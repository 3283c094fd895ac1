import fc from 'fast-check';
import { expect, test } from 'vitest';
import { startEmulator } from '../../../emulator/context.ts';
import { DeviceClient } from '../../../emulator/device-client.ts';
import type { DeviceProfile } from '../../../emulator/device-profile.ts';

const ANNA = '491700000001';
const STRANGER = '491700000077';

/** What may happen to a device: it sends, is written to, is cut off by the server, dies, or is alive without acknowledging. */
const step = fc.constantFrom('send', 'receive', 'cut', 'die', 'deaf', 'lose_ack', 'lose_send');

test('whatever breaks in between, nothing is lost and nothing is there twice', async () => {
  const emulator = await startEmulator({ faults: { sync_delay_ms: 0, repeat_delay_ms: 0 } });
  const post = async (path: string, body: object) => {
    const answer = await fetch(`${emulator.controlUrl}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
    return answer.json() as Promise<{ id: string }>;
  };
  const get = async (path: string) => (await fetch(`${emulator.controlUrl}${path}`)).json();
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        await post('/reset', {});
        await post('/config', { sync_delay_ms: 0, repeat_delay_ms: 0 });
        await runSteps(steps, emulator.httpsPort, post, get);
      }),
      { numRuns: 25 },
    );
  } finally {
    await emulator.close();
  }
});

type Post = (path: string, body: object) => Promise<{ id: string }>;

async function runSteps(
  steps: string[],
  httpsPort: number,
  post: Post,
  get: (path: string) => Promise<unknown>,
) {
  const storedOnce = new Map<string, number>();
  const open = async (profile?: DeviceProfile, acknowledge = true) => {
    const device = new DeviceClient({
      httpsPort,
      acknowledge,
      ...(profile === undefined ? {} : { profile }),
      onMessage: (message) => storedOnce.set(message.id, (storedOnce.get(message.id) ?? 0) + 1),
    });
    await device.connect();
    return device;
  };
  let device = await open();
  await device.until('waiting');
  await post('/scan', { qr: device.qr() ?? '', phone: ANNA });
  await device.until('live');
  const reopen = async (acknowledge = true) => {
    await device.disconnect();
    device = await open(device.profile, acknowledge);
    await device.until('live');
  };
  const sent: string[] = [];
  const delivered: string[] = [];
  for (const [index, what] of steps.entries()) {
    if (what === 'lose_ack') await post('/config', { lose_acks: 1 });
    if (what === 'lose_send') await post('/config', { lose_sends: 1 });
    if (what === 'send') {
      sent.push(`MESSAGE${index}`);
      // Not awaited: the answer may be lost, and comes after a later login then.
      void device.send(`${STRANGER}@c.us`, { type: 'chat', body: String(index) }, `MESSAGE${index}`);
    }
    if (what === 'receive')
      delivered.push((await post('/deliver', { phone: ANNA, from: STRANGER, body: String(index) })).id);
    if (what === 'cut') {
      await post('/drop-sockets', {});
      await device.until('closed');
      await reopen();
    }
    if (what === 'die') await reopen();
    if (what === 'deaf') await reopen(false);
  }
  await post('/config', { lose_acks: false, lose_sends: false });
  await reopen();
  await device.when(
    () => device.profile.outbox.size === 0 && delivered.every((id) => device.profile.messages.has(id)),
  );
  const ledger = (await get('/sent')) as { sent: { id: string; ack: number }[] };
  expect(ledger.sent.map((record) => record.id).sort()).toEqual([...sent].sort());
  expect(ledger.sent.every((record) => record.ack >= 1)).toBe(true);
  expect(delivered.map((id) => storedOnce.get(id))).toEqual(delivered.map(() => 1));
  const state = (await get('/state')) as {
    totals: { rollbacks: number; unreadable: number; conflicts: number };
  };
  // The same page comes back with what it had stored: never taken for a restored one.
  expect(state.totals).toMatchObject({ rollbacks: 0, unreadable: 0 });
  await device.disconnect();
}
