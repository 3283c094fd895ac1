import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '../../../common/logger.ts';
import { connectRedis, parseRedisUrl, type Redis } from '../../../common/redis.ts';
import { eventKeys } from '../../../fleet/events/event-keys.ts';
import { IDS_REMEMBERED, type MarksChange } from '../../../fleet/events/inbox-marks.ts';
import { RedisEventLog } from '../../../fleet/events/redis-event-log.ts';
import { RedisInboxMarks } from '../../../fleet/events/redis-inbox-marks.ts';
import { RedisChannels } from '../../../fleet/redis-channels.ts';
import { type PrivateRedis, startRedis } from '../../helpers/redis.ts';
import { receivedEvent } from '../../helpers/wharf-events.ts';

const log = createLogger('silent', {});
const session = { workspace: '7', session: 'main' };

function change(changes: Partial<MarksChange> = {}): MarksChange {
  return {
    session,
    chats: new Map(),
    unreadable: new Map(),
    settled: [],
    forget: [],
    live: false,
    ...changes,
  };
}

describe('the marks of sessions in Redis', () => {
  let server: PrivateRedis;
  let redis: Redis;
  let marks: RedisInboxMarks;

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    redis = await connectRedis(parseRedisUrl(server.url), log);
    await redis.flushall();
    marks = new RedisInboxMarks(redis);
  });
  afterEach(() => redis.disconnect());

  it('are none before they began, and then all that they were moved on to, never back', async () => {
    expect(await marks.read(session)).toBeNull();
    await marks.begin(session, 100);
    await marks.advance([
      change({
        chats: new Map([
          ['a@c.us', 200],
          ['b@c.us', 300],
        ]),
      }),
    ]);
    await marks.advance([
      change({
        chats: new Map([
          ['a@c.us', 250],
          ['b@c.us', 299],
        ]),
      }),
    ]);
    expect(await marks.read(session)).toEqual({
      since: 100,
      liveUntil: null,
      chats: new Map([
        ['a@c.us', 250],
        ['b@c.us', 300],
      ]),
      unreadable: new Map(),
    });
    await marks.begin(session, 400);
    expect(await marks.read(session)).toMatchObject({ since: 400, chats: new Map() });
  });

  it('hold what could not be read until it is settled, and chats until they are forgotten', async () => {
    await marks.begin(session, 100);
    await marks.advance([
      change({
        unreadable: new Map([
          ['false_a@c.us_1', 150],
          ['false_a@c.us_2', 151],
        ]),
        chats: new Map([['a@c.us', 9]]),
      }),
    ]);
    await marks.advance([change({ settled: ['false_a@c.us_1'], forget: ['a@c.us'] })]);
    expect(await marks.read(session)).toMatchObject({
      unreadable: new Map([['false_a@c.us_2', 151]]),
      chats: new Map(),
    });
  });

  it('let ids of events be forgotten only well before the time up to which all is in the log', async () => {
    const events = new RedisEventLog(redis, new RedisChannels(redis), 1000, log);
    await events.append([receivedEvent('old'), receivedEvent('new')]);
    await marks.begin(session, 100);
    const seen = eventKeys.seen('7', 'main');
    const old = receivedEvent('old').id.replace('evt_', '');
    const longAgo = Date.now() - IDS_REMEMBERED - 60_000;
    await redis.zadd(seen, longAgo, old);
    await marks.advance([change({ chats: new Map([['a@c.us', 9]]) })]);
    expect(await redis.zcard(seen)).toBe(2);
    await marks.advance([change({ live: true })]);
    expect(await redis.zcard(seen)).toBe(1);
    const { liveUntil } = (await marks.read(session)) ?? {};
    expect(liveUntil).toBeGreaterThan(longAgo);
  });

  it('keep nothing for ever of sessions that are gone', async () => {
    await marks.begin(session, 100);
    await marks.advance([change({ live: true })]);
    expect(await redis.pttl(eventKeys.marks(session))).toBeGreaterThan(0);
  });

  it('say queue_unavailable where Redis cannot be used', async () => {
    redis.disconnect();
    await expect(marks.read(session)).rejects.toMatchObject({ code: 'queue_unavailable' });
    await expect(marks.begin(session, 1)).rejects.toMatchObject({ code: 'queue_unavailable' });
    await expect(marks.advance([change()])).rejects.toMatchObject({ code: 'queue_unavailable' });
  });
});
