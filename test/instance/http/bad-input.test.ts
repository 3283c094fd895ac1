import { connect } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { problemSchema } from '../../../common/problem.ts';
import { expectProblem, InstanceApi, MAIN, TOKEN } from '../helpers/instance-api.ts';

describe("the instance's API", () => {
  let api: InstanceApi;
  beforeEach(async () => {
    api = await InstanceApi.start();
  });
  afterEach(() => api.close());

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
        expectProblem(await api.ask(method, `/workspaces/7/sessions/${id}`, {}), 400, 'invalid_request');
      expect(api.manager.all()).toEqual([]);
    });

    it.each([
      ...bad,
      ['007', 'a leading zero'],
      ['9007199254740992', '2^53'],
      ['9007199254740993', '2^53 + 1'],
      ['9'.repeat(64), '10^64'],
    ])('%.40s as a workspace (%s)', async (id) => {
      expectProblem(await api.create(`/workspaces/${id}/sessions/main`), 400, 'invalid_request');
      expect(api.manager.all()).toEqual([]);
    });

    it('with the path of each fault', async () => {
      const answer = await api.create('/workspaces/007/sessions/a.b', { account_id: 7, colour: 'red' });
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
      const answer = await api.create(MAIN, text);
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
      const answer = await api.create(MAIN, body);
      expectProblem(answer, 400, 'invalid_request');
      expect(problemSchema.parse(answer.json).faults?.map((fault) => fault.path)).toContain(path);
    });

    it.each([[`${MAIN}/pairing-code`, { phone_number: '12' }, 'phone_number']])(
      'at %s like %j, naming %s',
      async (path, body, fault) => {
        await api.createReady();
        const answer = await api.ask('POST', path, body);
        expectProblem(answer, 400, 'invalid_request');
        expect(problemSchema.parse(answer.json).faults?.map((one) => one.path)).toContain(fault);
      },
    );

    it('that are huge, with the limit', async () => {
      const answer = await api.create(MAIN, { account_id: 'x'.repeat(70_000) });
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
        const answer = await api.ask('PUT', MAIN, '{}', {
          'x-wharf-token': TOKEN,
          'x-wharf-adopt': 'first',
          ...headers,
        });
        expectProblem(answer, 415, 'unsupported_media_type');
      }
    });

    it('that never end, after a while, with the connection closed', async () => {
      const socket = connect(api.server.port, '127.0.0.1');
      const said: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => said.push(chunk));
      socket.write(
        `PUT ${MAIN} HTTP/1.1\r\nHost: x\r\nX-Wharf-Token: ${TOKEN}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"account`,
      );
      await new Promise((resolve) => socket.on('close', resolve));
      const text = Buffer.concat(said).toString();
      expect(text).toMatch(/^HTTP\/1\.1 408 /);
      const problem = problemSchema.parse(JSON.parse(text.slice(text.indexOf('\r\n\r\n'))));
      expect(problem.code).toBe('request_timeout');
      expect(api.manager.all()).toEqual([]);
    });

    it('whatever they are: an answer of 4xx, and it lives on', async () => {
      await api.createReady();
      await fc.assert(
        fc.asyncProperty(fc.json(), fc.constantFrom('PUT', 'POST'), async (text, method) => {
          const path = method === 'PUT' ? MAIN : `${MAIN}/pairing-code`;
          const answer = await api.ask(method, path, text);
          const harmless = method === 'PUT' && text.trim() === '{}';
          if (!harmless) expect(answer.status).toBe(400);
        }),
        { numRuns: 100 },
      );
      expect((await api.ask('GET', MAIN)).status).toBe(200);
    });
  });
});
