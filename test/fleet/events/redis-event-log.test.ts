import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '../../../common/logger.ts';
import { connectRedis, parseRedisUrl, type Redis } from '../../../common/redis.ts';
import type { EventFilter } from '../../../fleet/events/event-log.ts';
import { type LogBounds, RedisEventLog } from '../../../fleet/events/redis-event-log.ts';
import { RedisChannels } from '../../../fleet/redis-channels.ts';
import { eventually } from '../../helpers/eventually.ts';
import { type PrivateRedis, startRedis } from '../../helpers/redis.ts';
import { anEvent, receivedEvent } from '../../helpers/wharf-events.ts';

const log = createLogger('silent', {});
const HOUR = 3_600_000;

describe('the event log in Redis', () => {
  let server: PrivateRedis;
  let redis: Redis;
  let channels: RedisChannels;

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    redis = await connectRedis(parseRedisUrl(server.url), log);
    channels = new RedisChannels(redis);
    await redis.flushall();
  });
  afterEach(() => {
    channels.close();
    redis.disconnect();
  });

  function open(retention = HOUR, bounds: Partial<LogBounds> = {}): RedisEventLog {
    return new RedisEventLog(redis, channels, retention, log, bounds);
  }

  /** All texts after a position, however many pages it takes. */
  async function texts(
    events: RedisEventLog,
    filter: EventFilter = { workspace: '7' },
    from = '0',
    limit = 50,
  ) {
    const found: (string | null)[] = [];
    let position = from;
    for (;;) {
      const page = await events.after(position, filter, limit);
      for (const { event } of page.events) found.push('text' in event.data ? event.data.text : event.type);
      position = page.next;
      if (page.atEnd) return found;
    }
  }

  /** Positions move with Redis's clock: lets it come to another millisecond. */
  const aMoment = () => new Promise((resolve) => setTimeout(resolve, 5));

  it('gives back what was appended, in its order, and nothing twice', async () => {
    const events = open();
    await events.append([receivedEvent('a'), receivedEvent('b'), receivedEvent('a')]);
    await events.append([receivedEvent('b'), receivedEvent('c')]);
    expect(await texts(events)).toEqual(['text a', 'text b', 'text c']);
    const [first] = (await events.after('0', { workspace: '7' }, 1)).events;
    expect(first?.event).toEqual(receivedEvent('a'));
  });

  it('takes ids of sessions apart: two sessions may have heard of one message', async () => {
    const events = open();
    const [mine, other] = [receivedEvent('a'), receivedEvent('a', {}, '7', 'other')];
    await events.append([mine, other]);
    expect(mine.id).not.toBe(other.id);
    expect(await texts(events)).toHaveLength(2);
  });

  it('goes on after a position, page by page, whatever a page holds', async () => {
    const events = open();
    const ids = Array.from({ length: 700 }, (_, index) => `m${index}`);
    await events.append(ids.map((id) => receivedEvent(id)));
    expect(await texts(events, { workspace: '7' }, '0', 7)).toEqual(ids.map((id) => `text ${id}`));
    const middle = await events.after('0', { workspace: '7' }, 100);
    expect(middle.atEnd).toBe(false);
    expect(await texts(events, { workspace: '7' }, middle.next)).toEqual(
      ids.slice(100).map((id) => `text ${id}`),
    );
    expect((await events.after(await events.end(), { workspace: '7' }, 10)).events).toEqual([]);
  });

  it('finds what is rare among much that is not wanted', async () => {
    const events = open();
    const wanted = receivedEvent('x', {}, '7', 'rare');
    await events.append([
      ...Array.from({ length: 600 }, (_, index) => receivedEvent(`m${index}`)),
      wanted,
      anEvent('webhook.test', { text: 'of no session' }, '7'),
    ]);
    expect(await texts(events, { workspace: '7', session: 'rare' })).toEqual(['text x']);
    expect(await texts(events, { types: ['webhook.test'] })).toEqual(['of no session']);
  });

  it('shows all workspaces and the fleet in one order to who asks for no workspace', async () => {
    const events = open();
    const moved = anEvent('workspace.moved', { from: null, to: 'instance-1', epoch: 1, why: 'test' });
    await events.append([receivedEvent('a', {}, '7')]);
    await events.append([moved, receivedEvent('b', {}, '8')]);
    await events.append([receivedEvent('c', {}, '7')]);
    expect(await texts(events, {})).toEqual(['text a', 'workspace.moved', 'text b', 'text c']);
    expect(await texts(events, { workspace: '8' })).toEqual(['text b']);
    const { events: logged } = await events.after('0', {}, 10);
    const positions = logged.map(({ position }) => Number(position));
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
    expect(await events.end()).toBe(logged.at(-1)?.position);
  });

  it('gives positions that grow also when Redis was emptied or its clock stepped back', async () => {
    const events = open();
    await events.append([receivedEvent('a')]);
    const before = await events.end();
    await aMoment();
    await redis.flushall();
    await events.append([receivedEvent('b')]);
    const after = await events.end();
    expect(Number(after)).toBeGreaterThan(Number(before));
    // As if the clock had been an hour ahead when the last one was given.
    const ahead = String(Number(after) + HOUR * 1000);
    await redis.set('wharf:event-clock', ahead);
    await events.append([receivedEvent('c')]);
    expect(await events.end()).toBe(String(Number(ahead) + 1));
    // The clock itself lost: the streams know.
    await redis.del('wharf:event-clock');
    await events.append([receivedEvent('d')]);
    expect(await events.end()).toBe(String(Number(ahead) + 2));
    expect(await texts(events)).toEqual(['text b', 'text c', 'text d']);
    expect(await texts(events, {})).toEqual(['text b', 'text c', 'text d']);
  });

  it('drops what is too old and tells who has not read it', async () => {
    const events = open(50, { pause: 0, undelivered: 50 });
    await events.append([receivedEvent('a'), receivedEvent('b')]);
    const old = await events.end();
    await eventually(async () => {
      await events.tidy();
      return (await redis.exists('wharf:events:7')) === 0;
    });
    await events.append([receivedEvent('c')]);
    const fromStart = await events.after('0', { workspace: '7' }, 10);
    expect(fromStart.events.map(({ event }) => event.id)).toEqual([receivedEvent('c').id]);
    expect(fromStart.gap).toBe(true);
    expect((await events.after('0', {}, 10)).gap).toBe(true);
    const fromOld = await events.after(old, { workspace: '7' }, 10);
    expect(fromOld.gap).toBe(false);
    expect(fromOld.events).toHaveLength(1);
    // What was dropped is still known to have been.
    await events.append([receivedEvent('a')]);
    expect((await events.after('0', { workspace: '7' }, 10)).events).toHaveLength(1);
  });

  it('keeps undelivered events where none are kept beyond their delivery, and those of nobody only shortly', async () => {
    const events = open(0, { pause: 0, unread: 30 });
    await redis.xgroup('CREATE', 'wharf:events:7', 'webhook', '$', 'MKSTREAM');
    await events.append([receivedEvent('a'), receivedEvent('b'), receivedEvent('x', {}, '8')]);
    const [first] = (await events.after('0', { workspace: '7' }, 1)).events;
    await eventually(async () => {
      await events.tidy();
      return (await redis.exists('wharf:events:8')) === 0;
    });
    expect(await texts(events)).toEqual(['text a', 'text b']);
    await events.forget('7', [first?.position ?? '']);
    expect(await texts(events)).toEqual(['text b']);
    expect(await texts(events, {})).toEqual(['text b']);
  });

  it('removes nothing that was delivered where events are kept', async () => {
    const events = open(HOUR);
    await events.append([receivedEvent('a')]);
    await events.forget('7', [await events.end()]);
    expect(await texts(events)).toEqual(['text a']);
  });

  it('bounds the index and the ids it remembers', async () => {
    const events = open(HOUR, { pause: 0, index: 100, ids: 50 });
    for (let round = 0; round < 5; round += 1)
      await events.append(Array.from({ length: 200 }, (_, index) => receivedEvent(`${round}-${index}`)));
    await events.tidy();
    // Redis drops whole nodes of a stream, of a hundred entries.
    expect(await redis.xlen('wharf:event-index')).toBeLessThanOrEqual(200);
    expect(await redis.zcard('wharf:event-ids:7/main')).toBe(50);
    expect((await events.after('0', {}, 10)).gap).toBe(true);
    expect((await events.after('0', { workspace: '7' }, 10)).gap).toBe(false);
  });

  it('rings for those who listen, once for many events, and not for what was known', async () => {
    const events = open();
    const heard: (string | null)[] = [];
    const sevens: (string | null)[] = [];
    events.listen('all', (workspace) => heard.push(workspace));
    const stop = events.listen('7', (workspace) => sevens.push(workspace));
    // Until the subscription stands.
    let tries = 0;
    await eventually(async () => {
      tries += 1;
      await events.append([receivedEvent(`try ${tries}`)]);
      return heard.length > 0;
    });
    await events.append([receivedEvent('a', {}, 'last')]);
    await eventually(() => heard.includes('last'));
    heard.length = 0;
    sevens.length = 0;
    const moved = anEvent('workspace.moved', { from: null, to: 'instance-1', epoch: 1, why: 'test' });
    await events.append([receivedEvent('a'), receivedEvent('b'), receivedEvent('c', {}, '8'), moved]);
    await events.append([receivedEvent('a')]);
    stop();
    await events.append([receivedEvent('d', {}, '9')]);
    await eventually(() => heard.includes('9'));
    expect(heard).toEqual(['7', '8', null, '9']);
    expect(sevens).toEqual(['7']);
  });

  it('says queue_unavailable where Redis cannot be used, and takes it again when it can', async () => {
    const own = await startRedis({ appendonly: true });
    const connection = await connectRedis(parseRedisUrl(own.url), log);
    const events = new RedisEventLog(connection, new RedisChannels(connection), HOUR, log);
    try {
      await events.append([receivedEvent('a')]);
      await own.kill();
      await expect(events.append([receivedEvent('b')])).rejects.toMatchObject({ code: 'queue_unavailable' });
      await expect(events.after('0', {}, 1)).rejects.toMatchObject({ code: 'queue_unavailable' });
      await expect(events.end()).rejects.toMatchObject({ code: 'queue_unavailable' });
      await own.start();
      // The scripts are gone with the process; the events are not.
      await eventually(() =>
        events.append([receivedEvent('a'), receivedEvent('b')]).then(
          () => true,
          () => false,
        ),
      );
      expect(await texts(events)).toEqual(['text a', 'text b']);
    } finally {
      connection.disconnect();
      await own.close();
    }
  });

  it('refuses a position that is none', async () => {
    const events = open();
    for (const position of ['', '-1', '1-0', '+', 'abc', '12345678901234567'])
      await expect(events.after(position, {}, 1)).rejects.toThrow(RangeError);
  });
});
