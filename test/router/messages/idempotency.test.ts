import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fingerprintOf } from '../../../router/messages/idempotency.ts';
import { sendRequestSchema } from '../../../router/messages/send-request.ts';
import { eventually } from '../../helpers/eventually.ts';
import type { FakeInstance } from '../../helpers/fake-instance.ts';
import { startMemoryFleet } from '../../helpers/memory-fleet.ts';
import type { MemoryQueues } from '../../helpers/memory-queues.ts';
import type { TestFleet } from '../../helpers/router.ts';

let fleet: TestFleet;
let queues: MemoryQueues;
let other: string;
let instance: FakeInstance;

beforeAll(async () => {
  ({ fleet, instance, queues } = await startMemoryFleet([
    [2, 'main'],
    [2, 'second'],
    [3, 'third'],
  ]));
  other = (await fleet.addRouter()).server.url;
});
afterAll(() => fleet.close());

const text = { to: '491701234567', text: 'hello' };

const send = (
  key: string,
  body: unknown = text,
  more: { session?: string; apiKey?: string; url?: string; query?: string } = {},
) =>
  fleet.ask('POST', `/api/whatsapp/sessions/${more.session ?? 'main'}/messages${more.query ?? ''}`, {
    body,
    headers: { 'Idempotency-Key': key },
    ...(more.apiKey === undefined ? {} : { key: more.apiKey }),
    ...(more.url === undefined ? {} : { url: more.url }),
  });

describe.each([
  ['quickly', ''],
  ['through the app', '?wait=0'],
])('a key that is used again %s', (way, query) => {
  it('stands for the same message, with its state as it is now, at every router', async () => {
    const key = `again-${way}`;
    const first = await send(key, text, { query });
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    queues.set(first.json.message_id, { status: 'sent', whatsapp_id: 'true_1@c.us_A' });
    for (const url of [fleet.url, other]) {
      const again = await send(key, text, { query, url });
      expect(again.status).toBe(200);
      expect(again.headers.get('idempotent-replayed')).toBe('true');
      expect(again.json).toEqual({
        message_id: first.json.message_id,
        status: 'sent',
        whatsapp_id: 'true_1@c.us_A',
        error: null,
      });
    }
    expect(queues.of('main').filter((each) => each.message_id === first.json.message_id)).toHaveLength(1);
  });

  it('is refused for anything else', async () => {
    const key = `else-${way}`;
    const first = await send(key, text, { query });
    const before = queues.messages.size;
    for (const answer of [
      await send(key, { ...text, text: 'hello!' }, { query }),
      await send(key, { ...text, priority: 'high' }, { query }),
      await send(key, { ...text, send_at: '2026-12-01T08:00:00Z' }, { query }),
      await send(key, text, { query, session: 'second' }),
    ]) {
      expect([answer.status, answer.json.code]).toEqual([422, 'idempotency_conflict']);
    }
    expect(queues.messages.size).toBe(before);
    expect((await send(key, text, { query })).json.message_id).toBe(first.json.message_id);
  });

  it.each(['', 'x'.repeat(256), 'ä', 'tab\there'])('is refused where it is no key: %j', async (bad) => {
    const answer = await send(bad, text, { query }).catch(() => 'the client itself refuses to send it');
    if (typeof answer === 'string') return;
    expect([answer.status, answer.json.faults?.[0]?.path]).toEqual([400, 'header.Idempotency-Key']);
  });
});

