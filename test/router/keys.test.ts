import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, startFleet, type TestFleet } from '../helpers/router.ts';

let fleet: TestFleet;

beforeAll(async () => {
  fleet = await startFleet();
  await fleet.addInstance('instance-1', { capacity: 50 });
  await fleet.addInstance('instance-2', { capacity: 50 });
});
afterAll(() => fleet.close());

const makeKey = async (workspace_id?: number | string): Promise<{ key: string; key_id: string }> =>
  (await fleet.ask('POST', '/api/fleet/keys', { body: workspace_id === undefined ? {} : { workspace_id } }))
    .json;

describe('who may ask', () => {
  it.each([
    ['no key', null, {}],
    ['a wrong key', 'wrong', {}],
    ['a key of an unknown id', `wharf_0123456789abcdef_${'a'.repeat(43)}`, {}],
    ['a key of 8 kB', 'k'.repeat(8000), {}],
    ['another scheme', null, { Authorization: `Basic ${ADMIN_KEY}` }],
    ['an empty bearer', null, { Authorization: 'Bearer ' }],
  ])('refuses %s with 401', async (_name, key, headers) => {
    const answer = await fleet.ask('GET', '/api/whatsapp/sessions', { key, headers });
    expect([answer.status, answer.json.code]).toEqual([401, 'unauthorized']);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
  });

  it('takes a key in either header', async () => {
    const { key } = await makeKey();
    expect((await fleet.ask('GET', '/api/whatsapp/sessions', { key })).status).toBe(200);
    expect(
      (await fleet.ask('GET', '/api/whatsapp/sessions', { key: null, headers: { 'X-Api-Key': key } })).status,
    ).toBe(200);
  });

  it("refuses the right id with another key's secret", async () => {
    const [one, two] = [await makeKey(), await makeKey()];
    const mixed = `wharf_${one.key_id}_${two.key.split('_').slice(2).join('_')}`;
    expect((await fleet.ask('GET', '/api/whatsapp/sessions', { key: mixed })).status).toBe(401);
  });

  it.each(['/api/fleet', '/api/fleet/keys', '/api/whatsapp/metrics'])(
    "refuses a workspace's key at %s",
    async (path) => {
      const { key } = await makeKey(1);
      const answer = await fleet.ask('GET', path, { key });
      expect([answer.status, answer.json.code]).toEqual([403, 'forbidden']);
    },
  );
});

describe("a workspace's key", () => {
  it("sees its own sessions, and not that there are others'", async () => {
    await fleet.ask('POST', '/api/whatsapp/sessions', { body: { workspace_id: 100, session_id: 'own' } });
    await fleet.ask('POST', '/api/whatsapp/sessions', { body: { workspace_id: 101, session_id: 'other' } });
    const { key } = await makeKey(100);
    const list = await fleet.ask('GET', '/api/whatsapp/sessions', { key });
    expect(list.json.sessions.map((session: { session_id: string }) => session.session_id)).toEqual(['own']);
    expect((await fleet.ask('GET', '/api/whatsapp/sessions/own', { key })).status).toBe(200);
    const others = await fleet.ask('GET', '/api/whatsapp/sessions/other?workspace_id=101', { key });
    const missing = await fleet.ask('GET', '/api/whatsapp/sessions/nobodys?workspace_id=999', { key });
    expect([others.status, others.json.code]).toEqual([404, 'session_not_found']);
    const anonymous = (text: string) =>
      text.replace(/other|nobodys/g, 'ID').replace(/"request_id":"[^"]*"/, '');
    expect(anonymous(others.text)).toBe(anonymous(missing.text));
    expect((await fleet.ask('GET', '/api/whatsapp/sessions/other', { key })).status).toBe(404);
  });

  it.each([
    ['GET', '/api/whatsapp/sessions?workspace_id=101', undefined],
    ['GET', '/api/fleet/workspaces/101', undefined],
    ['POST', '/api/whatsapp/sessions', { workspace_id: 101, session_id: 'taken' }],
    ['POST', '/api/whatsapp/sessions/other/restart?workspace_id=101', {}],
    ['DELETE', '/api/whatsapp/sessions/other?workspace_id=101', undefined],
    ['POST', '/api/whatsapp/sessions/other/messages?workspace_id=101', { to: '491701234567', text: 'x' }],
    [
      'POST',
      '/api/whatsapp/messages/send',
      { workspace_id: 101, session_id: 'other', to: '491701234567', message: 'x' },
    ],
  ])('answers %s %s with 404', async (method, path, body) => {
    const { key } = await makeKey(100);
    expect((await fleet.ask(method, path, { key, body })).status).toBe(404);
  });

  it('needs not name its workspace, and tells apart two sessions of one id by itself', async () => {
    const { key } = await makeKey(110);
    await fleet.ask('POST', '/api/whatsapp/sessions', {
      body: { workspace_id: 111, session_id: 'twin', account_id: 'theirs' },
    });
    const made = await fleet.ask('POST', '/api/whatsapp/sessions', {
      body: { session_id: 'twin', account_id: 'ours' },
      key,
    });
    expect([made.status, made.json.workspace_id]).toEqual([201, 110]);
    expect((await fleet.ask('GET', '/api/whatsapp/sessions/twin', { key })).json.account_id).toBe('ours');
  });
});

