import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '../../common/logger.ts';
import { connectRedis, parseRedisUrl, type Redis } from '../../common/redis.ts';
import type { Coordination } from '../../fleet/coordination.ts';
import { redisKeys } from '../../fleet/keys.ts';
import type { Announcement, Assignment } from '../../fleet/records.ts';
import { redisCoordination } from '../../fleet/redis-coordination.ts';
import { redisRegistry } from '../../fleet/redis-registry.ts';
import type { Registry, RegistryChange } from '../../fleet/registry.ts';
import { eventually } from '../helpers/eventually.ts';
import { fakeSession } from '../helpers/fake-instance.ts';
import { type PrivateRedis, startRedis } from '../helpers/redis.ts';

const log = createLogger('silent', {});

function announcement(changes: Partial<Announcement> = {}): Announcement {
  return {
    protocol: 1,
    instance: 'instance-1',
    incarnation: 'a',
    url: 'http://127.0.0.1:3001',
    host: 'here',
    pid: 1,
    status: 'healthy',
    capacity: 10,
    sessions: 1,
    ready: 1,
    rss_mb: 1,
    browsers_pss_mb: 1,
    cpu: 0.5,
    counters: { messages_sent: 1, messages_received: 2, messages_failed: 3, reconnects: 4 },
    chromium: '156.0.0.0',
    started_at: '2026-11-22T00:00:00.000Z',
    announced_at: '2026-11-22T00:00:01.000Z',
    ...changes,
  };
}

const assignment = (epoch: number, changes: Partial<Assignment> = {}): Assignment => ({
  workspace_id: '7',
  epoch,
  instance: 'instance-1',
  incarnation: 'a',
  claimed: true,
  since: 1,
  ...changes,
});

