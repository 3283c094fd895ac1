import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FakeInstance } from '../../helpers/fake-instance.ts';
import { startMemoryFleet } from '../../helpers/memory-fleet.ts';
import type { MemoryQueues } from '../../helpers/memory-queues.ts';
import { ADMIN_KEY, type TestFleet } from '../../helpers/router.ts';

let fleet: TestFleet;
let instance: FakeInstance;
let queues: MemoryQueues;

beforeAll(async () => {
  const sessions = [
    [2, 'main'],
    [2, 'second'],
  ] as const;
  ({ fleet, instance, queues } = await startMemoryFleet(sessions, { holdTime: 0 }));
});
afterAll(() => fleet.close());
beforeEach(() => {
  queues.away = false;
  queues.depth = Number.POSITIVE_INFINITY;
});

const PATH = '/api/whatsapp/sessions/main/messages';
const text = { to: '491701234567', text: 'hello' };

/** The two ways into the router: past Express where nothing is unusual, and through it; a query with an extra `&` is only known to the latter. */
const ways = [
  ['quickly', PATH],
  ['through the app', `${PATH}?wait=0`],
] as const;

const send = (body: unknown, headers: Record<string, string> = {}, path: string = PATH) =>
  fleet.ask('POST', path, { body, headers });

describe.each(ways)('a message that goes in %s', (_way, path) => {
  it.each([
    ['text', text],
    ['a reply', { ...text, to: '491701234567@c.us', reply_to: 'true_491701234567@c.us_ABC' }],
    [
      'media by URL',
      { to: '120363041234567890@g.us', media: { url: 'https://example.com/a.png' }, caption: 'c' },
    ],
    ['a location', { to: '491701234567', location: { latitude: 52.5, longitude: 13.4, name: 'Berlin' } }],
    ['a contact', { to: '491701234567', contact: { name: 'A', phone_number: '491701234568' } }],
    ['a poll', { to: '491701234567', poll: { question: 'q', options: ['a', 'b'] } }],
  ])('is accepted: %s', async (_name, body) => {
    const answer = await send(body, {}, path);
    expect(answer.status).toBe(202);
    expect(answer.json).toEqual({
      message_id: expect.stringMatching(/^msg_[0-9a-f]{30}$/),
      status: 'queued',
      whatsapp_id: null,
      error: null,
    });
    const { to } = body;
    expect(queues.messages.get(answer.json.message_id)?.message).toMatchObject({
      workspace_id: '2',
      session_id: 'main',
      priority: 'normal',
      on_unknown: 'report',
      send_at: null,
      waiter: null,
      message: { ...body, to: to.includes('@') ? to : `${to}@c.us` },
    });
  });

  it('has the place in the queue that was asked for', async () => {
    const place = {
      priority: 'critical',
      on_unknown: 'resend',
      send_at: '2026-12-01T10:00:00+02:00',
    };
    const { json } = await send({ ...text, ...place }, {}, path);
    const message = queues.messages.get(json.message_id)?.message;
    expect(message).toMatchObject({ ...place, send_at: '2026-12-01T08:00:00.000Z' });
    expect(message?.message).toEqual({ to: '491701234567@c.us', text: 'hello' });
  });

  it.each([
    ['nobody', { text: 'x' }, 'to'],
    ['nothing', { to: '491701234567' }, '(body)'],
    ['two things', { ...text, poll: { question: 'q', options: ['a', 'b'] } }, '(body)'],
    ['an unknown field', { ...text, colour: 1 }, '(body)'],
    ['a recipient of letters', { to: 'bob', text: 'x' }, 'to'],
    ['a file as media', { to: '491701234567', media: { url: 'file:///etc/passwd' } }, 'media.url'],
    ['a bad latitude', { to: '491701234567', location: { latitude: 91, longitude: 0 } }, 'location.latitude'],
    ['an odd priority', { ...text, priority: 'urgent' }, 'priority'],
    ['an odd policy', { ...text, on_unknown: 'guess' }, 'on_unknown'],
    ['no time', { ...text, send_at: 'tomorrow' }, 'send_at'],
    ['a time in another life', { ...text, send_at: '2999-01-01T00:00:00Z' }, 'send_at'],
    ['text that is a number', { to: '491701234567', text: 5 }, 'text'],
    ['a prototype', JSON.parse('{"to":"491701234567","text":"x","__proto__":{"priority":"high"}}'), '(body)'],
    ['a list', [], '(body)'],
    ['a word', 'x', '(body)'],
  ] as [string, unknown, string][])('is refused where it says %s', async (_name, body, faulty) => {
    const before = queues.messages.size;
    const answer = await send(body, {}, path);
    expect([answer.status, answer.json.code]).toEqual([400, 'invalid_request']);
    expect(answer.json.faults.map((fault: { path: string }) => fault.path)).toContain(faulty);
    expect(queues.messages.size).toBe(before);
  });

  it.each([
    ['logged_out', 409, 'session_not_ready'],
    ['stopped', 202, undefined],
    ['starting', 202, undefined],
    ['disconnected', 202, undefined],
    ['failed', 202, undefined],
    ['parked', 202, undefined],
  ] as const)('of a session that is %s is answered %s', async (status, code, problem) => {
    await instance.setStatus('2', 'main', status);
    const known = () => fleet.router.services.table.session('2', 'main')?.status;
    await expect.poll(known).toBe(status);
    const answer = await send(text, {}, path);
    await instance.setStatus('2', 'main', 'ready');
    await expect.poll(known).toBe('ready');
    expect([answer.status, answer.json.code]).toEqual([code, problem]);
  });

  it('is refused with 429 and when to try again where the queue is full', async () => {
    queues.depth = 0;
    const answer = await send(text, {}, path);
    expect([answer.status, answer.json.code, answer.json.retry_after]).toEqual([429, 'queue_full', 7]);
    expect(answer.headers.get('retry-after')).toBe('7');
  });

  it('is refused with 503 while the queues are away, and accepted when they are back', async () => {
    queues.away = true;
    const answer = await send(text, {}, path);
    expect([answer.status, answer.json.code]).toEqual([503, 'queue_unavailable']);
    expect(answer.headers.get('retry-after')).toBe('2');
    queues.away = false;
    expect((await send(text, {}, path)).status).toBe(202);
  });

  it('is answered with the same headers', async () => {
    const answer = await send(text, { 'X-Request-Id': 'mine' }, path);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(answer.text.length),
      'x-request-id': 'mine',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    expect(answer.headers.get('idempotent-replayed')).toBeNull();
    const counted = (await fleet.ask('GET', '/metrics')).text;
    expect(counted).toContain(
      'method="POST",route="POST /api/whatsapp/sessions/:session_id/messages",status="202"',
    );
  });
});

