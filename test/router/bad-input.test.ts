import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isWharfError } from '../../common/errors.ts';
import type { FakeInstance } from '../helpers/fake-instance.ts';
import { ADMIN_KEY, startFleet, type TestFleet } from '../helpers/router.ts';

let fleet: TestFleet;
let instance: FakeInstance;

beforeAll(async () => {
  fleet = await startFleet({ requestTimeout: 400 });
  instance = await fleet.addInstance('instance-1');
  await fleet.ask('POST', '/api/whatsapp/sessions', { body: { workspace_id: 2, session_id: 'main' } });
});
afterAll(() => fleet.close());

const create = (body: unknown) => fleet.ask('POST', '/api/whatsapp/sessions', { body });

describe('ids', () => {
  const bad: [string, unknown][] = [
    ['climbing', '../../etc'],
    ['with a slash', 'a/b'],
    ['with a NUL', 'a\0b'],
    ['of 10 kB', 'a'.repeat(10_240)],
    ['in another script', 'ワークスペース'],
    ['empty', ''],
    ['of spaces', '  '],
    ['of 65 characters', 'a'.repeat(65)],
    ['with a newline at the end', 'abc\n'],
    ['null', null],
    ['a list', ['a']],
    ['an object', { a: 1 }],
    ['true', true],
  ];
  it.each(bad)('refuses a session id %s', async (_name, session_id) => {
    const answer = await create({ workspace_id: 1, session_id });
    expect([answer.status, answer.json.code]).toEqual([400, 'invalid_request']);
    expect(answer.json.faults).toEqual([expect.objectContaining({ path: 'session_id' })]);
    expect(answer.text.length).toBeLessThan(2000);
  });

  it.each([
    ...bad,
    ['007', '007'],
    ['-1', -1],
    ['1.5', 1.5],
    ['2^53 as a number', 2 ** 53],
    ['2^53 as text', '9007199254740992'],
    ['1e3 in text', '١٢٣'],
  ] as [string, unknown][])('refuses a workspace id %s', async (_name, workspace_id) => {
    const answer = await create({ workspace_id, session_id: 'a' });
    expect([answer.status, answer.json.code]).toEqual([400, 'invalid_request']);
    expect(answer.json.faults[0].path).toBe('workspace_id');
  });

  it('takes the largest number there is', async () => {
    expect((await create({ workspace_id: 2 ** 53 - 1, session_id: 'a' })).status).toBe(201);
  });

  it.each(['a%2Fb', '..%2F..', 'a%00b', 'x'.repeat(10_240), '%E3%83%AF', 'a%20b'])(
    'refuses %s in a path',
    async (id) => {
      const answer = await fleet.ask('GET', `/api/whatsapp/sessions/${id}`);
      expect([answer.status, answer.json.code]).toEqual([400, 'invalid_request']);
    },
  );

  it('refuses a path that is not percent-encoded', async () => {
    expect((await fleet.ask('GET', '/api/whatsapp/sessions/%zz')).json.code).toBe('invalid_request');
  });

  it.each(['007', '..', '9007199254740992', '', 'a&workspace_id=b'])(
    'refuses ?workspace_id=%s',
    async (workspace) => {
      const answer = await fleet.ask('GET', `/api/whatsapp/sessions/main?workspace_id=${workspace}`);
      expect([answer.status, answer.json.code]).toEqual([400, 'invalid_request']);
    },
  );

  it('answers 404 for a session that is not there', async () => {
    const answer = await fleet.ask('GET', '/api/whatsapp/sessions/nobody');
    expect([answer.status, answer.json.code]).toEqual([404, 'session_not_found']);
  });
});

