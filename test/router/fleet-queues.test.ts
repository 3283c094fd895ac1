import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectSides, type Sides, sendAll, take } from '../fleet/queue/queue-parts.ts';
import { eventually } from '../helpers/eventually.ts';
import type { FakeInstance } from '../helpers/fake-instance.ts';
import { startFleet, type TestFleet } from '../helpers/router.ts';

const PATH = '/api/fleet/queues';

let fleet: TestFleet;
let instance: FakeInstance;
let sides: Sides;

beforeAll(async () => {
  fleet = await startFleet();
  instance = await fleet.addInstance('instance-1', { capacity: 50 });
  sides = await connectSides(fleet.redis.url);
  await create('7', 'sales', 'ready');
  await create('7', 'support', 'stopped');
  await create('8', 'sales', 'ready');
  for (const [workspace, session] of [
    ['7', 'sales'],
    ['7', 'sales'],
    ['7', 'support'],
    ['8', 'sales'],
  ] as const)
    await handIn(workspace, session);
  await handIn('7', 'sales', { send_at: new Date(Date.now() + 3_600_000).toISOString() });
  await handIn('7', 'sales', { priority: 'critical' });
  await eventually(async () => (await queues()).totals.depth === 6);
});
afterAll(async () => {
  await sides?.close();
  await fleet?.close();
});

async function create(workspace_id: string, session_id: string, status: 'ready' | 'stopped') {
  await fleet.ask('POST', '/api/whatsapp/sessions', { body: { workspace_id, session_id } });
  await instance.setStatus(workspace_id, session_id, status);
  await eventually(() => fleet.router.services.table.session(workspace_id, session_id)?.status === status);
}

const handIn = (workspace: string, session: string, more: object = {}) =>
  fleet.ask('POST', `/api/whatsapp/sessions/${session}/messages?workspace_id=${workspace}`, {
    body: { to: '491701234567', text: 'Hello', ...more },
  });

const queues = async (query = '', key?: string) =>
  (await fleet.ask('GET', PATH + query, key === undefined ? {} : { key })).json;

const names = (list: { queues: { workspace_id: unknown; session_id: string }[] }) =>
  list.queues.map(({ workspace_id, session_id }) => `${workspace_id}/${session_id}`);

describe('the queues of a fleet', () => {
  it('are told with their depths, states and totals, the worst first', async () => {
    const all = await queues();
    expect(names(all)).toEqual(['7/support', '7/sales', '8/sales']);
    expect(all.queues[0]).toMatchObject({
      state: 'waiting',
      reason: 'the session is stopped',
      session_status: 'stopped',
      depth: 1,
    });
    expect(all.queues[1]).toMatchObject({
      state: 'flowing',
      depth: 4,
      delayed: 1,
      by_priority: { critical: 1, high: 0, normal: 2, low: 0 },
    });
    expect(all.totals).toMatchObject({
      queues: 3,
      depth: 6,
      delayed: 1,
      by_state: { stuck: 0, waiting: 1, limited: 0, flowing: 2, idle: 0 },
    });
    expect(all.totals.oldest_at).toBe(all.queues[1].oldest_at);
  });

  it("are a workspace's own with its key, and another's are not there", async () => {
    const { key } = (await fleet.ask('POST', '/api/fleet/keys', { body: { workspace_id: '7' } })).json;
    expect(names(await queues('', key))).toEqual(['7/support', '7/sales']);
    expect((await queues('', key)).totals.depth).toBe(5);
    expect((await fleet.ask('GET', `${PATH}?workspace_id=8`, { key })).status).toBe(404);
    expect((await fleet.ask('GET', PATH, { key: null })).status).toBe(401);
  });

  it('are told by workspace, session and state', async () => {
    expect(names(await queues('?workspace_id=8'))).toEqual(['8/sales']);
    expect(names(await queues('?session_id=sales'))).toEqual(['7/sales', '8/sales']);
    expect(names(await queues('?state=waiting'))).toEqual(['7/support']);
    expect(await queues('?state=stuck')).toMatchObject({ queues: [], totals: { queues: 0, depth: 0 } });
    expect((await fleet.ask('GET', `${PATH}?state=bad`)).status).toBe(400);
  });

  it('come in pages, with the totals of all', async () => {
    const first = await queues('?limit=2');
    expect(first).toMatchObject({ totals: { queues: 3 }, next_cursor: '2' });
    const second = await queues(`?limit=2&cursor=${first.next_cursor}`);
    expect([...names(first), ...names(second)]).toEqual(['7/support', '7/sales', '8/sales']);
    expect(second.next_cursor).toBeNull();
  });

  it('are counted in the metrics and in the totals of the fleet', async () => {
    await eventually(async () => (await queues()).totals.depth === 6);
    const { text } = await fleet.ask('GET', '/metrics', { key: null });
    expect(text).toMatch(/^wharf_queue_messages\{priority="normal"\} 4$/m);
    expect(text).toMatch(/^wharf_queue_sessions\{state="waiting"\} 1$/m);
    expect(text).toMatch(/^wharf_queue_delayed_messages 1$/m);
    expect(text).toMatch(/^wharf_messages_accepted_total\{priority="critical"\} 1$/m);
    expect(text).toMatch(/^wharf_messages_accepted_total\{priority="normal"\} 5$/m);
    expect(text).not.toContain('sales');
    const totals = (await fleet.ask('GET', '/api/whatsapp/metrics')).json;
    expect(totals.queues).toMatchObject({ queued: 6, delayed: 1, stuck_sessions: 0, sent: 0 });
    expect(totals.webhooks).toEqual({ receivers: 0, pending: 0, dead_letters: 0 });
  });

  it('say what was sent and what failed', async () => {
    const queue = sides.open({ workspace: '8', session: 'sales' });
    const held = await take(queue);
    const error = { code: 'recipient_not_on_whatsapp', detail: 'Nobody has it.' };
    await queue.finish(held, { ...held.state, status: 'failed', error, ended_at: new Date().toISOString() });
    await sendAll(sides.open({ workspace: '7', session: 'sales' }));
    await eventually(async () => {
      const { totals } = await queues();
      return totals.sent === 3 && totals.failed === 1 && totals.by_state.idle === 2;
    });
  });

  it('are refused with why while their Redis is away, with the metrics telling so', async () => {
    await fleet.redis.kill();
    await eventually(async () => (await fleet.ask('GET', PATH)).status === 503);
    expect((await fleet.ask('GET', PATH)).json.code).toBe('queue_unavailable');
    expect((await handIn('7', 'sales')).status).toBe(503);
    const { text } = await fleet.ask('GET', '/metrics', { key: null });
    expect(text).toMatch(/^wharf_messages_not_accepted_total 1$/m);
    expect(text).toMatch(/^wharf_queue_redis_up 0$/m);
    expect(text).not.toMatch(/^wharf_queue_messages\{/m);
    expect(text).not.toMatch(/^wharf_queue_stuck_sessions /m);
    expect((await fleet.ask('GET', '/api/whatsapp/metrics')).json.queues).toBeNull();
    await fleet.redis.start();
    await eventually(async () => (await fleet.ask('GET', PATH)).status === 200);
  });
});
