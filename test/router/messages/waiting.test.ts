import { request } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../helpers/eventually.ts';
import { startMemoryFleet } from '../../helpers/memory-fleet.ts';
import type { MemoryQueues } from '../../helpers/memory-queues.ts';
import { ADMIN_KEY, type TestFleet } from '../../helpers/router.ts';

let fleet: TestFleet;
let queues: MemoryQueues;

beforeAll(async () => {
  ({ fleet, queues } = await startMemoryFleet([[2, 'main']]));
});
afterAll(() => fleet.close());
beforeEach(() => {
  queues.away = false;
  queues.messages.clear();
});

const path = (wait: number | string) => `/api/whatsapp/sessions/main/messages?wait=${wait}`;
const SEND = 'POST /api/whatsapp/sessions/:session_id/messages';
const text = { to: '491701234567', text: 'hello' };

const send = (wait: number | string, headers: Record<string, string> = {}, url = fleet.url) =>
  fleet.ask('POST', path(wait), { body: text, headers, url });

/** The id of the one message there is, once there is one. */
async function theMessage(): Promise<string> {
  await eventually(() => queues.messages.size === 1);
  const [id] = queues.messages.keys();
  if (id === undefined) throw new Error('there is none');
  return id;
}

describe('an answer that waits', () => {
  it.each([
    ['sent', { whatsapp_id: 'true_1@c.us_A' }],
    ['delivered', { whatsapp_id: 'true_1@c.us_A' }],
    ['failed', { error: { code: 'recipient_not_on_whatsapp', detail: 'Nobody has this number.' } }],
    ['unknown', { error: { code: 'send_unknown', detail: 'It may have left.' } }],
  ] as const)('comes once the message is %s', async (status, more) => {
    const answer = send(60);
    const id = await theMessage();
    queues.set(id, { status: 'sending' });
    queues.set(id, { status, ...more });
    expect((await answer).status).toBe(200);
    expect((await answer).json).toEqual({
      message_id: id,
      whatsapp_id: null,
      error: null,
      status,
      ...more,
    });
  });

  it('comes also where the word of the end was lost', async () => {
    const answer = send(60);
    const id = await theMessage();
    await eventually(() => queues.finds > 0);
    queues.set(id, { status: 'sent' }, true);
    expect((await answer).json.status).toBe('sent');
  });

  it('comes with 202 when time is up, and where the message stands', async () => {
    const answer = send('0.05');
    queues.set(await theMessage(), { status: 'sending' });
    expect([(await answer).status, (await answer).json.status]).toEqual([202, 'sending']);
  });

  it('is no error where the queues go away after they took the message', async () => {
    const answer = send(60);
    const id = await theMessage();
    queues.away = true;
    const before = queues.messages.size;
    queues.set(id, { status: 'sent' });
    queues.away = false;
    expect((await answer).json.status).toBe('sent');
    expect(before).toBe(1);
  });

  it('comes for a key used again as well, also where another router has the message in hand', async () => {
    const other = (await fleet.addRouter()).server.url;
    const headers = { 'Idempotency-Key': 'waited' };
    const answer = send(60, headers, other);
    const id = await theMessage();
    const again = send(60, headers);
    queues.set(id, { status: 'sent' });
    expect((await answer).json.message_id).toBe(id);
    expect((await again).json).toMatchObject({ message_id: id, status: 'sent' });
    expect((await again).headers.get('idempotent-replayed')).toBe('true');
  });

  it.each(['-1', '61', 'long'])('is not for %s seconds', async (wait) => {
    const answer = await send(wait);
    expect([answer.status, answer.json.faults[0].path]).toEqual([400, 'query.wait']);
  });
});

describe('a client who leaves while it waits', () => {
  it('has its message sent all the same, and leaves nothing behind', async () => {
    const asked = request(fleet.url + path(60), {
      method: 'POST',
      headers: { Authorization: `Bearer ${ADMIN_KEY}`, 'Content-Type': 'application/json' },
    });
    asked.on('error', () => undefined);
    asked.end(JSON.stringify(text));
    const id = await theMessage();
    const before = fleet.log.length;
    asked.destroy();
    const answered = () => fleet.log.some((line) => line['route'] === SEND && line['complete'] === false);
    await eventually(answered);
    expect(queues.messages.get(id)?.state.status).toBe('queued');
    expect(fleet.log.slice(before).filter((line) => Number(line['level']) >= 50)).toEqual([]);
  });
});

describe('a router that stops', () => {
  it('answers who waits with where the message stands', async () => {
    const router = await fleet.addRouter();
    const answer = send(60, {}, router.server.url);
    const id = await theMessage();
    await eventually(() => queues.finds > 0);
    await router.close();
    expect([(await answer).status, (await answer).json.message_id]).toEqual([202, id]);
  });
});
