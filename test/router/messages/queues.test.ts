import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { routerConfig } from '../../../router/config.ts';
import { eventually } from '../../helpers/eventually.ts';
import { type PrivateRedis, startRedis } from '../../helpers/redis.ts';
import { startFleet, type TestFleet } from '../../helpers/router.ts';

let fleet: TestFleet;
let redis: PrivateRedis;
let url: string;

/** A router whose queues are in a Redis of their own, that writes down what it confirms. */
beforeEach(async () => {
  fleet = await startFleet({ holdTime: 0 });
  await fleet.addInstance('instance-1', { capacity: 50 });
  for (const session_id of ['main', 'second']) {
    await fleet.ask('POST', '/api/whatsapp/sessions', { body: { workspace_id: 2, session_id } });
  }
  redis = await startRedis({ appendonly: true, settings: ['--appendfsync', 'always'] });
});
afterEach(async () => {
  await fleet.close();
  await redis.close();
});

const messaging = () => routerConfig({ QUEUE_REDIS_URL: redis.url }).config.messaging;
const addRouter = async () => (await fleet.addRouter({ messaging: messaging() })).server.url;
const text = { to: '491701234567', text: 'hello' };

const send = (at: string, key?: string, body: unknown = text) =>
  fleet.ask('POST', '/api/whatsapp/sessions/main/messages', {
    body,
    url: at,
    ...(key === undefined ? {} : { headers: { 'Idempotency-Key': key } }),
  });
const depth = async () => {
  const { queues } = (await fleet.ask('GET', '/api/fleet/queues', { url })).json;
  return queues.reduce((sum: number, queue: { depth: number }) => sum + queue.depth, 0);
};

describe('the queues', () => {
  it('have one message where two routers get the same key at the same instant', async () => {
    url = await addRouter();
    const other = await addRouter();
    const rounds = Array.from({ length: 40 }, (_, n) => `key-${n}`);
    const answers = await Promise.all(
      rounds.map(async (key) => {
        const [one, two] = await Promise.all([send(url, key), send(other, key)]);
        expect(one.json.message_id).toBe(two.json.message_id);
        return [one, two].filter((each) => each.headers.get('idempotent-replayed') === null).length;
      }),
    );
    expect(answers).toEqual(rounds.map(() => 1));
    await eventually(async () => (await depth()) === rounds.length);
  });

  it('have one message of each key where two routers get the same bulk at the same instant', async () => {
    url = await addRouter();
    const other = await addRouter();
    const messages = Array.from({ length: 500 }, (_, n) => ({
      ...text,
      session_id: n % 2 === 0 ? 'main' : 'second',
      idempotency_key: `bulk-${n}`,
    }));
    const bulk = (at: string) =>
      fleet.ask('POST', '/api/whatsapp/messages/bulk', { body: { messages }, url: at });
    const [one, two] = await Promise.all([bulk(url), bulk(other)]);
    const ids = (answer: typeof one) =>
      answer.json.accepted.map((each: { message_id: string }) => each.message_id);
    expect(ids(one)).toHaveLength(500);
    expect(ids(one)).toEqual(ids(two));
    await eventually(async () => (await depth()) === 500);
  });

  it('keep what was accepted when their Redis is killed', async () => {
    url = await addRouter();
    const ids: string[] = [];
    for (let n = 0; n < 20; n++) ids.push((await send(url)).json.message_id);
    await redis.kill();
    await redis.start();
    await expect
      .poll(async () => (await fleet.ask('GET', `/api/whatsapp/messages/${ids[0]}`, { url })).status, {
        timeout: 20_000,
      })
      .toBe(200);
    for (const id of ids) {
      const { json } = await fleet.ask('GET', `/api/whatsapp/messages/${id}`, { url });
      expect(json.status).toBe('queued');
    }
  });

  it('that are away when the router starts keep it from nothing but messages, and are used once they are there', async () => {
    await redis.kill();
    url = await addRouter();
    const sessions = await fleet.ask('GET', '/api/whatsapp/sessions', { url });
    expect(sessions.json.sessions).toHaveLength(2);
    const refused = [
      await send(url),
      await send(url, 'kept'),
      await fleet.ask('POST', '/api/whatsapp/messages/bulk', {
        body: { messages: [{ ...text, session_id: 'main' }] },
        url,
      }),
      await fleet.ask('GET', `/api/whatsapp/messages/msg_${'0'.repeat(30)}`, { url }),
    ];
    expect(refused.map((answer) => [answer.status, answer.json.code])).toEqual(
      refused.map(() => [503, 'queue_unavailable']),
    );
    await redis.start();
    await expect.poll(async () => (await send(url, 'kept')).status, { timeout: 20_000 }).toBe(202);
    const waited = await fleet.ask('POST', '/api/whatsapp/sessions/main/messages?wait=0.1', {
      body: text,
      url,
    });
    expect([waited.status, waited.json.status]).toEqual([202, 'queued']);
  });

  it('wake who waits for a message that is cancelled at another router', async () => {
    url = await addRouter();
    const other = await addRouter();
    const key = { headers: { 'Idempotency-Key': 'waited' }, body: text };
    const path = '/api/whatsapp/sessions/main/messages';
    const waiting = fleet.ask('POST', `${path}?wait=60`, { ...key, url });
    await eventually(async () => (await depth()) === 1);
    const { json } = await fleet.ask('POST', path, { ...key, url: other });
    expect(
      (await fleet.ask('DELETE', `/api/whatsapp/messages/${json.message_id}`, { url: other })).status,
    ).toBe(200);
    expect([(await waiting).status, (await waiting).json.error.code]).toEqual([200, 'cancelled']);
  });
});
