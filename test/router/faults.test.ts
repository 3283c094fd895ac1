import { once } from 'node:events';
import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isWharfError } from '../../common/errors.ts';
import { createLogger } from '../../common/logger.ts';
import { connectRedis, parseRedisUrl } from '../../common/redis.ts';
import { FileClaims } from '../../fleet/file-claims.ts';
import { redisKeys } from '../../fleet/keys.ts';
import { SessionPaths } from '../../fleet/session-paths.ts';
import { routerConfig } from '../../router/config.ts';
import { FakeInstance } from '../helpers/fake-instance.ts';
import { startRedis } from '../helpers/redis.ts';
import { ADMIN_KEY, startFleet, type TestFleet } from '../helpers/router.ts';

let fleet: TestFleet;
beforeEach(async () => {
  fleet = await startFleet({ holdTime: 3000 });
});
afterEach(() => fleet.close());

const create = (workspace_id: number | string, session_id = 'main') =>
  fleet.ask('POST', '/api/whatsapp/sessions', { body: { workspace_id, session_id } });
const read = (workspace: number | string, session = 'main') =>
  fleet.ask('GET', `/api/whatsapp/sessions/${session}?workspace_id=${workspace}`);
const send = (workspace: number | string, url = fleet.url) =>
  fleet.ask('POST', `/api/whatsapp/sessions/main/messages?workspace_id=${workspace}`, {
    body: { to: '491701234567', text: 'hello' },
    url,
  });
const restart = (workspace: number | string) =>
  fleet.ask('POST', `/api/whatsapp/sessions/main/restart?workspace_id=${workspace}`);

/** A session on instance-1, whose port is kept for its next life. */
async function oneSession() {
  const claims = new Map<string, { instance: string; epoch: number }>();
  const instance = await fleet.addInstance('instance-1', { claims });
  const { port } = instance;
  await create(2);
  const again = (more = {}) =>
    fleet.addInstance('instance-1', { claims, sessions: [...instance.sessions.values()], ...more });
  return { instance, port, again };
}

describe('an instance that is away', () => {
  it('has its reads held, and answered when it is back on its port', async () => {
    const { instance, port, again } = await oneSession();
    await instance.crash();
    const answer = read(2);
    await again({ port });
    expect((await answer).status).toBe(200);
  });

  it('has its reads held, and answered when it is back elsewhere', async () => {
    const { instance, again } = await oneSession();
    await instance.crash();
    const answer = read(2);
    await again();
    expect((await answer).status).toBe(200);
  });

  it('has messages accepted all the same: they wait in their queue', async () => {
    const { instance } = await oneSession();
    await instance.crash();
    const answer = await send(2);
    expect([answer.status, answer.json.status]).toEqual([202, 'queued']);
  });

  it('is told of with 503 and when to try again, once the hold is over', async () => {
    const { instance } = await oneSession();
    await instance.crash();
    const answer = await read(2);
    expect([answer.status, answer.json.code]).toEqual([503, 'instance_unavailable']);
    expect(answer.headers.get('retry-after')).toBe(String(answer.json.retry_after));
    expect(answer.json.detail).toContain('instance-1');
  });

  it('that hangs, with its connections open, is told of with 503 as well', async () => {
    const { instance } = await oneSession();
    instance.intercept = () => new Promise(() => {});
    const answer = await read(2);
    expect([answer.status, answer.json.code]).toEqual([503, 'instance_unavailable']);
    expect(answer.json.detail).toContain('did not answer in 5 s');
  });

  it('has its sessions shown as disconnected in the list, and itself as gone', async () => {
    const { instance } = await oneSession();
    await instance.setStatus('2', 'main', 'ready');
    const listed = async () => (await fleet.ask('GET', '/api/whatsapp/sessions')).json.sessions[0];
    await expect.poll(async () => (await listed()).status).toBe('ready');
    await instance.stop();
    await expect.poll(async () => (await listed()).status).toBe('disconnected');
    expect((await listed()).last_error).toBe('instance-1 is not running');
    const { instances } = (await fleet.ask('GET', '/api/fleet')).json;
    expect(instances).toEqual([
      {
        id: 'instance-1',
        lease: 'gone',
        status: 'gone',
        sessions: 1,
        by_status: { disconnected: 1 },
        workspaces: 1,
        away: 0,
        unclaimed: 0,
      },
    ]);
  });

  it('is not asked a second time to restart a session', async () => {
    const { instance } = await oneSession();
    instance.intercept = (request) => {
      if (request.method === 'POST') request.socket.destroy();
      return request.method === 'POST';
    };
    const answer = await fleet.ask('POST', '/api/whatsapp/sessions/main/restart');
    expect([answer.status, answer.json.code]).toEqual([503, 'instance_unavailable']);
    expect(answer.json.detail).toContain('may have been done');
    expect(instance.asked.filter((asked) => asked.method === 'POST')).toHaveLength(1);
  });

  it('is asked again for a read whose connection broke', async () => {
    const { instance } = await oneSession();
    let broken = 0;
    instance.intercept = (request) => {
      if (!request.url?.endsWith('/contacts?limit=100') || broken > 0) return false;
      broken += 1;
      request.socket.destroy();
      return true;
    };
    expect((await fleet.ask('GET', '/api/whatsapp/sessions/main/contacts')).status).toBe(200);
  });
});