describe('a key', () => {
  it("is its owner's: another API key's stands for a message of its own", async () => {
    const make = async () =>
      (await fleet.ask('POST', '/api/fleet/keys', { body: { workspace_id: 2 } })).json.key;
    const ids = [
      (await send('shared')).json.message_id,
      (await send('shared', text, { apiKey: await make() })).json.message_id,
      (await send('shared', text, { apiKey: await make() })).json.message_id,
      (await send('shared', text, { session: 'third' })).json.message_id,
    ];
    expect(new Set(ids).size).toBe(4);
  });

  it('that comes twice at the same instant, at two routers, makes one message', async () => {
    for (let round = 0; round < 50; round++) {
      const [one, two] = await Promise.all([
        send(`race-${round}`),
        send(`race-${round}`, text, { url: other }),
      ]);
      expect(one.json.message_id).toBe(two.json.message_id);
      expect([one, two].map((each) => each.headers.get('idempotent-replayed')).sort()).toEqual([
        null,
        'true',
      ]);
    }
  });

  it('bound by a router that died before the queue had the message is brought to its end', async () => {
    queues.depth = 0;
    const refused = await send('died');
    expect(refused.status).toBe(429);
    queues.depth = Number.POSITIVE_INFINITY;
    const again = await send('died');
    expect(again.status).toBe(202);
    expect(again.headers.get('idempotent-replayed')).toBeNull();
    expect((await send('died')).json.message_id).toBe(again.json.message_id);
  });
});

describe('a key of a message that was accepted before', () => {
  it('answers for it also where its session takes no more messages by now', async () => {
    const first = await send('before the logout', text, { session: 'second' });
    await instance.setStatus('2', 'second', 'logged_out');
    const { table } = fleet.router.services;
    await eventually(() => table.session('2', 'second')?.status === 'logged_out');
    const again = await send('before the logout', text, { session: 'second' });
    expect([again.status, again.json.message_id]).toEqual([202, first.json.message_id]);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    const keyed = (idempotency_key: string) => ({ ...text, session_id: 'second', idempotency_key });
    const { json } = await fleet.ask('POST', '/api/whatsapp/messages/bulk', {
      body: { messages: [keyed('before the logout'), keyed('after it')] },
    });
    expect(json).toEqual({
      accepted: [{ index: 0, message_id: first.json.message_id, replayed: true }],
      rejected: [{ index: 1, code: 'session_not_ready', detail: expect.any(String) }],
    });
    for (const key of ['after it', 'a new one']) {
      expect((await send(key, text, { session: 'second' })).json.code).toBe('session_not_ready');
    }
  });

  it('answers for it also where its upload is gone by now', async () => {
    const { media } = fleet.router.services;
    const file = Readable.from(['a file'], { objectMode: false });
    const { media_id } = await media.put('2', file, { mimetype: 'text/plain', filename: null }, 100);
    const body = { to: text.to, media: { media_id } };
    const first = await send('upload', body);
    await media.purge('2', Date.now() + 60_000);
    const again = await send('upload', body);
    expect([again.status, again.json.message_id]).toEqual([202, first.json.message_id]);
    expect((await send('upload again', body)).json.code).toBe('media_not_found');
  });
});

describe('what a request is known by', () => {
  const session = { workspace: '2', session: 'main' };
  const of = (value: unknown) => fingerprintOf(session, sendRequestSchema.parse(value));

  it('is not how it is written', () => {
    const one = of({ to: '491701234567', location: { latitude: 1, longitude: 2.0 } });
    expect(of(JSON.parse('{"location":{"longitude":2e0,"latitude":1},"to":"+491701234567"}'))).toBe(one);
    expect(of({ ...text, priority: 'normal', on_unknown: 'report' })).toBe(of(text));
    expect(of({ ...text, send_at: '2026-12-01T10:00:00+02:00' })).toBe(
      of({ ...text, send_at: '2026-12-01T08:00:00Z' }),
    );
  });

  it('is all that it says', () => {
    const media = { data: 'AAAA', mimetype: 'image/png' };
    const different = [
      text,
      { ...text, text: 'Hello' },
      { ...text, to: '491701234568' },
      { ...text, reply_to: 'true_491701234567@c.us_A' },
      { ...text, on_unknown: 'resend' },
      { to: text.to, media },
      { to: text.to, media: { ...media, data: 'AAAB' } },
      { to: text.to, media: { ...media, filename: 'a.png' } },
    ];
    const prints = [
      ...different.map(of),
      fingerprintOf({ ...session, workspace: '3' }, sendRequestSchema.parse(text)),
    ];
    expect(new Set(prints).size).toBe(prints.length);
  });
});
