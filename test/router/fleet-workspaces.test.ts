import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { startFleet, type TestFleet } from '../helpers/router.ts';

let fleet: TestFleet;

beforeAll(async () => {
  fleet = await startFleet();
  const first = await fleet.addInstance('instance-1', { capacity: 3 });
  await fleet.addInstance('instance-2', { capacity: 50 });
  // 2, 4 and 6 are at home on the first; it is full then, and 8 finds its place on the other.
  for (const workspace of [2, 4, 6, 8, 10])
    await fleet.ask('POST', '/api/whatsapp/sessions', {
      body: { workspace_id: workspace, session_id: `s-${workspace}`, account_id: `Account ${workspace}` },
    });
  for (const [workspace, phone] of [
    ['2', '491701112223'],
    ['4', '4915199'],
  ] as const) {
    const session = first.sessions.get(`${workspace}/s-${workspace}`);
    if (session) session.phone_number = phone;
    await first.setStatus(workspace, `s-${workspace}`, 'ready');
  }
  // What instances say reaches the router a moment later.
  await eventually(async () => {
    const { by_status } = (await fleet.ask('GET', '/api/whatsapp/sessions')).json;
    return by_status.ready === 2;
  });
});
afterAll(() => fleet.close());

const list = async (query = '') => (await fleet.ask('GET', `/api/fleet/workspaces${query}`)).json;
const idsOf = (answer: { workspaces: { workspace_id: number }[] }) =>
  answer.workspaces.map(({ workspace_id }) => workspace_id);

describe('the list of workspaces', () => {
  it('says where each is and where its home is, page by page in the order of their ids', async () => {
    const first = await list('?limit=3');
    expect(idsOf(first)).toEqual([2, 4, 6]);
    expect(first).toMatchObject({ total: 5, next_cursor: '6' });
    expect(first.workspaces[0]).toEqual({
      workspace_id: 2,
      home: 'instance-1',
      instance: 'instance-1',
      epoch: 1,
      claimed: true,
      sessions: 1,
      ready: 1,
    });
    const second = await list('?limit=3&cursor=6');
    expect(idsOf(second)).toEqual([8, 10]);
    expect(second.next_cursor).toBeNull();
  });

  it('names only those of an instance, or those that are not at home', async () => {
    expect(idsOf(await list('?instance=instance-2'))).toEqual([8, 10]);
    expect(idsOf(await list('?away=true'))).toEqual([8, 10]);
    expect(idsOf(await list('?away=false'))).toEqual([2, 4, 6]);
    expect((await fleet.ask('GET', '/api/fleet/workspaces?away=maybe')).status).toBe(400);
  });

  it('is for admins', async () => {
    const { key } = (await fleet.ask('POST', '/api/fleet/keys', { body: { workspace_id: 2 } })).json;
    expect((await fleet.ask('GET', '/api/fleet/workspaces', { key })).status).toBe(403);
  });
});

describe('the fleet', () => {
  it('counts what each instance has by status, and its workspaces away from home', async () => {
    const { instances } = (await fleet.ask('GET', '/api/fleet')).json;
    expect(instances[0]).toMatchObject({
      by_status: { ready: 2, starting: 1 },
      workspaces: 3,
      away: 0,
      unclaimed: 0,
    });
    expect(instances[1]).toMatchObject({ by_status: { starting: 2 }, workspaces: 2, away: 2 });
  });

  it('counts a workspace that was assigned and is not taken yet', async () => {
    fleet.router.services.table.learnOwner({
      workspace_id: '10',
      instance: 'instance-1',
      epoch: 9,
      claimed: false,
    });
    const { instances } = (await fleet.ask('GET', '/api/fleet')).json;
    expect(instances[0]).toMatchObject({ workspaces: 4, unclaimed: 1 });
    expect((await list('?instance=instance-1')).workspaces.at(-1)).toMatchObject({
      workspace_id: 10,
      claimed: false,
    });
  });
});

describe('the list of sessions', () => {
  const find = async (query: string) => {
    const { sessions, total, by_status } = (await fleet.ask('GET', `/api/whatsapp/sessions?${query}`)).json;
    return {
      total,
      by_status,
      ids: sessions.map((each: { session_id: string }) => each.session_id),
    };
  };

  it.each([
    ['part of its id', 'q=-1', ['s-10']],
    ['its account, in any case', 'q=account%208', ['s-8']],
    ['its number as people write it', `q=${encodeURIComponent('+49 170 111')}`, ['s-2']],
    ['its instance', 'instance=instance-2&q=s-', ['s-8', 's-10']],
    ['nothing that there is', 'q=nobody', []],
  ])('finds a session by %s', async (_how, query, ids) => {
    expect((await find(query)).ids).toEqual(ids);
  });

  it('counts all that fit, by status, whatever page and status are asked for', async () => {
    const counts = { total: 2, by_status: { ready: 2, starting: 3 } };
    expect(await find('status=ready&limit=1')).toEqual({ ids: ['s-2'], ...counts });
    const { next_cursor } = (await fleet.ask('GET', '/api/whatsapp/sessions?status=ready&limit=1')).json;
    expect(await find(`status=ready&limit=1&cursor=${next_cursor}`)).toEqual({ ids: ['s-4'], ...counts });
  });
});

describe('the own key', () => {
  it('tells whose it is, to an admin and to a workspace', async () => {
    const own = async (key?: string) =>
      (await fleet.ask('GET', '/api/fleet/keys/own', key === undefined ? {} : { key })).json;
    expect(await own()).toMatchObject({ kind: 'admin', workspace_id: null });
    const { key } = (await fleet.ask('POST', '/api/fleet/keys', { body: { workspace_id: 4, name: 'shop' } }))
      .json;
    const answer = await own(key);
    expect(answer).toMatchObject({ kind: 'workspace', workspace_id: 4, name: 'shop' });
    expect(JSON.stringify(answer)).not.toContain(key.split('_').at(-1));
  });
});