describe('an instance that does not own the workspace', () => {
  it('makes the router ask Redis who does, and go there', async () => {
    const { instance } = await oneSession();
    const claims = new Map([['2', { instance: 'instance-2', epoch: 2 }]]);
    const other = await fleet.addInstance('instance-2', {
      claims,
      sessions: [...instance.sessions.values()],
    });
    instance.owning = false;
    // Written without a word on the channel: as if it had been missed.
    const redis = await connectRedis(parseRedisUrl(fleet.redis.url), createLogger('silent', {}));
    const assignment = { workspace_id: '2', epoch: 2, instance: 'instance-2', incarnation: 'x' };
    await redis.hset(redisKeys.assignments, '2', JSON.stringify(assignment));
    redis.disconnect();
    expect((await restart(2)).status).toBe(202);
    expect(other.asked.some((asked) => asked.path.endsWith('/restart'))).toBe(true);
    expect((await read(2)).status).toBe(200);
  });

  it('is told of with 503 when nobody else does', async () => {
    const { instance } = await oneSession();
    instance.owning = false;
    const answer = await read(2);
    expect([answer.status, answer.json.code]).toEqual([503, 'instance_unavailable']);
    expect(answer.json.detail).toContain('between two instances');
  });
});

describe("an instance that refuses the router's token", () => {
  it("does not make the caller's key look wrong", async () => {
    const { instance, again, port } = await oneSession();
    await instance.crash();
    await again({ port, token: 'another-token' });
    const answer = await read(2);
    expect([answer.status, answer.json.code]).toEqual([503, 'instance_unavailable']);
    expect(fleet.log.some((line) => String(line['msg']).includes('refuses the internal token'))).toBe(true);
  });
});

describe('placement', () => {
  it('answers 503 no_capacity where no instance is running, and says so', async () => {
    const answer = await create(1);
    expect([answer.status, answer.json.code]).toEqual([503, 'no_capacity']);
    expect(answer.json.detail).toContain('No instance is running');
    expect(answer.headers.get('retry-after')).toBe('30');
  });

  it('goes to the instance with most room when home is full or draining, and answers 503 when all are', async () => {
    const home = await fleet.addInstance('instance-1', { capacity: 1 });
    await fleet.addInstance('instance-2', { capacity: 2 });
    const placed = [];
    for (const workspace of [2, 4, 6, 8]) placed.push(await create(workspace));
    expect(placed.map((answer) => answer.json.instance ?? answer.json.code)).toEqual([
      'instance-1',
      'instance-2',
      'instance-2',
      'no_capacity',
    ]);
    expect(home.sessions.size).toBe(1);
  });

  it('tries the next when the chosen instance is fuller than it said', async () => {
    const home = await fleet.addInstance('instance-1', { capacity: 0 });
    await home.announce({ capacity: 100, status: 'healthy' });
    await fleet.addInstance('instance-2', { capacity: 5 });
    await expect.poll(() => fleet.router.services.table.instance('instance-1')?.capacity).toBe(100);
    expect((await create(2)).json.instance).toBe('instance-2');
  });

  it('finds the owner by the claim on the shared storage when Redis forgot it', async () => {
    const claims = new Map([['2', { instance: 'instance-2', epoch: 3 }]]);
    const home = await fleet.addInstance('instance-1', { claims });
    await fleet.addInstance('instance-2', { claims });
    await new FileClaims(new SessionPaths(fleet.sessionPath)).create({
      workspace_id: '2',
      epoch: 3,
      instance: 'instance-2',
      incarnation: 'x',
      host: 'h',
      claimed_at: '2026-11-22T00:00:00.000Z',
    });
    expect((await create(2)).json).toMatchObject({ instance: 'instance-2', epoch: 3 });
    expect(home.asked).toEqual([]);
  });

  it('goes on to the next instance when the chosen one says that it does not own the workspace', async () => {
    const claims = new Map([['2', { instance: 'instance-2', epoch: 3 }]]);
    const home = await fleet.addInstance('instance-1', { claims });
    await fleet.addInstance('instance-2', { claims });
    expect((await create(2)).json.instance).toBe('instance-2');
    expect(home.asked).toHaveLength(1);
  });
});