describe('keys', () => {
  it('are kept as hashes only, for their owner alone', async () => {
    const { key, key_id } = await makeKey(7);
    const path = join(fleet.sessionPath, 'fleet', 'keys', `${key_id}.json`);
    const secret = key.split('_').slice(2).join('_');
    expect(await readFile(path, 'utf8')).not.toContain(secret);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const list = await fleet.ask('GET', '/api/fleet/keys');
    expect(list.json.keys).toContainEqual(
      expect.objectContaining({ key_id, kind: 'workspace', workspace_id: 7 }),
    );
    expect(list.text).not.toContain(secret);
    expect(JSON.stringify(fleet.log)).not.toContain(secret);
  });

  it('work at another router at once, and are revoked there within seconds', async () => {
    const other = await fleet.addRouter();
    const { key, key_id } = await makeKey();
    const asked = () => fleet.ask('GET', '/api/whatsapp/sessions', { key, url: other.server.url });
    expect((await asked()).status).toBe(200);
    expect((await fleet.ask('DELETE', `/api/fleet/keys/${key_id}`)).json).toEqual({ revoked: true });
    expect((await fleet.ask('GET', '/api/whatsapp/sessions', { key })).status).toBe(401);
    await expect.poll(async () => (await asked()).status, { timeout: 10_000, interval: 100 }).toBe(401);
  });

  it('that expire are refused from then on, at each router, and say why', async () => {
    const other = await fleet.addRouter();
    const expires_at = new Date(Date.now() + 3000).toISOString();
    const made = await fleet.ask('POST', '/api/fleet/keys', { body: { workspace_id: 7, expires_at } });
    const { key, key_id } = made.json;
    expect([made.status, made.json.expires_at]).toEqual([201, expires_at]);
    const path = '/api/whatsapp/sessions';
    const urls = [fleet.url, other.server.url];
    for (const url of urls) {
      const { status } = await fleet.ask('GET', path, { key, url });
      // On a busy machine it may be over by now.
      if (Date.now() < Date.parse(expires_at)) expect(status).toBe(200);
    }
    for (const url of urls) {
      const asked = () => fleet.ask('GET', path, { key, url });
      await expect.poll(async () => (await asked()).status, { timeout: 20_000, interval: 100 }).toBe(401);
      expect((await asked()).json).toMatchObject({
        code: 'unauthorized',
        detail: expect.stringContaining(`expired at ${expires_at}`),
      });
    }
    const { keys } = (await fleet.ask('GET', '/api/fleet/keys')).json;
    expect(keys).toContainEqual(expect.objectContaining({ key_id, expires_at }));
    expect(keys).toContainEqual(expect.objectContaining({ key_id: 'environment', expires_at: null }));
  });

  it('work after the router is started anew', async () => {
    const { key } = await makeKey(5);
    const later = await fleet.addRouter();
    expect((await fleet.ask('GET', '/api/whatsapp/sessions', { key, url: later.server.url })).status).toBe(
      200,
    );
  });

  it("are not revoked twice, and the environment's not at all", async () => {
    const { key_id } = await makeKey(5);
    await fleet.ask('DELETE', `/api/fleet/keys/${key_id}`);
    expect((await fleet.ask('DELETE', `/api/fleet/keys/${key_id}`)).status).toBe(404);
    expect((await fleet.ask('DELETE', '/api/fleet/keys/environment')).json.code).toBe('invalid_state');
    expect(await readdir(join(fleet.sessionPath, 'fleet', 'keys'))).not.toContain(`${key_id}.json`);
  });

  it.each([
    { workspace_id: '007' },
    { workspace_id: -1 },
    { name: '' },
    { role: 'admin' },
    { expires_at: '90d' },
    { expires_at: '2026-01-01T00:00:00.000Z' },
  ])('refuses to make one of %j', async (body) => {
    expect((await fleet.ask('POST', '/api/fleet/keys', { body })).status).toBe(400);
  });
});