describe('bodies', () => {
  it.each([
    ['not JSON', '{'],
    ['a bare word', 'hello'],
    ['a list', '[]'],
    ['null', 'null'],
    ['a number', '7'],
    ['empty text', '""'],
    ['an unknown field', '{"workspace_id":1,"session_id":"a","colour":"red"}'],
    ['a polluted prototype', '{"workspace_id":1,"__proto__":{"x":1}}'],
    ['a wrong type', '{"workspace_id":1,"account_id":5}'],
    ['no workspace', '{"session_id":"a"}'],
    ['a proxy that is none', '{"workspace_id":1,"proxy":"file:///etc/passwd"}'],
  ])('refuses %s', async (_name, text) => {
    const answer = await fleet.ask('POST', '/api/whatsapp/sessions', { text });
    expect([answer.status, answer.json.code]).toEqual([400, 'invalid_request']);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  });

  it('names every fault of a body at once', async () => {
    const answer = await create({ workspace_id: '007', session_id: 'a b', colour: 1 });
    expect(answer.json.faults.map((fault: { path: string }) => fault.path).sort()).toEqual([
      '(body)',
      'session_id',
      'workspace_id',
    ]);
  });

  it.each([
    ['text/plain', 415],
    ['application/x-www-form-urlencoded', 415],
  ])('refuses %s', async (type, status) => {
    const answer = await fleet.ask('POST', '/api/whatsapp/sessions', {
      text: 'a=b',
      headers: { 'Content-Type': type },
    });
    expect(answer.status).toBe(status);
  });

  it('refuses a body over the limit with 413', async () => {
    const answer = await create({ workspace_id: 1, account_id: 'x'.repeat(70_000) });
    expect([answer.status, answer.json.code]).toEqual([413, 'payload_too_large']);
  });

  it('refuses a message over its own, larger limit with 413', async () => {
    const media = { data: 'A'.repeat(23 * 1024 * 1024), mimetype: 'image/png' };
    const answer = await fleet.ask('POST', '/api/whatsapp/sessions/main/messages', {
      body: { to: '491701234567', media },
    });
    expect([answer.status, answer.json.code]).toEqual([413, 'payload_too_large']);
  });

  it('refuses a compressed body', async () => {
    const answer = await fleet.ask('POST', '/api/whatsapp/sessions', {
      text: 'xx',
      headers: { 'Content-Encoding': 'gzip' },
    });
    expect(answer.status).toBe(415);
  });

  it('ends a request whose body never ends with 408', async () => {
    const head = `POST /api/whatsapp/sessions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ADMIN_KEY}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"wor`;
    const said = await speak(head);
    expect(said).toMatch(/^HTTP\/1\.1 408 /);
    expect(said).toContain('"code":"request_timeout"');
  });

  it('ends a request whose headers never end', async () => {
    expect(await speak('GET /health HTTP/1.1\r\nHost: x\r\nX-A: ')).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('answers what is no HTTP with 400', async () => {
    const said = await speak('hello there\r\n\r\n');
    expect(said).toMatch(/^HTTP\/1\.1 400 /);
    expect(said).toContain('"code":"invalid_request"');
  });

  it('lives on after all that', async () => {
    expect((await fleet.ask('GET', '/health', { key: null })).status).toBe(200);
  });
});

describe('messages', () => {
  const send = (body: unknown, headers: Record<string, string> = {}) =>
    fleet.ask('POST', '/api/whatsapp/sessions/main/messages', { body, headers });

  it.each([
    ['text', { to: '491701234567', text: 'hello' }],
    ['a reply', { to: '491701234567@c.us', text: 'hello', reply_to: 'true_491701234567@c.us_ABC' }],
    [
      'media by URL',
      { to: '120363041234567890@g.us', media: { url: 'https://example.com/a.png' }, caption: 'c' },
    ],
    [
      'media in the body',
      { to: '491701234567', media: { data: 'AAAA', mimetype: 'image/png', filename: 'a.png' } },
    ],
    ['a location', { to: '491701234567', location: { latitude: 52.5, longitude: 13.4, name: 'Berlin' } }],
    ['a contact', { to: '491701234567', contact: { name: 'A', phone_number: '491701234568' } }],
    ['a poll', { to: '491701234567', poll: { question: 'q', options: ['a', 'b'] } }],
    ['normal priority', { to: '491701234567', text: 'hello', priority: 'normal' }],
    ['critical priority', { to: '491701234567', text: 'hello', priority: 'critical' }],
    ['a time that has come', { to: '491701234567', text: 'hello', send_at: '2020-01-01T00:00:00Z' }],
  ])('hands %s to the instance', async (_name, body) => {
    const answer = await send(body);
    expect(answer.status).toBe(200);
    expect(answer.json.message_id).toMatch(/^msg_[0-9a-z]{32}$/);
    const { priority, send_at, to, ...content } = body as Record<string, unknown>;
    const handed = JSON.parse(instance.asked.at(-1)?.body ?? '');
    expect(handed).toEqual({ ...content, to: String(to).includes('@') ? to : `${to}@c.us` });
    expect(instance.asked.at(-1)?.path).toBe(
      `/workspaces/2/sessions/main/messages?message_id=${answer.json.message_id}`,
    );
  });

  it.each([
    ['nobody', { text: 'x' }, '(body)|to'],
    ['nothing', { to: '491701234567' }, '(body)'],
    ['two things', { to: '491701234567', text: 'x', poll: { question: 'q', options: ['a', 'b'] } }, '(body)'],
    ['an unknown field', { to: '491701234567', text: 'x', colour: 1 }, '(body)'],
    ['a recipient of letters', { to: 'bob', text: 'x' }, 'to'],
    ['a file as media', { to: '491701234567', media: { url: 'file:///etc/passwd' } }, 'media'],
    ['a bad latitude', { to: '491701234567', location: { latitude: 91, longitude: 0 } }, 'location.latitude'],
    ['an odd priority', { to: '491701234567', text: 'x', priority: 'urgent' }, 'priority'],
    ['no time', { to: '491701234567', text: 'x', send_at: 'tomorrow' }, 'send_at'],
    ['text that is a number', { to: '491701234567', text: 5 }, 'text'],
    ['a list', [], '(body)'],
    ['a word', 'x', '(body)'],
  ] as [string, unknown, string][])('refuses %s', async (_name, body, path) => {
    const before = instance.asked.length;
    const answer = await send(body);
    expect([answer.status, answer.json.code]).toEqual([400, 'invalid_request']);
    expect(answer.json.faults.map((fault: { path: string }) => fault.path).join()).toMatch(
      new RegExp(path.replace(/[().]/g, '\\$&')),
    );
    expect(instance.asked.length).toBe(before);
  });

  it.each([
    ['a time to come', { to: '491701234567', text: 'x', send_at: '2999-01-01T00:00:00Z' }, {}],
    ['an idempotency key', { to: '491701234567', text: 'x' }, { 'Idempotency-Key': 'k1' }],
  ])('refuses %s rather than not keep to it', async (_name, body, headers) => {
    const answer = await send(body, headers);
    expect(answer.status).toBe(400);
    expect(answer.json.detail).toContain('comes with the message queue');
  });

  it('takes the older name', async () => {
    const answer = await fleet.ask('POST', '/api/whatsapp/messages/send', {
      body: { session_id: 'main', to: '491701234567', message: 'old' },
    });
    expect(answer.status).toBe(200);
    expect(JSON.parse(instance.asked.at(-1)?.body ?? '')).toEqual({ to: '491701234567@c.us', text: 'old' });
  });
});

describe('a taken port', () => {
  it('is said plainly', async () => {
    const error = await fleet
      .addRouter({ port: fleet.router.server.port })
      .catch((caught: unknown) => caught);
    expect(isWharfError(error, 'port_taken')).toBe(true);
    expect(String(error)).toContain(String(fleet.router.server.port));
  });
});

/** Sends bytes, and gives all that came back when the server has closed. */
function speak(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(fleet.router.server.port, '127.0.0.1', () => socket.write(text));
    let said = '';
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    socket.on('close', () => resolve(said));
    socket.on('error', reject);
  });
}