describe('the registry in Redis', () => {
  let server: PrivateRedis;
  let redis: Redis;
  let registry: Registry;
  let coordination: Coordination;
  const closing: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    redis = await connectRedis(parseRedisUrl(server.url), log);
    await redis.flushall();
    registry = redisRegistry(redis);
    coordination = redisCoordination(redis, 3000);
  });
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
    redis.disconnect();
  });

  it('shows all that it was told, and nothing at first', async () => {
    expect(await registry.snapshot()).toEqual({ instances: [], assignments: [], sessions: [] });
    const main = fakeSession('7', 'main', 'instance-1');
    await registry.announce(announcement(), 10_000);
    expect(await coordination.recordAssignment(assignment(1))).toBe(true);
    await registry.publishSession('instance-1', main);
    expect(await registry.snapshot()).toEqual({
      instances: [announcement()],
      assignments: [assignment(1)],
      sessions: [main],
    });
    expect(await registry.announcements()).toEqual([announcement()]);
  });

  it('forgets an announcement that is not renewed, and keeps what the instance had', async () => {
    await registry.announce(announcement(), 60);
    await registry.publishSession('instance-1', fakeSession('7', 'main', 'instance-1'));
    expect(await redis.pttl(redisKeys.announcement('instance-1'))).toBeLessThanOrEqual(60);
    await eventually(async () => (await registry.announcements()).length === 0);
    expect((await registry.snapshot()).sessions).toHaveLength(1);
    await registry.announce(announcement({ incarnation: 'b' }), 10_000);
    expect((await registry.announcements())[0]?.incarnation).toBe('b');
  });

  it('says whether it had heard of an instance, also after its announcement ran out, until it is emptied', async () => {
    expect(await registry.announce(announcement(), 60)).toBe(false);
    await eventually(async () => (await registry.announcements()).length === 0);
    expect(await registry.announce(announcement({ incarnation: 'b' }), 10_000)).toBe(true);
    await redis.flushall();
    expect(await registry.announce(announcement(), 10_000)).toBe(false);
    expect(await registry.announce(announcement(), 10_000)).toBe(true);
  });

  it('withdraws an announcement only of the incarnation that says so', async () => {
    await registry.announce(announcement({ incarnation: 'new' }), 10_000);
    await registry.withdraw('instance-1', 'old');
    expect(await registry.announcements()).toHaveLength(1);
    await registry.withdraw('instance-1', 'new');
    expect(await registry.announcements()).toEqual([]);
  });

  it('passes over what another version wrote', async () => {
    await registry.announce(announcement(), 10_000);
    await redis.hset(redisKeys.instances, 'instance-2', 'x');
    await redis.set(redisKeys.announcement('instance-2'), '{"protocol":"two"}');
    await redis.hset(redisKeys.sessions('instance-1'), '7/odd', '{"status":"dreaming"}');
    await redis.hset(redisKeys.assignments, '9', 'odd');
    const snapshot = await registry.snapshot();
    expect(snapshot.instances).toHaveLength(1);
    expect(snapshot.sessions).toEqual([]);
    expect(snapshot.assignments).toEqual([]);
  });

  it('replaces all sessions of an instance at once, and of no other', async () => {
    await registry.announce(announcement(), 10_000);
    await registry.announce(announcement({ instance: 'instance-2' }), 10_000);
    const [a, b, c] = ['a', 'b', 'c'].map((id) => fakeSession('7', id, 'instance-1'));
    const other = fakeSession('8', 'a', 'instance-2');
    if (!a || !b || !c) throw new Error('there are three');
    await registry.publishSession('instance-1', a);
    await registry.publishSession('instance-2', other);
    await registry.replaceSessions('instance-1', [b, c]);
    expect((await registry.snapshot()).sessions.map((session) => session.session_id).sort()).toEqual([
      'a',
      'b',
      'c',
    ]);
    await registry.removeSession('instance-1', '7', 'b');
    await registry.replaceSessions('instance-2', []);
    expect((await registry.snapshot()).sessions).toEqual([c]);
  });

  it('tells those who subscribed of every change, in order', async () => {
    const changes: RegistryChange[] = [];
    closing.push(
      await registry.subscribe(
        (change) => changes.push(change),
        () => {},
      ),
    );
    const session = fakeSession('7', 'main', 'instance-1');
    await registry.announce(announcement(), 10_000);
    await coordination.recordAssignment(assignment(2));
    await coordination.recordAssignment(assignment(1));
    await registry.publishSession('instance-1', session);
    await registry.replaceSessions('instance-1', [session]);
    await registry.removeSession('instance-1', '7', 'main');
    await redis.publish(redisKeys.changes, 'nonsense');
    await redis.publish(redisKeys.changes, '{"kind":"unheard of"}');
    await registry.withdraw('instance-1', 'a');
    await eventually(() => changes.length === 6);
    expect(changes).toEqual([
      { kind: 'instance', announcement: announcement() },
      { kind: 'assignment', assignment: assignment(2) },
      { kind: 'session', instance: 'instance-1', session },
      { kind: 'sessions_replaced', instance: 'instance-1', sessions: [session] },
      { kind: 'session_gone', instance: 'instance-1', workspace_id: '7', session_id: 'main' },
      { kind: 'instance_gone', instance: 'instance-1', incarnation: 'a' },
    ]);
  });

  it('says that changes may have been missed when Redis was away, and tells all that come after that', async () => {
    const changes: RegistryChange[] = [];
    let gaps = 0;
    closing.push(
      await registry.subscribe(
        (change) => changes.push(change),
        () => {
          gaps += 1;
        },
      ),
    );
    expect(gaps).toBe(0);
    await server.kill();
    await expect(registry.announce(announcement(), 10_000)).rejects.toMatchObject({
      code: 'redis_unavailable',
      message: expect.stringContaining('Redis'),
    });
    for (const asked of [registry.snapshot(), registry.announcements()])
      await expect(asked).rejects.toMatchObject({ code: 'redis_unavailable' });
    await server.start();
    await eventually(() => gaps === 1);
    // Whoever was told of the gap is subscribed: what is said from here on arrives.
    await eventually(() => redis.status === 'ready');
    await registry.announce(announcement(), 10_000);
    await eventually(() => changes.length === 1);
    expect(gaps).toBe(1);
  });

  it('fails soon, and not for ever, when Redis hangs', async () => {
    server.pause();
    try {
      await expect(registry.announcements()).rejects.toMatchObject({ code: 'redis_unavailable' });
    } finally {
      server.resume();
    }
    await eventually(async () => (await registry.announcements().catch(() => undefined)) !== undefined);
  });

  it('leaves no connection behind when a subscription cannot be made', async () => {
    const own = await startRedis();
    try {
      const connection = await connectRedis(parseRedisUrl(own.url), log);
      const mine = redisRegistry(connection);
      await connection.config('SET', 'maxclients', '1');
      await expect(
        mine.subscribe(
          () => {},
          () => {},
        ),
      ).rejects.toMatchObject({ code: 'redis_unavailable' });
      await connection.config('SET', 'maxclients', '100');
      await eventually(
        async () =>
          String(await connection.client('LIST'))
            .trim()
            .split('\n').length === 1,
      );
      connection.disconnect();
    } finally {
      await own.close();
    }
  });
});

describe('connecting to Redis', () => {
  it('says, where nobody answers, what to do and not the password', async () => {
    const address = parseRedisUrl('redis://:hunter2@127.0.0.1:1');
    const error = await connectRedis(address, log, 300).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'redis_unavailable' });
    expect(String(error)).toMatch(/redis:\/\/127\.0\.0\.1:1 does not answer \(.*ECONNREFUSED.*\).*REDIS_URL/);
    expect(String(error)).not.toContain('hunter2');
  });

  it('says that the password is wrong', async () => {
    const server = await startRedis();
    try {
      const admin = await connectRedis(parseRedisUrl(server.url), log);
      await admin.config('SET', 'requirepass', 'right');
      admin.disconnect();
      const wrong = connectRedis(parseRedisUrl(server.url.replace('//', '//:hunter2@')), log, 300);
      await expect(wrong).rejects.toMatchObject({
        code: 'redis_unavailable',
        message: expect.stringMatching(/WRONGPASS|NOAUTH|password/i),
      });
      const right = await connectRedis(parseRedisUrl(server.url.replace('//', '//:right@')), log);
      expect(await right.ping()).toBe('PONG');
      right.disconnect();
    } finally {
      await server.close();
    }
  });
});
