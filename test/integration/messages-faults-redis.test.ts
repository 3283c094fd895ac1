import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createLogger } from '../../common/logger.ts';
import { connectRedis, parseRedisUrl, type Redis } from '../../common/redis.ts';
import { AcceptingFleet, HEADERS } from '../bench/messages/accepting-fleet.ts';
import { handIn, handInUntilAccepted } from '../chaos/messages/hand-in.ts';
import { type Answer, ask } from '../chaos/real/asking.ts';
import { eventually } from '../helpers/eventually.ts';
import { type PrivateRedis, startRedis } from '../helpers/redis.ts';
import { startWatchedRedis } from '../helpers/redis-sentinel.ts';

const SESSIONS = 4;
const DURABLE = { appendonly: true, settings: ['--appendfsync', 'always'] };

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

/** A router whose queues are in a Redis of their own. */
async function fleetWith(queueRedisUrl: string): Promise<AcceptingFleet> {
  const fleet = await AcceptingFleet.start(SESSIONS, { QUEUE_REDIS_URL: queueRedisUrl });
  open.push(fleet);
  return fleet;
}

async function queueRedis(): Promise<PrivateRedis> {
  const redis = await startRedis(DURABLE);
  open.push(redis);
  return redis;
}

/** Clients of all sessions hand in so many messages each, one after another, while something is done to Redis. Ids by key. */
async function acceptWhile(
  fleet: AcceptingFleet,
  each: number,
  fault: () => Promise<void>,
): Promise<{ ids: Map<string, string>; refusals: Answer[] }> {
  const ids = new Map<string, string>();
  const refusals: Answer[] = [];
  const clients = fleet.sessions.map(async (session) => {
    for (let number = 0; number < each; number += 1) {
      const key = `${session.session}-${number}`;
      const body = { to: '491701234567', text: key };
      const place = { url: fleet.url, headers: HEADERS, ...session };
      ids.set(key, await handInUntilAccepted(place, key, body, (answer) => refusals.push(answer)));
    }
  });
  await Promise.all([...clients, fault()]);
  return { ids, refusals };
}

/** Every message is there once, waiting, with its own text. */
async function expectAll(fleet: AcceptingFleet, ids: ReadonlyMap<string, string>): Promise<void> {
  expect(new Set(ids.values()).size).toBe(ids.size);
  for (const [key, id] of ids) {
    const answer = await ask('GET', `${fleet.url}/api/whatsapp/messages/${id}`, HEADERS);
    expect(answer).toMatchObject({ kind: 'answered', status: 200 });
    if (answer.kind !== 'answered') continue;
    expect(answer.body).toMatchObject({ status: 'queued', message: { text: key } });
  }
  // The router looks at the queues now and then.
  await eventually(async () => (await fleet.depth()) === ids.size);
}

const codes = (answers: readonly Answer[]) =>
  new Set(answers.map((answer) => (answer.kind === 'answered' ? answer.body['code'] : answer.reason)));

describe('the Redis of the queues', () => {
  it('is killed in the midst of accepting and started again: what was accepted is there, once', async () => {
    const redis = await queueRedis();
    const fleet = await fleetWith(redis.url);
    const { ids, refusals } = await acceptWhile(fleet, 60, async () => {
      for (let kill = 0; kill < 3; kill += 1) {
        await sleep(150);
        await redis.kill();
        await sleep(300);
        await redis.start();
        await sleep(1500);
      }
    });
    // Not a single refusal would mean that nothing was tried.
    expect(codes(refusals)).toEqual(new Set(['queue_unavailable']));
    await expectAll(fleet, ids);
  });

  it('is full: messages are refused with 503 and nothing accepted is lost; with room again they are accepted', async () => {
    const redis = await queueRedis();
    const fleet = await fleetWith(redis.url);
    const [session] = fleet.sessions;
    if (session === undefined) throw new Error('there is no session');
    const place = { url: fleet.url, headers: HEADERS, ...session };
    const control = await controlled(redis);
    const ids = new Map<string, string>();
    const send = async (number: number) =>
      await handIn(place, `key-${number}`, { to: '491701234567', text: `key-${number}` });
    const note = (number: number, answer: Answer) => {
      if (answer.kind === 'answered') ids.set(`key-${number}`, String(answer.body['message_id']));
    };
    note(0, await send(0));
    const used = Number(/used_memory:(\d+)/.exec(await control.info('memory'))?.[1]);
    await control.config('SET', 'maxmemory', String(used + 300_000));
    let refused: Answer | undefined;
    for (let number = 1; refused === undefined; number += 1) {
      const answer = await send(number);
      if (answer.kind === 'answered' && answer.status === 202) note(number, answer);
      else refused = answer;
    }
    expect(refused).toMatchObject({
      status: 503,
      body: { code: 'queue_unavailable', retry_after: expect.any(Number) },
    });
    expect(ids.size).toBeGreaterThan(10);
    // Sessions go on: they are in another Redis.
    expect(await ask('GET', `${fleet.url}/api/whatsapp/sessions`, HEADERS)).toMatchObject({ status: 200 });
    await expectAll(fleet, ids);
    await control.config('SET', 'maxmemory', '0');
    const again = await send(ids.size);
    expect(again).toMatchObject({ status: 202 });
    note(ids.size, again);
    await expectAll(fleet, ids);
  });

  it('is failed over by its sentinels in the midst of accepting: what was accepted is at the new master', async () => {
    const watched = await startWatchedRedis(['--appendfsync', 'always']);
    open.push(watched);
    const fleet = await fleetWith(watched.url);
    const { ids, refusals } = await acceptWhile(fleet, 100, async () => {
      await sleep(300);
      await watched.master.kill();
    });
    expect(codes(refusals)).toEqual(new Set(['queue_unavailable']));
    await expectAll(fleet, ids);
  });
});

/** A connection of the test's own. */
async function controlled(redis: PrivateRedis): Promise<Redis> {
  const connection = await connectRedis(parseRedisUrl(redis.url), createLogger('silent', {}));
  open.push({ close: async () => connection.disconnect() });
  return connection;
}