describe('what the quick way leaves to the app', () => {
  it.each([
    ['no JSON', '{"to":', 'application/json', 400],
    ['an empty body', '', 'application/json', 400],
    ['another type', 'x', 'text/plain', 415],
    ['a type it does not know the letters of', 'x', 'application/json; charset=latin-1', 415],
  ])('is answered in full: %s', async (_name, body, type, status) => {
    const answer = await fleet.ask('POST', PATH, { text: body, headers: { 'Content-Type': type } });
    expect(answer.status).toBe(status);
  });

  it('reads the same letters', async () => {
    const long = `${'ä€😀 '.repeat(5000)}end`;
    for (const [, path] of ways) {
      const { json } = await send({ to: '491701234567', text: long }, {}, path);
      expect(queues.messages.get(json.message_id)?.message.message).toMatchObject({ text: long });
    }
  });

  it('takes a body in many pieces, also one that is not valid', async () => {
    const body = JSON.stringify({ to: '491701234567', text: 'x'.repeat(30_000) });
    for (const [sent, status] of [
      [body, 202],
      [body.slice(0, -1), 400],
    ] as const) {
      expect(await inPieces(sent)).toBe(status);
    }
  });
});

/** Sends a body of known length piece by piece. */
async function inPieces(body: string): Promise<number | undefined> {
  const asked = request(fleet.url + PATH, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${ADMIN_KEY}`,
      'Content-Type': 'application/json',
      'Content-Length': body.length,
    },
  });
  asked.setNoDelay(true);
  for (let start = 0; start < body.length; start += 7000) {
    await new Promise((resolve) => asked.write(body.slice(start, start + 7000), resolve));
  }
  asked.end();
  const [answer] = await once(asked, 'response');
  answer.resume();
  return answer.statusCode;
}

describe('a message whose body never comes whole', () => {
  it('is answered with 408, and not accepted', async () => {
    const router = await fleet.addRouter({ requestTimeout: 300 });
    const before = queues.messages.size;
    const socket = connect(router.server.port, '127.0.0.1');
    socket.write(
      `POST ${PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ADMIN_KEY}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"to":"49170`,
    );
    let said = '';
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    await once(socket, 'close');
    expect(said).toMatch(/^HTTP\/1\.1 408 /);
    expect(queues.messages.size).toBe(before);
  });

  it('is of nobody who left', async () => {
    const before = queues.messages.size;
    const socket = connect(fleet.router.server.port, '127.0.0.1');
    const head = `POST ${PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ADMIN_KEY}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"to"`;
    await new Promise((resolve) => socket.write(head, resolve));
    socket.destroy();
    await once(socket, 'close');
    expect((await send(text)).status).toBe(202);
    expect(queues.messages.size).toBe(before + 1);
  });
});

