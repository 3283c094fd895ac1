import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '../../common/logger.ts';
import { connectRedis, parseRedisUrl, type Redis } from '../../common/redis.ts';
import type { Coordination } from '../../fleet/coordination.ts';
import { redisCoordination } from '../../fleet/redis-coordination.ts';
import { eventually } from '../helpers/eventually.ts';
import { KeptInstance } from '../helpers/kept-instance.ts';
import { startFleet, type TestFleet } from '../helpers/router.ts';

let fleet: TestFleet;
let redis: Redis;
let coordination: Coordination;
let one: KeptInstance;
let two: KeptInstance;
let storage: Map<string, string[]>;

beforeAll(async () => {
  fleet = await startFleet({ holdTime: 0 });
  redis = await connectRedis(parseRedisUrl(fleet.redis.url), createLogger('silent', {}));
  coordination = redisCoordination(redis, 2000);
  storage = new Map();
  one = await kept('instance-1');
  two = await kept('instance-2');
});
afterAll(async () => {
  await Promise.all([one?.stop(), two?.stop()]);
  redis?.disconnect();
  await fleet?.close();
});

function kept(id: string, options: Partial<ConstructorParameters<typeof KeptInstance>[0]> = {}) {
  return new KeptInstance({ id, fleet, coordination, storage, ...options }).start();
}

/** Waits until the router judges these as well, and leads. */
const well = (...ids: string[]) =>
  eventually(async () => {
    const { instances, leader } = (await fleet.ask('GET', '/api/fleet')).json;
    const isWell = (id: string) =>
      instances.some(
        (each: { id: string; verdict?: string }) => each.id === id && each.verdict === 'healthy',
      );
    return leader !== null && ids.every(isWell);
  });

async function make(instance: KeptInstance, workspace: string): Promise<void> {
  storage.set(workspace, ['main']);
  await instance.claim(workspace);
  await eventually(() => fleet.router.services.table.session(workspace, 'main')?.status === 'ready');
}

const move = (workspace: string | number, body: unknown) =>
  fleet.ask('POST', `/api/fleet/workspaces/${workspace}/move`, { body });
const drain = (instance: string, method = 'POST') =>
  fleet.ask(method, `/api/fleet/instances/${instance}/drain`);
const moves = async (query = '') => (await fleet.ask('GET', `/api/fleet/moves${query}`)).json.moves;
const ended = (id: string) =>
  eventually(async () => {
    const found = (await moves()).find((each: { id: string }) => each.id === id);
    return ['done', 'failed'].includes(found?.state) ? found : undefined;
  });
const told = ({ status, json }: { status: number; json: { code?: string } }) => [status, json.code];

beforeEach(() => well('instance-1', 'instance-2'));

describe('moving a workspace', () => {
  it('closes it here and starts it there, and tells of it', async () => {
    await make(one, '2');
    const answer = await move(2, { to: 'instance-2' });
    expect(answer.status).toBe(202);
    expect(answer.json).toMatchObject({
      workspace_id: 2,
      from: 'instance-1',
      to: 'instance-2',
      reason: 'move',
      state: 'queued',
    });
    const { from_epoch, to_epoch, state } = await ended(answer.json.id);
    expect([state, to_epoch]).toEqual(['done', from_epoch + 1]);
    expect(two.workspaces).toContain('2');
    expect(one.workspaces).not.toContain('2');
    expect(await moves('?state=under_way')).toEqual([]);
    expect((await moves('?state=done&limit=1'))[0].workspace_id).toBe(2);
    const { events, router, leader } = (await fleet.ask('GET', '/api/fleet/events')).json;
    expect(router).toBe(leader);
    expect(events.some((event: { kind: string; workspace_id: unknown }) => event.kind === 'move')).toBe(true);
  });

  it.each(['007', 'a%2Fb', '..%2F..', 'a%20b', 'x'.repeat(65)])(
    'is refused for a workspace id of %s',
    async (id) => {
      const answer = await move(id, { to: 'instance-2' });
      expect(told(answer)).toEqual([400, 'invalid_request']);
      expect(answer.json.faults[0].path).toBe('path.workspace_id');
    },
  );

  it.each([[{}], [{ to: 7 }], [{ to: 'instance-0' }], [{ to: 'x' }], [{ to: 'instance-2', more: 1 }]])(
    'is refused for a body of %j',
    async (body) => {
      expect(told(await move(2, body))).toEqual([400, 'invalid_request']);
    },
  );

  it('is refused for a workspace that nobody has', async () => {
    const answer = await move('nobody', { to: 'instance-2' });
    expect(told(answer)).toEqual([404, 'not_found']);
    expect(answer.json.detail).toContain('nobody');
  });

  it('is refused to an instance that nobody knows, and says where they are listed', async () => {
    await make(one, '4');
    const answer = await move(4, { to: 'instance-9' });
    expect(told(answer)).toEqual([404, 'not_found']);
    expect(answer.json.detail).toContain('GET /api/fleet');
  });

  it('is refused to where it is', async () => {
    await make(one, '6');
    expect(told(await move(6, { to: 'instance-1' }))).toEqual([409, 'invalid_state']);
  });

  it('is refused to a full instance, and says what to do', async () => {
    await make(one, '8');
    const three = await kept('instance-3', { capacity: 0 });
    try {
      await well('instance-3');
      const answer = await move(8, { to: 'instance-3' });
      expect(told(answer)).toEqual([503, 'no_capacity']);
      expect(answer.json.detail).toMatch(/no room.*choose another/);
    } finally {
      await three.stop();
    }
  });

  it('is refused to an instance that is not there any more, and says what to do', async () => {
    await make(one, '10');
    const three = await kept('instance-3');
    await well('instance-3');
    await three.stop();
    await eventually(async () => {
      const { instances } = (await fleet.ask('GET', '/api/fleet')).json;
      const found = instances.find((each: { id: string }) => each.id === 'instance-3');
      return found === undefined || found.verdict !== 'healthy';
    });
    const answer = await move(10, { to: 'instance-3' });
    expect(told(answer)).toEqual([409, 'invalid_state']);
    expect(answer.json.detail).toMatch(/takes no workspaces now.*Choose another/);
  });
});

