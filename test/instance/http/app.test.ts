import * as crypto from 'node:crypto';
import { request } from 'node:http';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { type HttpServer, listen } from '../../../common/http/server.ts';
import { createLogger } from '../../../common/logger.ts';
import { problemSchema } from '../../../common/problem.ts';
import { FileClaims } from '../../../fleet/file-claims.ts';
import { instanceHealthSchema } from '../../../fleet/instance-api.ts';
import { openMediaStore } from '../../../fleet/media/open-media-store.ts';
import { sessionDetailSchema } from '../../../fleet/records.ts';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import { HealthReporter } from '../../../instance/health.ts';
import { HostUsageMeter } from '../../../instance/host-usage.ts';
import { instanceApp } from '../../../instance/http/app.ts';
import { MediaDownloads } from '../../../instance/media/media-downloads.ts';
import { InstanceMetrics } from '../../../instance/metrics.ts';
import { OutboxStatus } from '../../../instance/outbox/outbox-status.ts';
import { SessionManager } from '../../../instance/session/session-manager.ts';
import { eventually } from '../../helpers/eventually.ts';
import { Granting } from '../../helpers/granting.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { FakeClients } from '../helpers/fake-clients.ts';
import { memoryParts } from '../helpers/session-parts.ts';

vi.mock('node:crypto', { spy: true });

const TOKEN = 'a'.repeat(64);

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  json: Record<string, unknown>;
}