describe('many messages on one connection', () => {
  it('are answered in their order, also where some go through the app', async () => {
    const socket = connect(fleet.router.server.port, '127.0.0.1');
    const bodies = ['{"to":"491701234567","text":"a"}', '{"to":', '{"to":"491701234567","text":"b"}'];
    const asked = bodies.map(
      (body, n) =>
        `POST ${PATH} HTTP/1.1\r\nHost: x\r\nX-Request-Id: n${n}\r\nAuthorization: Bearer ${ADMIN_KEY}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n${n === 2 ? 'Connection: close\r\n' : ''}\r\n${body}`,
    );
    socket.write(asked.join(''));
    let said = '';
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    await once(socket, 'close');
    expect([...said.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1])).toEqual(['202', '400', '202']);
    expect([...said.matchAll(/X-Request-Id: (\w+)/g)].map((match) => match[1])).toEqual(['n0', 'n1', 'n2']);
  });
});

describe('who is asked', () => {
  it('is nobody, for a session that is known', async () => {
    const before = instance.asked.length;
    await send(text);
    expect(instance.asked.length).toBe(before);
  });

  it('is the owner, for one that is not', async () => {
    const answer = await send(text, {}, '/api/whatsapp/sessions/nobodys/messages?workspace_id=2');
    expect([answer.status, answer.json.code]).toEqual([404, 'session_not_found']);
    expect(instance.asked.at(-1)?.path).toBe('/workspaces/2/sessions/nobodys');
  });

  it('is nobody who could answer where no such workspace was ever heard of', async () => {
    const answer = await send(text, {}, '/api/whatsapp/sessions/main/messages?workspace_id=99');
    expect([answer.status, answer.json.code]).toEqual([404, 'session_not_found']);
  });

  it('does not matter while the instance is away: the message waits', async () => {
    instance.intercept = () => new Promise(() => {});
    expect((await send(text)).status).toBe(202);
    instance.intercept = undefined;
  });
});

describe('the older name', () => {
  it('answers as the new one does', async () => {
    const body = { session_id: 'main', to: '+491701234567', message: 'old' };
    const headers = { 'Idempotency-Key': 'older' };
    const answer = await fleet.ask('POST', '/api/whatsapp/messages/send', { body, headers });
    expect([answer.status, answer.json.status]).toEqual([202, 'queued']);
    expect(queues.messages.get(answer.json.message_id)?.message.message).toEqual({
      to: '491701234567@c.us',
      text: 'old',
    });
    const again = await fleet.ask('POST', '/api/whatsapp/messages/send', { body, headers });
    expect(again.json.message_id).toBe(answer.json.message_id);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
  });
});
