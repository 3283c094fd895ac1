import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../helpers/eventually.ts';
import { startFleet, type TestFleet } from '../../helpers/router.ts';
import { testEvent } from './desk.ts';
import { isSigned, startReceiver } from './receiver.ts';

let fleet: TestFleet;

beforeAll(async () => {
  fleet = await startFleet();
});
afterAll(() => fleet.close());

const pathOf = (workspace: number | string, more = '') =>
  `/api/whatsapp/workspaces/${workspace}/webhook${more}`;
const put = (workspace: number | string, body: unknown, key?: string) =>
  fleet.ask('PUT', pathOf(workspace), { body, ...(key === undefined ? {} : { key }) });
const keyOf = async (workspace_id: number) =>
  (await fleet.ask('POST', '/api/fleet/keys', { body: { workspace_id } })).json.key as string;
const OWN_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

describe('setting a webhook', () => {
  it('shows a secret once, and only its end afterwards', async () => {
    const made = await put(1, { url: 'http://10.0.0.1/hook', events: ['message.received'] });
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({
      workspace_id: 1,
      url: 'http://10.0.0.1/hook',
      events: ['message.received'],
      disabled_at: null,
      receiver: { state: 'delivering', pending: 0, dead_letters: 0 },
    });
    const { secret } = made.json;
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const got = await fleet.ask('GET', pathOf(1));
    expect(got.status).toBe(200);
    expect(got.text).not.toContain(secret);
    expect(got.json.secrets).toEqual([{ ends_with: secret.slice(-4), expires_at: null }]);
    const again = await put(1, { url: 'http://10.0.0.1/other' });
    expect([again.status, again.json.secret, again.json.events]).toEqual([200, undefined, ['*']]);
    expect(again.json.secrets).toEqual(got.json.secrets);
  });

  it('is written down where only this user reads it', async () => {
    await put(2, { url: 'http://10.0.0.1/hook', secret: OWN_SECRET });
    const directory = join(fleet.sessionPath, 'fleet', 'webhooks');
    expect(await readdir(directory)).toContain('2.json');
    expect((await stat(join(directory, '2.json'))).mode & 0o777).toBe(0o600);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    expect(JSON.parse(await readFile(join(directory, '2.json'), 'utf8')).secrets[0].secret).toBe(OWN_SECRET);
  });

  it.each([
    ['no URL', { events: ['*'] }, 'url'],
    ['a URL that is none', { url: 'shop' }, 'url'],
    ['another scheme', { url: 'ftp://example.com/' }, 'url'],
    ['a password in it', { url: 'https://a:b@example.com/' }, 'url'],
    ['a metadata address', { url: 'http://169.254.169.254/' }, 'url'],
    ['an unknown event', { url: 'http://10.0.0.1/', events: ['message.sung'] }, 'events'],
    ['no events', { url: 'http://10.0.0.1/', events: [] }, 'events'],
    ['a short secret', { url: 'http://10.0.0.1/', secret: 'whsec_AAAA' }, 'secret'],
    ['a secret that is no base64', { url: 'http://10.0.0.1/', secret: `whsec_${'?'.repeat(44)}` }, 'secret'],
    ['an unknown field', { url: 'http://10.0.0.1/', uri: 'x' }, ''],
  ])('refuses %s', async (_name, body, path) => {
    const answer = await put(3, body);
    expect([answer.status, answer.json.code]).toEqual([400, 'invalid_request']);
    expect(answer.json.faults[0].path.startsWith(path)).toBe(true);
    expect((await fleet.ask('GET', pathOf(3))).status).toBe(404);
  });

  it('names the types there are where one is not known', async () => {
    const answer = await put(3, { url: 'http://10.0.0.1/', events: ['message.recieved'] });
    expect(answer.json.detail).toContain('"message.received"');
  });

  it('refuses a workspace id of 007', async () => {
    expect((await put('007', { url: 'http://10.0.0.1/' })).status).toBe(400);
  });

  it("is for a workspace's own key, and 404 for another's, whether it has a webhook or not", async () => {
    const key = await keyOf(10);
    expect((await put(10, { url: 'http://10.0.0.1/' }, key)).status).toBe(201);
    await put(11, { url: 'http://10.0.0.1/' });
    const anonymous = (text: string) => text.replace(/1[12]/g, 'N').replace(/"request_id":"[^"]*"/, '');
    const others = await fleet.ask('GET', pathOf(11), { key });
    const nobodys = await fleet.ask('GET', pathOf(12), { key });
    expect([others.status, others.json.code]).toEqual([404, 'not_found']);
    expect(anonymous(others.text)).toBe(anonymous(nobodys.text));
    const asks: [string, string, unknown][] = [
      ['PUT', '', { url: 'http://10.0.0.1/' }],
      ['DELETE', '', undefined],
      ['POST', '/test', {}],
      ['POST', '/rotate', {}],
      ['POST', '/enable', {}],
      ['POST', '/replay', { all: true }],
      ['GET', '/dead-letters', undefined],
    ];
    for (const [method, more, body] of asks)
      expect((await fleet.ask(method, pathOf(11, more), { key, body })).status).toBe(404);
    expect((await fleet.ask('GET', '/api/fleet/webhooks', { key })).status).toBe(403);
  });

  it('is taken back by DELETE', async () => {
    await put(4, { url: 'http://10.0.0.1/' });
    expect((await fleet.ask('DELETE', pathOf(4))).json).toEqual({ removed: true });
    expect((await fleet.ask('GET', pathOf(4))).json.code).toBe('webhook_not_found');
    expect((await fleet.ask('DELETE', pathOf(4))).status).toBe(404);
  });

  it('answers queue_unavailable while Redis is away, and sets nothing', async () => {
    fleet.redis.pause();
    try {
      const answer = await put(5, { url: 'http://10.0.0.1/' });
      expect([answer.status, answer.json.code]).toEqual([503, 'queue_unavailable']);
    } finally {
      fleet.redis.resume();
    }
    await eventually(async () => (await fleet.ask('GET', pathOf(5))).json.code === 'webhook_not_found');
  });
});

