import { request, type ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { createLogger } from '../../common/logger.ts';
import { connectRedis, parseRedisUrl, type Redis } from '../../common/redis.ts';
import type { Coordination, Move } from '../../fleet/coordination.ts';
import { redisCoordination } from '../../fleet/redis-coordination.ts';
import { Holds } from '../../router/proxy/holds.ts';
import { eventually } from '../helpers/eventually.ts';
import { type FakeInstance, fakeSession } from '../helpers/fake-instance.ts';
import { ADMIN_KEY, startFleet, type TestFleet } from '../helpers/router.ts';

let fleet: TestFleet;
let redis: Redis;
let coordination: Coordination;
let claims: Map<string, { instance: string; epoch: number }>;
let from: FakeInstance;
let to: FakeInstance;

/** Workspace 2 with session `main`, on instance-1; held a while when it moves, and not at all otherwise. */
beforeEach(async () => {
  fleet = await startFleet({ holdTime: 0, moveHoldTime: 20_000 });
  redis = await connectRedis(parseRedisUrl(fleet.redis.url), createLogger('silent', {}));
  coordination = redisCoordination(redis, 2000);
  claims = new Map();
  from = await fleet.addInstance('instance-1', { claims });
  to = await fleet.addInstance('instance-2', { claims });
  await fleet.ask('POST', '/api/whatsapp/sessions', { body: { workspace_id: 2, session_id: 'main' } });
  await from.setStatus('2', 'main', 'ready');
});
afterEach(async () => {
  redis.disconnect();
  await fleet.close();
});

const read = (rest = '') => fleet.ask('GET', `/api/whatsapp/sessions/main${rest}?workspace_id=2`);
/** A request that must not be done twice. */
const restart = () => fleet.ask('POST', '/api/whatsapp/sessions/main/restart?workspace_id=2');
const restartsOf = (instance: FakeInstance) =>
  instance.asked.filter((asked) => asked.path.includes('/restart')).length;

function assign(epoch: number, instance: string, claimed: boolean) {
  const incarnation = claimed ? 'x' : '';
  return coordination.recordAssignment({
    workspace_id: '2',
    epoch,
    instance,
    incarnation,
    claimed,
    since: 0,
  });
}

async function move(state: Move['state']): Promise<void> {
  const value: Move = {
    id: 'move-1',
    workspace: '2',
    from: 'instance-1',
    to: 'instance-2',
    reason: 'move',
    state,
    from_epoch: 1,
    to_epoch: null,
    requested_at: '2026-11-22T00:00:00.000Z',
    started_at: null,
    ended_at: null,
    error: null,
  };
  await coordination.saveMove(value, null);
}

/** The session runs on instance-2 from now on, in this state. */
async function arrive(status: 'starting' | 'ready') {
  to.sessions.set('2/main', fakeSession('2', 'main', 'instance-2', { epoch: 2 }));
  claims.set('2', { instance: 'instance-2', epoch: 2 });
  await assign(2, 'instance-2', true);
  await to.setStatus('2', 'main', status);
}

const problem = (response: ServerResponse, status: number, code: string, more = {}) => {
  response.writeHead(status, { 'Content-Type': 'application/problem+json' });
  const told = { type: 'urn:x', title: code, status, detail: `the fake says ${code}`, code };
  response.end(JSON.stringify({ ...told, request_id: 'fake', ...more }));
  return true;
};

/** Chats and the like answer 409 while the session is not ready, as an instance does. */
function needReady(instance: FakeInstance, status = 'starting') {
  const refused = { count: 0 };
  instance.intercept = (asked, response) => {
    const isReady = instance.sessions.get('2/main')?.status === 'ready';
    if (isReady || !/chats|contacts|numbers/.test(asked.url ?? '')) return false;
    refused.count += 1;
    return problem(response, 409, 'session_not_ready', { session_status: status });
  };
  return refused;
}

describe('a workspace that was assigned and is not claimed yet', () => {
  it('has its requests held until it is, and each is done once', async () => {
    from.owning = false;
    await assign(2, 'instance-2', false);
    const answers = Promise.all([restart(), read(), read('/chats')]);
    await eventually(() => to.asked.length >= 3);
    await arrive('ready');
    expect((await answers).map(({ status }) => status)).toEqual([202, 200, 200]);
    expect((await answers)[1]?.json).toMatchObject({ instance: 'instance-2', epoch: 2 });
    expect(restartsOf(from)).toBe(0);
  });

  it('whose target cannot be reached yet is waited for as well', async () => {
    await to.stop();
    await eventually(() => fleet.router.services.table.instance('instance-2') === undefined);
    await assign(2, 'instance-2', false);
    await eventually(() => fleet.router.services.table.owner('2')?.epoch === 2);
    const answer = restart();
    to = await fleet.addInstance('instance-2', { claims });
    await arrive('ready');
    expect((await answer).status).toBe(202);
  });
});

describe('a workspace whose owner is closing it', () => {
  it('has its requests held while the move runs', async () => {
    await move('closing');
    from.owning = false;
    const answer = restart();
    await eventually(() => restartsOf(from) >= 2);
    await arrive('ready');
    expect((await answer).status).toBe(202);
    expect(restartsOf(to)).toBe(1);
  });

  it('has its requests held too where its session was stopped for that', async () => {
    await move('closing');
    await from.setStatus('2', 'main', 'stopped');
    const refused = needReady(from, 'stopped');
    const answer = read('/chats');
    await eventually(() => refused.count >= 2);
    await arrive('ready');
    expect((await answer).status).toBe(200);
  });

  it('has a read asked again whose browser was closed under it, and nothing that must not be done twice', async () => {
    await move('closing');
    from.intercept = (_asked, response) => problem(response, 502, 'browser_failed');
    const contacts = read('/contacts');
    const answer = await restart();
    expect([answer.status, answer.json.code]).toEqual([502, 'browser_failed']);
    await arrive('ready');
    expect((await contacts).status).toBe(200);
    expect(restartsOf(to)).toBe(0);
  });

  it('does not have done a second time what its connection broke under', async () => {
    await move('closing');
    from.intercept = (asked) => {
      asked.socket.destroy();
      return true;
    };
    const answer = await restart();
    expect([answer.status, answer.json.code]).toEqual([503, 'instance_unavailable']);
    expect(answer.json.detail).toContain('may have been done');
    expect(restartsOf(from)).toBe(1);
  });

  it('that is stopping itself has its requests held', async () => {
    await move('closing');
    from.intercept = (_asked, response) => problem(response, 503, 'shutting_down');
    const answer = read();
    await eventually(() => from.asked.filter(({ method }) => method === 'GET').length >= 2);
    await arrive('ready');
    expect((await answer).json.instance).toBe('instance-2');
  });

  it('is found by the id of its session alone, also when nobody has it for a moment', async () => {
    await move('closing');
    from.owning = false;
    await fleet.registry.removeSession('instance-1', '2', 'main');
    await eventually(() => fleet.router.services.table.session('2', 'main') === undefined);
    const answer = fleet.ask('GET', '/api/whatsapp/sessions/main');
    await eventually(() => from.asked.filter(({ method }) => method === 'GET').length >= 1);
    await arrive('ready');
    expect((await answer).json.instance).toBe('instance-2');
  });
});

describe('a session that is coming up after a move', () => {
  it('has what needs it ready held until it is', async () => {
    const refused = needReady(to);
    await arrive('starting');
    await eventually(() => fleet.router.services.table.owner('2')?.epoch === 2);
    const paths = ['/chats', '/contacts', '/numbers/491701234567', '/chats/1@c.us/messages'];
    const answers = Promise.all(paths.map((path) => read(path)));
    await eventually(() => refused.count >= 4);
    await to.setStatus('2', 'main', 'ready');
    expect((await answers).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  });

  it('is told of as not ready where it waits for people, who may take long', async () => {
    needReady(to, 'qr');
    await arrive('starting');
    await eventually(() => fleet.router.services.table.owner('2')?.epoch === 2);
    const answer = await read('/chats');
    expect([answer.status, answer.json.code]).toEqual([409, 'session_not_ready']);
    expect(answer.json.session_status).toBe('qr');
  });

  it('is told of as not ready where somebody stopped it', async () => {
    needReady(to, 'stopped');
    await arrive('starting');
    await eventually(() => fleet.router.services.table.owner('2')?.epoch === 2);
    expect((await read('/chats')).json.code).toBe('session_not_ready');
  });

  it('is told of as not ready once the hold is over', async () => {
    const router = await fleet.addRouter({ moveHoldTime: 400 });
    const refused = needReady(to);
    await arrive('starting');
    await eventually(() => router.services.table.owner('2')?.epoch === 2);
    const answer = await fleet.ask('GET', '/api/whatsapp/sessions/main/chats', { url: router.server.url });
    expect([answer.status, answer.json.code]).toEqual([409, 'session_not_ready']);
    expect(refused.count).toBeGreaterThan(1);
  });
});

describe('a session that is not ready where nothing moves', () => {
  it('is told of at once, after one question', async () => {
    const refused = needReady(from);
    await from.setStatus('2', 'main', 'starting');
    const answer = await read('/chats');
    expect([answer.status, answer.json.code]).toEqual([409, 'session_not_ready']);
    expect(refused.count).toBe(1);
  });
});

describe('a caller who leaves', () => {
  it('has what is held for him never done', async () => {
    from.owning = false;
    await assign(2, 'instance-2', false);
    const asked = request(`${fleet.url}/api/whatsapp/sessions/main/restart?workspace_id=2`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${ADMIN_KEY}` },
    });
    asked.on('error', () => undefined);
    asked.end();
    await eventually(() => restartsOf(to) >= 1);
    asked.destroy();
    await eventually(() => asked.closed);
    await eventually(() => fleet.router.services.forwarder.held === 0);
    const before = restartsOf(to);
    await arrive('ready');
    expect((await restart()).status).toBe(202);
    expect(restartsOf(to)).toBe(before + 1);
  });
});

describe('the room for requests that are held', () => {
  const nobody = { watch: () => () => undefined };

  it('is for two thousand of them', () => {
    const holds = new Holds(nobody, systemClock);
    const taken = Array.from({ length: 2000 }, () => holds.take('2', 0));
    expect(taken).not.toContain(undefined);
    expect(holds.take('2', 0)).toBeUndefined();
    taken[0]?.release();
    expect(holds.take('2', 0)).toBeDefined();
    expect(holds.count).toBe(2000);
  });

  it('is for 64 MB of bodies', () => {
    const holds = new Holds(nobody, systemClock);
    const large = holds.take('2', 60_000_000);
    expect(holds.take('2', 10_000_000)).toBeUndefined();
    large?.release();
    expect(holds.take('2', 10_000_000)).toBeDefined();
  });
});
