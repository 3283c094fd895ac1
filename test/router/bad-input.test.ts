import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isWharfError } from '../../common/errors.ts';
import type { Router } from '../../router/context.ts';
import { ADMIN_KEY, startFleet, type TestFleet } from '../helpers/router.ts';

let fleet: TestFleet;
/** A router that waits for no request: large bodies go to the other, which must not be what hurries them. */
let impatient: Router;

beforeAll(async () => {
  fleet = await startFleet();
  impatient = await fleet.addRouter({ requestTimeout: 400 });
  await fleet.addInstance('instance-1');
  await fleet.ask('POST', '/api/whatsapp/sessions', { body: { workspace_id: 2, session_id: 'main' } });
});
afterAll(() => fleet.close());

const create = (body: unknown) => fleet.ask('POST', '/api/whatsapp/sessions', { body });

describe('methods', () => {
  it.each([
    ['PATCH', '/api/whatsapp/sessions', 'POST, GET, HEAD'],
    ['PUT', '/api/whatsapp/sessions/main', 'GET, DELETE, HEAD'],
    ['GET', '/api/whatsapp/sessions/main/start', 'POST'],
    ['POST', '/health', 'GET, HEAD'],
  ])('names those a path takes where %s is none of them', async (method, path, allow) => {
    const response = await fetch(`${fleet.url}${path}`, { method });
    expect([response.status, response.headers.get('allow')]).toEqual([405, allow]);
    expect(await response.json()).toMatchObject({ code: 'method_not_allowed' });
  });

  it('are told of no path that is not there', async () => {
    expect((await fleet.ask('PATCH', '/api/whatsapp/nowhere')).json.code).toBe('not_found');
  });
});

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
    const said = await speak(head, impatient);
    expect(said).toMatch(/^HTTP\/1\.1 408 /);
    expect(said).toContain('"code":"request_timeout"');
  });

  it('ends a request whose headers never end', async () => {
    expect(await speak('GET /health HTTP/1.1\r\nHost: x\r\nX-A: ', impatient)).toMatch(/^HTTP\/1\.1 408 /);
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
function speak(text: string, router: Router = fleet.router): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(router.server.port, '127.0.0.1', () => socket.write(text));
    let said = '';
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    socket.on('close', () => resolve(said));
    socket.on('error', reject);
  });
}
