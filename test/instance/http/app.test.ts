import * as crypto from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { listen } from '../../../common/http/server.ts';
import { createLogger } from '../../../common/logger.ts';
import { instanceHealthSchema } from '../../../fleet/instance-api.ts';
import { sessionDetailSchema } from '../../../fleet/records.ts';
import { instanceApp } from '../../../instance/http/app.ts';
import { eventually } from '../../helpers/eventually.ts';
import { expectProblem, InstanceApi, MAIN, TOKEN } from '../helpers/instance-api.ts';

vi.mock('node:crypto', { spy: true });

describe("the instance's API", () => {
  let api: InstanceApi;
  beforeEach(async () => {
    api = await InstanceApi.start();
  });
  afterEach(() => api.close());

  it('passes orders on to the supervisor, and ends for a restart when it is told to', async () => {
    const order = { workspace: '7', epoch: 3, to: null, move: null };
    expect((await api.ask('POST', '/orders', { orders: [order] })).json).toEqual({ orders: 1 });
    expect((await api.ask('POST', '/restart')).status).toBe(202);
    expect(api.orders).toEqual([order, 'restart']);
    expectProblem(
      await api.ask('POST', '/orders', { orders: [{ ...order, epoch: 0 }] }),
      400,
      'invalid_request',
    );
    for (const path of ['/orders', '/restart'])
      expectProblem(await api.ask('POST', path, {}, {}), 401, 'unauthorized');
    expect(api.orders).toHaveLength(2);
  });

  it('shows its metrics to whoever asks, without the name of a workspace or session', async () => {
    await api.createReady();
    const { status, text } = await api.ask('GET', '/metrics', undefined, {});
    expect(status).toBe(200);
    expect(text).toContain('wharf_instance_sessions{status="ready"} 1');
    for (const name of [
      'workspaces',
      'ready_seconds_count',
      'messages_sent_total',
      'messages_unknown_total',
      'messages_under_way',
      'browser_renewals_total',
      'stuck_sessions',
      'capacity_sessions',
      'occupied_sessions',
      'failing_sessions',
      'reconnects_total',
      'storage_probe_seconds_count',
      'storage_probe_failures_total',
    ])
      expect(text).toMatch(new RegExp(`^wharf_instance_${name} `, 'm'));
    expect(text).toMatch(/^wharf_instance_browsers_pss_bytes 52428800$/m);
    expect(text).toMatch(/^wharf_instance_sessions_lost_total\{reason="page_crashed"\} 0$/m);
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
        ['GET', MAIN],
        ['PUT', MAIN],
        ['DELETE', MAIN],
        ['POST', `${MAIN}/start`],
        ['GET', `${MAIN}/qr`],
        ['GET', `${MAIN}/chats`],
      ] as const) {
        const answer = await api.ask(method, path, method === 'GET' ? undefined : '{', headers);
        expectProblem(answer, 401, 'unauthorized');
      }
    });

    it('and compares it in constant time', async () => {
      const compare = vi.mocked(crypto.timingSafeEqual);
      compare.mockClear();
      await api.ask('GET', MAIN, undefined, { 'x-wharf-token': 'b'.repeat(64) });
      expect(compare).toHaveBeenCalledTimes(1);
      expect(compare.mock.calls[0]?.[1]).toEqual(Buffer.from(TOKEN));
    });

    it('but not for its health', async () => {
      const answer = await api.ask('GET', '/health', undefined, {});
      expect(answer.status).toBe(200);
      expect(instanceHealthSchema.parse(answer.json)).toMatchObject({
        status: 'healthy',
        sessions: { total: 0, ready: 0, capacity: 3, utilization: 0 },
      });
    });
  });

  describe('tells', () => {
    it('nothing at unknown paths but that, and of methods which a path takes', async () => {
      expectProblem(await api.ask('GET', '/'), 404, 'not_found');
      expectProblem(await api.ask('PATCH', MAIN, {}), 405, 'method_not_allowed');
      expectProblem(await api.ask('GET', `${MAIN}/secrets`), 404, 'not_found');
    });

    it('that a workspace is not its own, or has no such session', async () => {
      expectProblem(await api.ask('GET', MAIN), 421, 'not_owner');
      expectProblem(await api.ask('PUT', MAIN, {}), 421, 'not_owner');
      await api.create();
      expectProblem(await api.ask('GET', '/workspaces/7/sessions/other'), 404, 'session_not_found');
      expectProblem(await api.ask('POST', '/workspaces/7/sessions/other/start'), 404, 'session_not_found');
    });

    it('that it is full', async () => {
      for (const id of ['a', 'b', 'c'])
        expect((await api.create(`/workspaces/7/sessions/${id}`)).status).toBe(201);
      const answer = await api.create('/workspaces/7/sessions/d');
      expectProblem(answer, 503, 'no_capacity');
      expect(answer.headers['retry-after']).toBe('30');
      expect((await api.ask('GET', '/health')).json['status']).toBe('at_capacity');
    });

    it('that a session is not ready for reads', async () => {
      await api.create();
      for (const path of ['chats', 'contacts', 'chats/491701234567@c.us/messages', 'numbers/491701234567'])
        expectProblem(await api.ask('GET', `${MAIN}/${path}`), 409, 'session_not_ready');
    });

    it('nothing of a fault of its own, and logs it once with the id of the request', async () => {
      await api.createReady();
      api.clients.last.number = async () => {
        throw new TypeError('cannot read hunter2 of undefined');
      };
      const answer = await api.ask('GET', `${MAIN}/numbers/491701234567`, undefined, {
        'x-wharf-token': TOKEN,
        'x-request-id': 'mine-1',
      });
      expectProblem(answer, 500, 'internal');
      expect(answer.text).not.toContain('hunter2');
      const logged = api.lines.filter((line) => line['request_id'] === 'mine-1' && line['level'] === 'error');
      expect(logged).toHaveLength(1);
    });
  });

  it('makes, shows, stops, starts, logs out and deletes a session', async () => {
    const made = await api.create(MAIN, { account_id: 'sales', proxy: null });
    expect(made.status).toBe(201);
    expect(sessionDetailSchema.parse(made.json)).toMatchObject({
      workspace_id: 7,
      session_id: 'main',
      account_id: 'sales',
      epoch: 1,
    });
    expect((await api.create(MAIN, { account_id: 'sales' })).status).toBe(200);
    expectProblem(await api.create(MAIN, { account_id: 'other' }), 409, 'session_exists');
    for (const [action, status] of [
      ['stop', 'stopped'],
      ['start', 'starting'],
      ['restart', 'starting'],
      ['logout', 'logged_out'],
    ]) {
      const answer = await api.ask('POST', `${MAIN}/${action}`);
      expect([answer.status, sessionDetailSchema.parse(answer.json).status]).toEqual([202, status]);
    }
    expect((await api.ask('DELETE', MAIN)).json).toEqual({ unlinked: false });
    expectProblem(await api.ask('GET', MAIN), 404, 'session_not_found');
  });

  it('shows the QR in four formats, kept by nobody, and holds the answer until there is one', async () => {
    await api.create();
    await eventually(() => api.clients.running === 1);
    expectProblem(await api.ask('GET', `${MAIN}/qr`), 409, 'not_awaiting_qr');
    const waiting = api.ask('GET', `${MAIN}/qr?wait=20`);
    await new Promise((resolve) => setImmediate(resolve));
    api.clients.last.events.qr('2@code');
    const json = await waiting;
    expect(json.json).toMatchObject({
      qr: '2@code',
      image: expect.stringMatching(/^data:image\/png;base64,/),
    });
    const types = { json: 'application/json', png: 'image/png', svg: 'image/svg+xml', text: 'text/plain' };
    for (const [format, type] of Object.entries(types)) {
      const answer = await api.ask('GET', `${MAIN}/qr?format=${format}`);
      expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'no-store']);
      expect(answer.headers['content-type']).toContain(type);
      expect(answer.text.length).toBeGreaterThan(50);
    }
    expectProblem(await api.ask('GET', `${MAIN}/qr?format=gif`), 400, 'invalid_request');
    expect((await api.ask('POST', `${MAIN}/pairing-code`, { phone_number: '+491701234567' })).json).toEqual({
      code: 'PAIR1234',
    });
    api.clients.last.becomeReady();
    expectProblem(await api.ask('GET', `${MAIN}/qr?wait=20`), 409, 'not_awaiting_qr');
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