describe("the instance's API", () => {
  let server: HttpServer;
  let manager: SessionManager;
  let clients: FakeClients;
  let lines: Record<string, unknown>[];
  let granting: Granting;
  let orders: unknown[];
  const closing: (() => unknown)[] = [];

  beforeEach(async () => {
    const root = await temporaryDirectory();
    const paths = new SessionPaths(root);
    clients = new FakeClients();
    const memory = memoryParts(clients);
    lines = memory.lines;
    const me = { instance: 'instance-1', incarnation: 'a', host: 'here' };
    const { log } = memory.parts;
    granting = new Granting(new FileClaims(paths), me);
    manager = new SessionManager({
      ownership: granting.ownership,
      capacity: 3,
      host: me.host,
      closeWithin: 5000,
      log,
      onChange: () => {},
      onRemove: () => {},
      onLeave: () => {},
      parts: memory.parts,
    });
    const usage = new HostUsageMeter(() => []);
    const health = new HealthReporter({
      me,
      manager,
      usage,
      sessionPath: root,
      clock: systemClock,
      redisOk: () => true,
      standing: () => undefined,
      owned: () => 0,
    });
    const store = openMediaStore({ mediaBucket: null }, paths, systemClock);
    granting.to(manager);
    const metrics = new InstanceMetrics({
      manager: () => manager,
      standing: () => undefined,
      owned: () => 0,
      outbox: new OutboxStatus(),
      now: () => performance.now(),
    });
    orders = [];
    const parts = {
      manager,
      downloads: new MediaDownloads({ store, log }),
      health,
      metrics,
      order: (order: unknown) => void orders.push(order),
      restart: () => void orders.push('restart'),
    };
    const app = instanceApp(parts, TOKEN, log);
    server = await listen(app, 0, '127.0.0.1', { requestTimeout: 400 });
    closing.push(
      () => server.close(0),
      () => manager.close(5000),
      () => health.close(),
    );
  });
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  /** A request whose path goes out as it is given. */
  function ask(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = { 'x-wharf-token': TOKEN },
  ): Promise<Answer> {
    const raw = typeof body === 'string' || Buffer.isBuffer(body);
    const sent = body === undefined ? undefined : raw ? body : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          host: '127.0.0.1',
          port: server.port,
          method,
          path,
          agent: false,
          headers: {
            ...(sent === undefined
              ? {}
              : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(sent) }),
            ...headers,
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString('utf8');
            const isJson = String(response.headers['content-type']).includes('json');
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text,
              json: isJson ? JSON.parse(text) : {},
            });
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.end(sent);
    });
  }

  function expectProblem(answer: Answer, status: number, code: string): void {
    expect({ status: answer.status, code: answer.json['code'] }).toEqual({ status, code });
    expect(answer.headers['content-type']).toContain('application/problem+json');
    const problem = problemSchema.parse(answer.json);
    expect(problem.request_id).toBe(answer.headers['x-request-id']);
    expect(problem.detail.length).toBeLessThan(1500);
  }

  const main = '/workspaces/7/sessions/main';
  const create = (path = main, body: unknown = {}) =>
    ask('PUT', path, body, { 'x-wharf-token': TOKEN, 'x-wharf-adopt': 'first' });
  const createReady = async () => {
    await create();
    await eventually(() => clients.running === 1);
    clients.last.becomeReady();
  };

  it('passes orders on to the supervisor, and ends for a restart when it is told to', async () => {
    const order = { workspace: '7', epoch: 3, to: null, move: null };
    expect((await ask('POST', '/orders', { orders: [order] })).json).toEqual({ orders: 1 });
    expect((await ask('POST', '/restart')).status).toBe(202);
    expect(orders).toEqual([order, 'restart']);
    expectProblem(await ask('POST', '/orders', { orders: [{ ...order, epoch: 0 }] }), 400, 'invalid_request');
    for (const path of ['/orders', '/restart'])
      expectProblem(await ask('POST', path, {}, {}), 401, 'unauthorized');
    expect(orders).toHaveLength(2);
  });

  it('shows its metrics to whoever asks, without the name of a workspace or session', async () => {
    await createReady();
    const { status, text } = await ask('GET', '/metrics', undefined, {});
    expect(status).toBe(200);
    expect(text).toContain('wharf_instance_sessions{status="ready"} 1');
    for (const name of [
      'workspaces',
      'claims_total',
      'lapses_total',
      'restarts_total',
      'ready_seconds_count',
      'messages_sent_total',
      'messages_unknown_total',
      'messages_under_way',
      'browser_renewals_total',
      'stuck_sessions',
    ])
      expect(text).toMatch(new RegExp(`^wharf_instance_${name} `, 'm'));
    expect(text).not.toContain('main"');
  });

  describe('asks for the token', () => {
    it.each([
      ['none', {}],
      ['an empty one', { 'x-wharf-token': '' }],
      ['another of the same length', { 'x-wharf-token': 'b'.repeat(64) }],
      ['the beginning of it', { 'x-wharf-token': TOKEN.slice(1) }],
      ['more than it', { 'x-wharf-token': `${TOKEN}a` }],
      ['it in the wrong place', { authorization: `Bearer ${TOKEN}` }],
    ])('and refuses %s, on every path and before the body is read', async (_what, headers) => {
      for (const [method, path] of [
        ['GET', main],
        ['PUT', main],
        ['DELETE', main],
        ['POST', `${main}/start`],
        ['GET', `${main}/qr`],
        ['GET', `${main}/chats`],
      ] as const) {
        const answer = await ask(method, path, method === 'GET' ? undefined : '{', headers);
        expectProblem(answer, 401, 'unauthorized');
      }
    });

    it('and compares it in constant time', async () => {
      const compare = vi.mocked(crypto.timingSafeEqual);
      compare.mockClear();
      await ask('GET', main, undefined, { 'x-wharf-token': 'b'.repeat(64) });
      expect(compare).toHaveBeenCalledTimes(1);
      expect(compare.mock.calls[0]?.[1]).toEqual(Buffer.from(TOKEN));
    });

    it('but not for its health', async () => {
      const answer = await ask('GET', '/health', undefined, {});
      expect(answer.status).toBe(200);
      expect(instanceHealthSchema.parse(answer.json)).toMatchObject({
        status: 'healthy',
        sessions: { total: 0, ready: 0, capacity: 3, utilization: 0 },
      });
    });
  });

  describe('refuses ids', () => {
    const bad: [string, string][] = [
      ['..', '..'],
      ['.', '.'],
      ['%2e%2e', 'encoded dots'],
      ['a%2Fb', 'a slash'],
      ['..%2F..%2Fetc', 'a way out'],
      ['a%5Cb', 'a backslash'],
      ['a%00', 'NUL'],
      ['%C3%A4', 'a letter with dots'],
      ['%E2%80%AE', 'a mark that turns the text round'],
      ['%F0%9F%98%80', 'an emoji'],
      ['a%20b', 'a space'],
      ['%', 'half an encoding'],
      ['%C3', 'half a letter'],
      ['x'.repeat(65), '65 characters'],
      ['x'.repeat(10_240), '10 kB'],
      ['a.b', 'a dot'],
    ];

    it.each(bad)('%.40s as a session (%s)', async (id) => {
      for (const method of ['PUT', 'GET', 'DELETE'])
        expectProblem(await ask(method, `/workspaces/7/sessions/${id}`, {}), 400, 'invalid_request');
      expect(manager.all()).toEqual([]);
    });

    it.each([
      ...bad,
      ['007', 'a leading zero'],
      ['9007199254740992', '2^53'],
      ['9007199254740993', '2^53 + 1'],
      ['9'.repeat(64), '10^64'],
    ])('%.40s as a workspace (%s)', async (id) => {
      expectProblem(await create(`/workspaces/${id}/sessions/main`), 400, 'invalid_request');
      expect(manager.all()).toEqual([]);
    });

    it('with the path of each fault', async () => {
      const answer = await create('/workspaces/007/sessions/a.b', { account_id: 7, colour: 'red' });
      expectProblem(answer, 400, 'invalid_request');
      const faults = problemSchema.parse(answer.json).faults ?? [];
      expect(faults.map(({ path }) => path).sort()).toEqual([
        '(body)',
        'account_id',
        'path.session_id',
        'path.workspace_id',
      ]);
    });
  });

  describe('refuses bodies', () => {
    it.each([
      '{',
      '',
      'null',
      '[]',
      '"text"',
      '7',
      '{"account_id":}',
      '\0',
      '{"a":1}{"b":2}',
      'NaN',
      '[['.repeat(20_000),
    ])('that are %.20j', async (text) => {
      const answer = await create(main, text);
      // An empty body is one that was left out: all settings have defaults.
      if (text === '') expect(answer.status).toBe(201);
      else expectProblem(answer, 400, 'invalid_request');
    });

    it.each([
      [{ account_id: 7 }, 'account_id'],
      [{ account_id: '' }, 'account_id'],
      [{ account_id: 'x'.repeat(201) }, 'account_id'],
      [{ proxy: 'file:///etc/passwd' }, 'proxy'],
      [{ proxy: 'http://a b' }, 'proxy'],
      [{ proxy: { host: 'x' } }, 'proxy'],
      [{ acount_id: 'x' }, '(body)'],
      [{ ['x'.repeat(10_000)]: 1 }, '(body)'],
      [JSON.parse('{"__proto__":{"account_id":"x"}}'), '(body)'],
    ])('like %.60j, naming %s', async (body, path) => {
      const answer = await create(main, body);
      expectProblem(answer, 400, 'invalid_request');
      expect(problemSchema.parse(answer.json).faults?.map((fault) => fault.path)).toContain(path);
    });

    it.each([[`${main}/pairing-code`, { phone_number: '12' }, 'phone_number']])(
      'at %s like %j, naming %s',
      async (path, body, fault) => {
        await createReady();
        const answer = await ask('POST', path, body);
        expectProblem(answer, 400, 'invalid_request');
        expect(problemSchema.parse(answer.json).faults?.map((one) => one.path)).toContain(fault);
      },
    );

    it('that are huge, with the limit', async () => {
      const answer = await create(main, { account_id: 'x'.repeat(70_000) });
      expectProblem(answer, 413, 'payload_too_large');
      expect(answer.json['detail']).toContain('65536');
    });

    it('that are no JSON, say nothing of what they are, or are compressed', async () => {
      for (const headers of [
        { 'content-type': 'text/plain' },
        { 'content-type': 'application/x-www-form-urlencoded' },
        { 'content-type': '' },
        { 'content-encoding': 'gzip' },
        { 'content-type': 'application/json; charset=latin1' },
      ]) {
        const answer = await ask('PUT', main, '{}', {
          'x-wharf-token': TOKEN,
          'x-wharf-adopt': 'first',
          ...headers,
        });
        expectProblem(answer, 415, 'unsupported_media_type');
      }
    });

    it('that never end, after a while, with the connection closed', async () => {
      const socket = connect(server.port, '127.0.0.1');
      const said: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => said.push(chunk));
      socket.write(
        `PUT ${main} HTTP/1.1\r\nHost: x\r\nX-Wharf-Token: ${TOKEN}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"account`,
      );
      await new Promise((resolve) => socket.on('close', resolve));
      const text = Buffer.concat(said).toString();
      expect(text).toMatch(/^HTTP\/1\.1 408 /);
      const problem = problemSchema.parse(JSON.parse(text.slice(text.indexOf('\r\n\r\n'))));
      expect(problem.code).toBe('request_timeout');
      expect(manager.all()).toEqual([]);
    });

    it('whatever they are: an answer of 4xx, and it lives on', async () => {
      await createReady();
      await fc.assert(
        fc.asyncProperty(fc.json(), fc.constantFrom('PUT', 'POST'), async (text, method) => {
          const path = method === 'PUT' ? main : `${main}/pairing-code`;
          const answer = await ask(method, path, text);
          const harmless = method === 'PUT' && text.trim() === '{}';
          if (!harmless) expect(answer.status).toBe(400);
        }),
        { numRuns: 100 },
      );
      expect((await ask('GET', main)).status).toBe(200);
    });
  });

  describe('tells', () => {
    it('nothing at unknown paths and methods but that', async () => {
      expectProblem(await ask('GET', '/'), 404, 'not_found');
      expectProblem(await ask('PATCH', main, {}), 404, 'not_found');
      expectProblem(await ask('GET', `${main}/secrets`), 404, 'not_found');
    });

    it('that a workspace is not its own, or has no such session', async () => {
      expectProblem(await ask('GET', main), 421, 'not_owner');
      expectProblem(await ask('PUT', main, {}), 421, 'not_owner');
      await create();
      expectProblem(await ask('GET', '/workspaces/7/sessions/other'), 404, 'session_not_found');
      expectProblem(await ask('POST', '/workspaces/7/sessions/other/start'), 404, 'session_not_found');
    });

    it('that it is full', async () => {
      for (const id of ['a', 'b', 'c'])
        expect((await create(`/workspaces/7/sessions/${id}`)).status).toBe(201);
      const answer = await create('/workspaces/7/sessions/d');
      expectProblem(answer, 503, 'no_capacity');
      expect(answer.headers['retry-after']).toBe('30');
      expect((await ask('GET', '/health')).json['status']).toBe('at_capacity');
    });

    it('that a session is not ready for reads', async () => {
      await create();
      for (const path of ['chats', 'contacts', 'chats/491701234567@c.us/messages', 'numbers/491701234567'])
        expectProblem(await ask('GET', `${main}/${path}`), 409, 'session_not_ready');
    });

    it('nothing of a fault of its own, and logs it once with the id of the request', async () => {
      await createReady();
      clients.last.number = async () => {
        throw new TypeError('cannot read hunter2 of undefined');
      };
      const answer = await ask('GET', `${main}/numbers/491701234567`, undefined, {
        'x-wharf-token': TOKEN,
        'x-request-id': 'mine-1',
      });
      expectProblem(answer, 500, 'internal');
      expect(answer.text).not.toContain('hunter2');
      const logged = lines.filter((line) => line['request_id'] === 'mine-1' && line['level'] === 'error');
      expect(logged).toHaveLength(1);
    });
  });

  it('makes, shows, stops, starts, logs out and deletes a session', async () => {
    const made = await create(main, { account_id: 'sales', proxy: null });
    expect(made.status).toBe(201);
    expect(sessionDetailSchema.parse(made.json)).toMatchObject({
      workspace_id: 7,
      session_id: 'main',
      account_id: 'sales',
      epoch: 1,
    });
    expect((await create(main, { account_id: 'sales' })).status).toBe(200);
    expectProblem(await create(main, { account_id: 'other' }), 409, 'session_exists');
    for (const [action, status] of [
      ['stop', 'stopped'],
      ['start', 'starting'],
      ['restart', 'starting'],
      ['logout', 'logged_out'],
    ]) {
      const answer = await ask('POST', `${main}/${action}`);
      expect([answer.status, sessionDetailSchema.parse(answer.json).status]).toEqual([202, status]);
    }
    expect((await ask('DELETE', main)).json).toEqual({ unlinked: false });
    expectProblem(await ask('GET', main), 404, 'session_not_found');
  });

  it('shows the QR in four formats, kept by nobody, and holds the answer until there is one', async () => {
    await create();
    await eventually(() => clients.running === 1);
    expectProblem(await ask('GET', `${main}/qr`), 409, 'not_awaiting_qr');
    const waiting = ask('GET', `${main}/qr?wait=20`);
    await new Promise((resolve) => setImmediate(resolve));
    clients.last.events.qr('2@code');
    const json = await waiting;
    expect(json.json).toMatchObject({
      qr: '2@code',
      image: expect.stringMatching(/^data:image\/png;base64,/),
    });
    const types = { json: 'application/json', png: 'image/png', svg: 'image/svg+xml', text: 'text/plain' };
    for (const [format, type] of Object.entries(types)) {
      const answer = await ask('GET', `${main}/qr?format=${format}`);
      expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'no-store']);
      expect(answer.headers['content-type']).toContain(type);
      expect(answer.text.length).toBeGreaterThan(50);
    }
    expectProblem(await ask('GET', `${main}/qr?format=gif`), 400, 'invalid_request');
    expect((await ask('POST', `${main}/pairing-code`, { phone_number: '+491701234567' })).json).toEqual({
      code: 'PAIR1234',
    });
    clients.last.becomeReady();
    expectProblem(await ask('GET', `${main}/qr?wait=20`), 409, 'not_awaiting_qr');
  });
});

describe('an instance that reads the sessions of a workspace', () => {
  it('lets requests wait until it knows them', async () => {
    let open = () => {};
    const reading = new Promise<void>((resolve) => {
      open = resolve;
    });
    const log = createLogger('silent', {});
    const manager = {
      workspaces: { settled: (workspace: string) => (workspace === '7' ? reading : Promise.resolve()) },
      get: () => ({ detail: () => ({ known: true }) }),
    };
    const server = await listen(instanceApp({ manager } as never, TOKEN, log), 0, '127.0.0.1');
    const ask = (workspace: string) =>
      fetch(`${server.url}/workspaces/${workspace}/sessions/main`, { headers: { 'x-wharf-token': TOKEN } });
    try {
      const answer = ask('7');
      expect(await Promise.race([answer, ask('8').then(() => 'the other')])).toBe('the other');
      open();
      expect(await (await answer).json()).toEqual({ known: true });
    } finally {
      await server.close(0);
    }
  });
});
