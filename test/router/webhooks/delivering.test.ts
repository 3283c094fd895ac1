import { describe, expect, it } from 'vitest';
import { eventually } from '../../helpers/eventually.ts';
import { startDesk, testEvent } from './desk.ts';
import { isSigned, startReceiver } from './receiver.ts';

describe('delivering', { timeout: 60_000 }, () => {
  it('sends each event once, signed, in the order of its session', async () => {
    const desk = await startDesk();
    const receiver = await startReceiver();
    const { secret } = await desk.webhooks.set('7', { url: receiver.url, events: ['*'] });
    const sales = await desk.append('7', 'sales', 120);
    const support = await desk.append('7', 'support', 120);
    await eventually(() => receiver.taken.length === 240);
    const of = (session: string) =>
      receiver.taken.filter(({ event }) => event.session_id === session).map(({ id }) => id);
    expect(of('sales')).toEqual(sales);
    expect(of('support')).toEqual(support);
    const [first] = receiver.taken;
    if (!first) throw new Error('nothing came');
    expect(isSigned(first, secret ?? '')).toBe(true);
    expect(isSigned({ ...first, body: first.body.replace('+', '-') }, secret ?? '')).toBe(false);
    expect(first.event).toMatchObject({ id: first.id, type: 'message.reaction', workspace_id: 7 });
    expect(Object.keys(first.event)).toEqual([
      'id',
      'type',
      'timestamp',
      'workspace_id',
      'session_id',
      'data',
    ]);
    expect(first.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': 'wharf-webhooks',
    });
    await eventually(async () => (await desk.deliveries.pending('7')).events.length === 0);
    expect(desk.counts.kinds).toEqual({ taken: 240, refused: 0, failed: 0 });
  });

  it('sends one event of a session at a time, and ten sessions beside each other', async () => {
    const desk = await startDesk();
    const open = new Map<string, number>();
    let mostOfOne = 0;
    const receiver = await startReceiver(async ({ event }) => {
      const now = (open.get(event.session_id) ?? 0) + 1;
      open.set(event.session_id, now);
      mostOfOne = Math.max(mostOfOne, now);
      await eventually(() => receiver.all.length >= 10);
      open.set(event.session_id, now - 1);
      return 200;
    });
    await desk.webhooks.set('7', { url: receiver.url, events: ['*'] });
    for (let session = 0; session < 25; session += 1) await desk.append('7', `s${session}`, 4);
    await eventually(() => receiver.taken.length === 100);
    expect([receiver.mostOpen, mostOfOne]).toEqual([10, 1]);
  });

  it('sends what happens from the setting on, and nothing from before', async () => {
    const desk = await startDesk();
    const receiver = await startReceiver();
    await desk.append('7', 'sales', 3);
    await desk.webhooks.set('7', { url: receiver.url, events: ['*'] });
    const after = await desk.append('7', 'sales', 2);
    await eventually(() => receiver.taken.length === 2);
    expect(receiver.ids).toEqual(after);
  });

  it('sends the types that are wanted, and nobody waits for the others', async () => {
    const desk = await startDesk();
    const receiver = await startReceiver();
    await desk.webhooks.set('7', { url: receiver.url, events: ['message.revoked'] });
    await desk.append('7', 'sales', 700);
    const wanted = { ...testEvent('7', 'sales', 'wanted', Date.now()), type: 'message.revoked' as const };
    await desk.events.append([wanted]);
    await eventually(() => receiver.taken.length === 1);
    expect(receiver.ids).toEqual([wanted.id]);
    await eventually(async () => (await desk.deliveries.pending('7')).events.length === 0);
  });

  it("sends a workspace's events to its own receiver and to no other's", async () => {
    const desk = await startDesk();
    const [one, two] = [await startReceiver(), await startReceiver()];
    await desk.webhooks.set('1', { url: one.url, events: ['*'] });
    await desk.webhooks.set('two', { url: two.url, events: ['*'] });
    const ids = [await desk.append('1', 'main', 20), await desk.append('two', 'main', 20)];
    await eventually(() => one.taken.length + two.taken.length === 40);
    expect([one.ids, two.ids]).toEqual(ids);
    expect(two.taken[0]?.event.workspace_id).toBe('two');
  });

  it('slows nobody for receivers that hang, however many there are', async () => {
    const desk = await startDesk();
    const hanging = await startReceiver((_, response) => {
      response.on('close', () => {});
      return undefined;
    });
    const well = await startReceiver();
    // More sessions than the half of all requests that may be under way at one time.
    for (let workspace = 0; workspace < 40; workspace += 1) {
      await desk.webhooks.set(`slow-${workspace}`, { url: hanging.url, events: ['*'] });
      for (let session = 0; session < 10; session += 1) await desk.append(`slow-${workspace}`, `s${session}`);
    }
    await eventually(() => hanging.open >= 260);
    await desk.webhooks.set('well', { url: well.url, events: ['*'] });
    for (let session = 0; session < 4; session += 1) await desk.append('well', `s${session}`, 100);
    await eventually(() => well.taken.length === 400);
    expect(hanging.open).toBeGreaterThanOrEqual(260);
    expect(hanging.open).toBeLessThan(400);
    await hanging.close();
  });

  it('keeps nothing of what was delivered where events are not kept beyond that', async () => {
    const desk = await startDesk({ retention: 0 });
    const receiver = await startReceiver();
    await desk.webhooks.set('7', { url: receiver.url, events: ['*'] });
    await desk.append('7', 'sales', 30);
    await eventually(() => receiver.taken.length === 30);
    const left = async () => (await desk.events.after('0', { workspace: '7' }, 100)).events.length;
    await eventually(async () => (await left()) === 0);
  });

  it('stops at once when the webhook is removed, and one set later begins anew', async () => {
    const desk = await startDesk();
    const receiver = await startReceiver();
    await desk.webhooks.set('7', { url: receiver.url, events: ['*'] });
    await desk.append('7', 'sales', 1);
    await eventually(() => receiver.taken.length === 1);
    await desk.webhooks.remove('7');
    await desk.append('7', 'sales', 5);
    await desk.webhooks.set('7', { url: receiver.url, events: ['*'] });
    const [last] = await desk.append('7', 'sales', 1);
    await eventually(() => receiver.taken.length === 2);
    expect(receiver.ids.at(-1)).toBe(last);
    expect(receiver.all).toHaveLength(2);
  });

  it('gives a webhook made anew nothing of what waited for the one before', async () => {
    const desk = await startDesk();
    const [old, next] = [await startReceiver(() => 500), await startReceiver()];
    await desk.webhooks.set('7', { url: old.url, events: ['*'] });
    await desk.append('7', 'sales', 3);
    await eventually(() => old.all.length > 0);
    await desk.webhooks.remove('7');
    await desk.webhooks.set('7', { url: next.url, events: ['*'] });
    const ids = await desk.append('7', 'sales', 2);
    await eventually(() => next.taken.length === 2);
    expect(next.ids).toEqual(ids);
  });

  it('sends the rest to the new address when the setting is changed', async () => {
    const desk = await startDesk();
    const [old, next] = [await startReceiver(() => 500), await startReceiver()];
    await desk.webhooks.set('7', { url: old.url, events: ['*'] });
    const ids = await desk.append('7', 'sales', 10);
    await eventually(() => old.all.length > 0);
    await desk.webhooks.set('7', { url: next.url, events: ['*'] });
    await eventually(() => next.taken.length === 10);
    expect(next.ids).toEqual(ids);
  });

  it('signs with every good secret while they are rotated', async () => {
    const desk = await startDesk();
    const receiver = await startReceiver();
    const before = (await desk.webhooks.set('7', { url: receiver.url, events: ['*'] })).secret ?? '';
    const after = (await desk.webhooks.rotate('7', undefined, 3_600_000)).secret ?? '';
    await desk.append('7', 'sales');
    await eventually(() => receiver.taken.length === 1);
    const [both] = receiver.taken;
    if (!both) throw new Error('nothing came');
    expect([isSigned(both, before), isSigned(both, after)]).toEqual([true, true]);
    const last = (await desk.webhooks.rotate('7', undefined, 0)).secret ?? '';
    await desk.append('7', 'sales');
    await eventually(() => receiver.taken.length === 2);
    const alone = receiver.taken[1];
    if (!alone) throw new Error('nothing came');
    expect([isSigned(alone, before), isSigned(alone, after), isSigned(alone, last)]).toEqual([
      false,
      false,
      true,
    ]);
  });
});
