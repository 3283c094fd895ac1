import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MemoryEventLog } from '../../helpers/memory-event-log.ts';
import { startMemoryFleet } from '../../helpers/memory-fleet.ts';
import type { MemoryQueues } from '../../helpers/memory-queues.ts';
import type { TestFleet } from '../../helpers/router.ts';

let fleet: TestFleet;
let queues: MemoryQueues;
let events: MemoryEventLog;

beforeAll(async () => {
  ({ fleet, queues, events } = await startMemoryFleet([[2, 'main']]));
});
afterAll(() => fleet.close());

const at = (id: string) => `/api/whatsapp/messages/${id}`;
const accept = async (): Promise<string> =>
  (
    await fleet.ask('POST', '/api/whatsapp/sessions/main/messages', {
      body: { to: '491701234567', text: 'hello', priority: 'low' },
    })
  ).json.message_id;
const makeKey = async (workspace_id: number): Promise<string> =>
  (await fleet.ask('POST', '/api/fleet/keys', { body: { workspace_id } })).json.key;
const statusEvents = async () =>
  (await events.after('0', { types: ['message.status'] }, 100)).events.map(({ event }) => event);

describe('a message', () => {
  it('is shown with its state and its times, and not with who waits for it', async () => {
    const id = await accept();
    queues.set(id, { status: 'sent', whatsapp_id: 'true_1@c.us_A', sent_at: '2026-11-22T10:00:00.000Z' });
    const answer = await fleet.ask('GET', at(id));
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      message_id: id,
      workspace_id: 2,
      session_id: 'main',
      priority: 'low',
      on_unknown: 'report',
      accepted_at: expect.stringMatching(/Z$/),
      send_at: null,
      message: { to: '491701234567@c.us', text: 'hello' },
      status: 'sent',
      whatsapp_id: 'true_1@c.us_A',
      attempts: 0,
      error: null,
      sending_at: null,
      sent_at: '2026-11-22T10:00:00.000Z',
      delivered_at: null,
      read_at: null,
      ended_at: null,
    });
  });

  it.each(['GET', 'DELETE'])("is not there for another workspace's key: %s", async (method) => {
    const id = await accept();
    const [own, others] = [await makeKey(2), await makeKey(3)];
    const refused = await fleet.ask(method, at(id), { key: others });
    const missing = await fleet.ask(method, at(`msg_${'0'.repeat(30)}`), { key: others });
    expect([refused.status, refused.json.code]).toEqual([404, 'message_not_found']);
    const anonymous = (text: string) =>
      text.replace(/msg_[0-9a-f]+/, 'ID').replace(/"request_id":"[^"]*"/, '');
    expect(anonymous(refused.text)).toBe(anonymous(missing.text));
    expect(queues.messages.get(id)?.state.status).toBe('queued');
    expect((await fleet.ask(method, at(id), { key: own })).status).toBe(200);
  });

  it.each(['msg_1', 'true_1@c.us_A', 'msg_..%2f'])('has an id of ours, not %s', async (id) => {
    expect((await fleet.ask('GET', at(id))).status).toBe(400);
  });
});

describe('a message that is cancelled', () => {
  it('has failed, and its end is told as an event, once', async () => {
    const id = await accept();
    for (let round = 0; round < 2; round++) {
      const { status, json } = await fleet.ask('DELETE', at(id));
      expect(status).toBe(200);
      expect(json).toMatchObject({ message_id: id, status: 'failed', error: { code: 'cancelled' } });
    }
    const told = (await statusEvents()).filter(
      (event) => 'message_id' in event.data && event.data.message_id === id,
    );
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({
      workspace_id: '2',
      session_id: 'main',
      data: { chat_id: '491701234567@c.us', status: 'failed', error: { code: 'cancelled' } },
    });
  });

  it.each([
    ['sending', 'is being sent'],
    ['sent', 'has ended as sent'],
    ['unknown', 'has ended as unknown'],
  ] as const)('cannot be %s', async (status, why) => {
    const id = await accept();
    queues.set(id, { status });
    const answer = await fleet.ask('DELETE', at(id));
    expect([answer.status, answer.json.code, answer.json.message_status]).toEqual([
      409,
      'not_cancellable',
      status,
    ]);
    expect(answer.json.detail).toContain(why);
  });
});

describe('media in a body', () => {
  const send = (media: unknown, headers = {}) =>
    fleet.ask('POST', '/api/whatsapp/sessions/main/messages', {
      body: { to: '491701234567', media },
      headers,
    });

  it('is stored before the message is accepted, which then names it', async () => {
    const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, n) => n % 251));
    const media = { data: bytes.toString('base64'), mimetype: 'image/png', filename: 'a.png' };
    const headers = { 'Idempotency-Key': 'picture' };
    const answer = await send(media, headers);
    expect(answer.status).toBe(202);
    const message = queues.messages.get(answer.json.message_id)?.message.message;
    if (!message || !('media' in message) || !('media_id' in message.media)) throw new Error('no media');
    expect(message.media).toEqual({
      media_id: expect.stringMatching(/^med_[0-9a-f]{32}$/),
      mimetype: 'image/png',
      filename: 'a.png',
    });
    const { stream } = await fleet.router.services.media.open('2', message.media.media_id);
    expect(Buffer.concat(await stream.toArray()).equals(bytes)).toBe(true);
    expect((await send(media, headers)).json.message_id).toBe(answer.json.message_id);
    const other = { ...media, data: Buffer.from('other').toString('base64') };
    expect((await send(other, headers)).json.code).toBe('idempotency_conflict');
  });

  it('that was uploaded must be there, and be of the workspace', async () => {
    const answer = await send({ media_id: `med_${'0'.repeat(32)}` });
    expect([answer.status, answer.json.code]).toEqual([404, 'media_not_found']);
    const put = (workspace: string) =>
      fleet.router.services.media.put(
        workspace,
        Readable.from(['x'], { objectMode: false }),
        { mimetype: 'text/plain', filename: null },
        100,
      );
    expect((await send({ media_id: (await put('3')).media_id })).status).toBe(404);
    expect((await send({ media_id: (await put('2')).media_id })).status).toBe(202);
  });

  it('of more than 16 MB is refused, and nothing is accepted', async () => {
    const before = queues.messages.size;
    const data = Buffer.alloc(16 * 1024 * 1024 + 1).toString('base64');
    const answer = await send({ data, mimetype: 'image/png' });
    expect([answer.status, answer.json.code]).toEqual([422, 'media_too_large']);
    expect(queues.messages.size).toBe(before);
  });
});