describe('testing, rotating, listing', () => {
  it('tells what came back of a test event, and what did not', async () => {
    const receiver = await startReceiver();
    const { secret } = (await put(20, { url: receiver.url })).json;
    const good = await fleet.ask('POST', pathOf(20, '/test'), { body: {} });
    expect(good.json).toMatchObject({ delivered: true, status: 200, reason: null });
    const [got] = receiver.all;
    expect(got?.event).toMatchObject({ id: good.json.event_id, type: 'webhook.test', workspace_id: 20 });
    expect(got && isSigned(got, secret)).toBe(true);
    receiver.behaviour = () => 500;
    const bad = await fleet.ask('POST', pathOf(20, '/test'), { body: {} });
    expect(bad.json).toMatchObject({ delivered: false, status: 500, reason: 'it answered 500' });
    await receiver.close();
    const gone = await fleet.ask('POST', pathOf(20, '/test'), { body: {} });
    expect(gone.json).toMatchObject({ delivered: false, status: null });
    expect(gone.json.reason).toMatch(/connection refused/);
  });

  it('rotates to a secret that is made or given, and says until when those before are good', async () => {
    const first = (await put(21, { url: 'http://10.0.0.1/' })).json.secret;
    const second = await fleet.ask('POST', pathOf(21, '/rotate'), { body: {} });
    expect(second.json.secret).toMatch(/^whsec_/);
    expect(second.json.secrets.map((each: { ends_with: string }) => each.ends_with)).toEqual([
      second.json.secret.slice(-4),
      first.slice(-4),
    ]);
    const hours = (Date.parse(second.json.secrets[1].expires_at) - Date.now()) / 3_600_000;
    expect(hours).toBeGreaterThan(23);
    expect(hours).toBeLessThanOrEqual(24);
    const third = await fleet.ask('POST', pathOf(21, '/rotate'), {
      body: { secret: OWN_SECRET, keep_hours: 0 },
    });
    expect(third.json.secret).toBeUndefined();
    expect(third.json.secrets).toEqual([{ ends_with: OWN_SECRET.slice(-4), expires_at: null }]);
  });

  it('shows a receiver that is gone as disabled, and goes on when it is enabled', async () => {
    const receiver = await startReceiver(() => 410);
    await put(22, { url: receiver.url });
    const event = testEvent('22', 'main', 'only', Date.now());
    await fleet.router.services.events.append([event]);
    const get = async () => (await fleet.ask('GET', pathOf(22))).json;
    await eventually(async () => (await get()).receiver.state === 'disabled');
    expect(await get()).toMatchObject({ disabled_reason: 'its receiver answered 410 Gone' });
    receiver.behaviour = () => 204;
    const enabled = await fleet.ask('POST', pathOf(22, '/enable'), { body: {} });
    expect([enabled.status, enabled.json.disabled_at]).toEqual([200, null]);
    await eventually(() => receiver.taken.length === 1);
    expect(receiver.ids).toEqual([event.id]);
  });

  it('lists all webhooks for an admin, and how their receivers do', async () => {
    const receiver = await startReceiver(() => 500);
    await put(23, { url: receiver.url });
    await fleet.router.services.events.append([testEvent('23', 'main', 'x', Date.now())]);
    await eventually(async () => {
      const { webhooks } = (await fleet.ask('GET', '/api/fleet/webhooks')).json;
      const one = webhooks.find((each: { workspace_id: unknown }) => each.workspace_id === 23);
      return one?.state === 'retrying' && one.pending === 1 && one.last_failure.status === 500;
    });
  });

  it('pages dead letters, and replays them by id or all', async () => {
    await put(24, { url: 'http://127.0.0.1:9/' });
    const { webhooks } = fleet.router.services;
    expect((await fleet.ask('GET', pathOf(24, '/dead-letters'))).json).toEqual({
      dead_letters: [],
      next_cursor: null,
    });
    expect(await webhooks.replay('24', null)).toEqual({ replayed: 0, unknown: [] });
    const unknown = await fleet.ask('POST', pathOf(24, '/replay'), { body: { ids: ['evt_x'] } });
    expect([unknown.status, unknown.json]).toEqual([202, { replayed: 0, unknown: ['evt_x'] }]);
    for (const body of [{}, { ids: [] }, { all: false }, { all: true, ids: ['a'] }])
      expect((await fleet.ask('POST', pathOf(24, '/replay'), { body })).status).toBe(400);
    expect((await fleet.ask('GET', pathOf(24, '/dead-letters?cursor=x'))).status).toBe(400);
  });

  it('keeps secrets and events out of the log', async () => {
    const log = JSON.stringify(fleet.log);
    expect(log).not.toContain('whsec_');
    expect(log).not.toContain('whatsapp_id');
  });
});