describe('draining an instance', () => {
  it('empties it, shows that, and is taken back', async () => {
    await make(one, '20');
    await make(one, '22');
    const answer = await drain('instance-1');
    expect(answer.status).toBe(202);
    const workspaces = answer.json.moves.map((each: { workspace_id: number }) => each.workspace_id);
    expect(workspaces).toEqual(expect.arrayContaining([20, 22]));
    await eventually(() => one.workspaces.length === 0);
    const fleetNow = async () => (await fleet.ask('GET', '/api/fleet')).json;
    await eventually(async () => {
      const { instances, draining } = await fleetNow();
      const found = instances.find((each: { id: string }) => each.id === 'instance-1');
      return found.draining === true && found.workspaces === 0 && draining.includes('instance-1');
    });

    await eventually(async () => (await moves('?state=under_way')).length === 0);
    const refused = await move(20, { to: 'instance-1' });
    expect(told(refused)).toEqual([409, 'invalid_state']);
    expect(refused.json.detail).toContain('undrain');
    const last = await drain('instance-2');
    expect(told(last)).toEqual([409, 'invalid_state']);
    expect(last.json.detail).toMatch(/last instance.*Start another, or undrain/);

    // A router that has not heard of the drain yet looks before it drains the other.
    const router = await fleet.addRouter();
    const other = { url: router.server.url };
    await drain('instance-1', 'DELETE');
    await eventually(() => router.services.operations.status().instances.length >= 2);
    await drain('instance-1');
    const late = await fleet.ask('POST', '/api/fleet/instances/instance-2/drain', other);
    expect(told(late)).toEqual([409, 'invalid_state']);

    expect((await drain('instance-1', 'DELETE')).json).toEqual({ instance: 'instance-1', draining: false });
    await eventually(async () => (await fleetNow()).draining.length === 0);
  });

  it.each(['POST', 'DELETE'])(
    'is refused (%s) for an instance that nobody knows, or that is no id',
    async (method) => {
      expect(told(await drain('instance-9', method))).toEqual([404, 'not_found']);
      expect(told(await drain('x', method))).toEqual([400, 'invalid_request']);
      expect(told(await drain('..%2Fkeys', method))).toEqual([400, 'invalid_request']);
    },
  );
});

describe('rebalancing', () => {
  it('brings home exactly what is elsewhere', async () => {
    await make(two, '30');
    await make(one, '32');
    await make(two, '31');
    await fleet.ask('POST', '/api/fleet/rebalance');
    await eventually(async () => (await moves('?state=under_way')).length === 0);
    expect(one.workspaces).toEqual(expect.arrayContaining(['30', '32']));
    expect(two.workspaces).toContain('31');
    const again = await fleet.ask('POST', '/api/fleet/rebalance');
    expect([again.status, again.json.moves]).toEqual([202, []]);
  });
});

describe('restarting an instance', () => {
  it('is told to it', async () => {
    const { lives } = one;
    const answer = await fleet.ask('POST', '/api/fleet/instances/instance-1/restart');
    expect([answer.status, answer.json]).toEqual([202, { instance: 'instance-1', restarting: true }]);
    await eventually(() => one.lives === lives + 1);
  });

  it('is refused for an instance that nobody knows', async () => {
    expect(told(await fleet.ask('POST', '/api/fleet/instances/instance-9/restart'))).toEqual([
      404,
      'not_found',
    ]);
  });
});

describe('unfreezing', () => {
  it('is noted, until nothing is lost', async () => {
    expect((await fleet.ask('POST', '/api/fleet/unfreeze')).json).toEqual({ unfrozen: true });
  });
});

describe('operations of the fleet', () => {
  const all: [string, string][] = [
    ['POST', '/api/fleet/workspaces/2/move'],
    ['GET', '/api/fleet/moves'],
    ['GET', '/api/fleet/events'],
    ['POST', '/api/fleet/instances/instance-1/drain'],
    ['DELETE', '/api/fleet/instances/instance-1/drain'],
    ['POST', '/api/fleet/instances/instance-1/restart'],
    ['POST', '/api/fleet/rebalance'],
    ['POST', '/api/fleet/unfreeze'],
  ];
  it.each(all)('are for admins: %s %s', async (method, path) => {
    const made = await fleet.ask('POST', '/api/fleet/keys', { body: { workspace_id: 2 } });
    expect((await fleet.ask(method, path, { key: null })).status).toBe(401);
    expect(told(await fleet.ask(method, path, { key: made.json.key }))).toEqual([403, 'forbidden']);
  });

  it.each(['?state=moving', '?limit=0', '?limit=10001', '?limit=x', '?more=1'])(
    'refuse a question of %s',
    async (query) => {
      expect(told(await fleet.ask('GET', `/api/fleet/moves${query}`))).toEqual([400, 'invalid_request']);
    },
  );

  it('are described from their schemas', async () => {
    const { paths, components } = (await fleet.ask('GET', '/openapi.json')).json;
    for (const [method, path] of all) {
      const described = path
        .replace('workspaces/2', 'workspaces/{workspace_id}')
        .replace('instance-1', '{instance_id}');
      expect(paths[described]?.[method.toLowerCase()]?.summary, path).toBeTypeOf('string');
    }
    expect(components.schemas.Move.properties.state).toBeDefined();
  });
});