describe('Redis away', () => {
  it('stops nothing that is known: reads, lists, and messages, whose queues have a Redis of their own', async () => {
    await oneSession();
    const queueRedis = await startRedis();
    const { messaging } = routerConfig({ QUEUE_REDIS_URL: queueRedis.url }).config;
    const router = await fleet.addRouter({ messaging });
    fleet.redis.pause();
    try {
      const started = performance.now();
      expect((await read(2)).status).toBe(200);
      expect((await fleet.ask('GET', '/api/whatsapp/sessions')).json.sessions).toHaveLength(1);
      expect((await send(2, router.server.url)).status).toBe(202);
      // A command to a Redis that hangs is given up after three seconds: none of these waited for one.
      expect(performance.now() - started).toBeLessThan(2900);
    } finally {
      fleet.redis.resume();
      await router.close();
      await queueRedis.close();
    }
  });

  it('bounds what a miss waits', async () => {
    await oneSession();
    fleet.redis.pause();
    try {
      const answer = await fleet.ask('GET', '/api/whatsapp/sessions/nobody');
      expect(answer.json.code).toBe('session_not_found');
    } finally {
      fleet.redis.resume();
    }
  });

  it('emptied and back, costs no session: what is known stays until the instances have told again', async () => {
    const { instance } = await oneSession();
    await fleet.redis.kill();
    await expect.poll(() => fleet.router.services.follower.redisAnswers, { timeout: 10_000 }).toBe(false);
    expect((await read(2)).status).toBe(200);
    await fleet.redis.start();
    await expect.poll(() => fleet.router.services.follower.redisAnswers, { timeout: 10_000 }).toBe(true);
    await expect.poll(async () => (await read(2)).status).toBe(200);
    await expect
      .poll(async () => (await fleet.ask('GET', '/api/whatsapp/sessions')).json.sessions.length)
      .toBe(1);
    expect((await send(2)).status).toBe(202);
    expect(instance.sessions.size).toBe(1);
  });

  it('at the start, ends the start with what to do', async () => {
    const address = parseRedisUrl('redis://127.0.0.1:1');
    const error = await connectRedis(address, createLogger('silent', {}), 200).catch(
      (caught: unknown) => caught,
    );
    expect(isWharfError(error, 'redis_unavailable')).toBe(true);
    expect(String(error)).toContain('REDIS_URL');
  });
});

describe('a router started anew', () => {
  it('answers its first request from what Redis knows', async () => {
    await oneSession();
    const later = await fleet.addRouter();
    const answer = await fleet.ask('GET', '/api/whatsapp/sessions/main', { url: later.server.url });
    expect(answer.status).toBe(200);
    expect(
      (await fleet.ask('GET', '/api/whatsapp/sessions', { url: later.server.url })).json.sessions,
    ).toHaveLength(1);
  });

  it.each(['missing', 'a file'])('refuses a session path that is %s', async (what) => {
    const sessionPath =
      what === 'missing' ? `${fleet.sessionPath}/missing` : `${fleet.sessionPath}/fleet/internal-token`;
    const error = await fleet.addRouter({ sessionPath }).catch((caught: unknown) => caught);
    expect(isWharfError(error, 'storage_unavailable')).toBe(true);
    expect(String(error)).toContain('WHATSAPP_SESSION_PATH');
  });
});

describe('streams', () => {
  it('are passed on as they come, and ended when the caller leaves', async () => {
    const { instance } = await oneSession();
    const left = new Promise<void>((resolve) => {
      instance.intercept = (asked, response) => {
        if (!asked.url?.includes('/chats')) return false;
        response.writeHead(200, { 'Content-Type': 'application/json' });
        response.write('{"chats":');
        response.on('close', resolve);
        return true;
      };
    });
    const headers = { Authorization: `Bearer ${ADMIN_KEY}` };
    const asked = request(`${fleet.url}/api/whatsapp/sessions/main/chats`, { headers }).end();
    const [answer] = await once(asked, 'response');
    const [first] = await once(answer, 'data');
    expect(String(first)).toBe('{"chats":');
    asked.destroy();
    await left;
  });

  it('that an instance breaks off are broken off, not ended as if whole', async () => {
    const { instance } = await oneSession();
    instance.intercept = (asked, response) => {
      if (!asked.url?.includes('/chats')) return false;
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.write('{"chats":', () => response.destroy());
      return true;
    };
    await expect(fleet.ask('GET', '/api/whatsapp/sessions/main/chats')).rejects.toThrow();
  });
});

it('a configured instance is reached without announcing itself', async () => {
  const quiet = { ...fleet.registry, announce: async () => true, replaceSessions: async () => {} };
  const instance = await new FakeInstance({
    id: 'instance-1',
    registry: quiet,
    coordination: fleet.coordination,
    token: fleet.token,
  }).start();
  try {
    const router = await fleet.addRouter({ instanceUrls: { 'instance-1': instance.url } });
    const body = { workspace_id: 2, session_id: 'main' };
    const made = await fleet.ask('POST', '/api/whatsapp/sessions', { body, url: router.server.url });
    expect(made.json.instance).toBe('instance-1');
    const again = await fleet.ask('GET', '/api/whatsapp/sessions/main', { url: router.server.url });
    expect(again.status).toBe(200);
  } finally {
    await instance.crash();
  }
});
