import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventKeys } from '../../../fleet/events/event-keys.ts';
import { shardOf } from '../../../router/webhooks/shards.ts';
import { DrivenClock } from '../../helpers/driven-clock.ts';
import { eventually } from '../../helpers/eventually.ts';
import { type PrivateRedis, startRedis } from '../../helpers/redis.ts';
import { type Desk, startDesk } from './desk.ts';
import { startReceiver } from './receiver.ts';

/** A Redis that keeps what it confirmed, and a directory, which outlive the routers of a test. */
async function startPlace(): Promise<{ redis: PrivateRedis; path: string }> {
  const redis = await startRedis({ appendonly: true, settings: ['--appendfsync', 'always'] });
  const path = await mkdtemp(join(tmpdir(), 'wharf-webhooks-'));
  onTestFinished(async () => {
    await redis.close();
    await rm(path, { recursive: true, force: true });
  });
  return { redis, path };
}

const pendingOf = async (desk: Desk) => (await desk.deliveries.pending('7')).events.length;

describe('a router that takes over from another', () => {
  it('goes on where that stopped, and counts on the tries', async () => {
    const place = await startPlace();
    const receiver = await startReceiver(() =>
      receiver.all.length > 3 && receiver.all.length < 6 ? 500 : 200,
    );
    const clock = new DrivenClock();
    const first = await startDesk({ ...place, clock });
    await first.webhooks.set('7', { url: receiver.url, events: ['*'] });
    const ids = await first.append('7', 'sales', 8);
    await eventually(async () => (await first.deliveries.pending('7')).tries.size === 1);
    await first.close();
    expect(receiver.taken).toHaveLength(3);
    const second = await startDesk({ ...place, clock });
    const [tries] = (await second.deliveries.pending('7')).tries.values();
    expect(tries).toMatchObject({ count: 1, status: 500, reason: 'it answered 500' });
    await eventually(async () => {
      await clock.pass(1000);
      return receiver.taken.length === 8;
    });
    expect(receiver.ids).toEqual(ids);
    const refused = receiver.all.filter(({ id }) => id === ids[3]);
    expect(refused).toHaveLength(3);
  });

  it('sends what was cut off in its middle again, under the same id and before what follows', async () => {
    const place = await startPlace();
    let hangs = true;
    const receiver = await startReceiver(async () => {
      if (hangs && receiver.all.length === 3) await eventually(() => !hangs);
      return 200;
    });
    const first = await startDesk(place);
    await first.webhooks.set('7', { url: receiver.url, events: ['*'] });
    const ids = await first.append('7', 'sales', 5);
    await eventually(() => receiver.all.length === 3);
    await first.close();
    hangs = false;
    await startDesk(place);
    await eventually(() => receiver.all.length === 6);
    expect(receiver.all.map(({ id }) => id)).toEqual([...ids.slice(0, 3), ...ids.slice(2)]);
  });

  it('keeps the other from reading on', async () => {
    const place = await startPlace();
    const receiver = await startReceiver();
    const desk = await startDesk(place);
    await desk.webhooks.set('7', { url: receiver.url, events: ['*'] });
    const shard = shardOf('7');
    expect(await desk.deliveries.read('7', { router: desk.router, shard }, 10)).toEqual([]);
    await desk.leases.giveUp(desk.router, [shard]);
    expect(await desk.leases.hold('another', 60_000, [shard])).toEqual([shard]);
    expect(await desk.deliveries.read('7', { router: desk.router, shard }, 10)).toBeNull();
    expect(await desk.leases.hold(desk.router, 60_000, [shard])).toEqual([]);
  });
});

describe('Redis', { timeout: 60_000 }, () => {
  it('may go and come back: nothing is lost, and nothing sent twice', async () => {
    const place = await startPlace();
    const receiver = await startReceiver();
    const desk = await startDesk(place);
    await desk.webhooks.set('7', { url: receiver.url, events: ['*'] });
    for (let session = 0; session < 10; session += 1) await desk.append('7', `s${session}`, 60);
    await eventually(() => receiver.taken.length > 100);
    await place.redis.kill();
    // What is under way comes to its end, and cannot be written down yet.
    await eventually(() => receiver.open === 0);
    await place.redis.start();
    await eventually(() => receiver.taken.length >= 600);
    await eventually(async () => (await pendingOf(desk)) === 0);
    expect(new Set(receiver.ids).size).toBe(600);
    expect(receiver.all).toHaveLength(600);
    for (let session = 0; session < 10; session += 1) {
      const numbers = receiver.taken
        .filter(({ event }) => event.session_id === `s${session}`)
        .map(({ event }) => Number(event.data.whatsapp_id.split('-').at(-1)));
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    }
  });

  it('may come back empty: what happens from then on is delivered', async () => {
    const desk = await startDesk();
    const receiver = await startReceiver();
    await desk.webhooks.set('7', { url: receiver.url, events: ['*'] });
    await desk.append('7', 'sales', 2);
    await eventually(() => receiver.taken.length === 2);
    await desk.redis.flushall();
    await desk.holdAll();
    const ids = await desk.append('7', 'sales', 3);
    await eventually(() => receiver.taken.length === 5);
    expect(receiver.ids.slice(2)).toEqual(ids);
  });

  it('may have forgotten an event before its turn: it is counted, and holds up nothing', async () => {
    const desk = await startDesk();
    const receiver = await startReceiver(() => (receiver.all.length === 1 ? 500 : 200));
    await desk.webhooks.set('7', { url: receiver.url, events: ['*'] });
    const [, last] = await desk.append('7', 'sales', 2);
    await eventually(() => receiver.all.length === 1);
    const [first] = (await desk.deliveries.pending('7')).events;
    await desk.redis.xdel(eventKeys.stream('7'), `${first?.position}-0`);
    for (const shard of [shardOf('7')]) desk.courier.regained(shard);
    await eventually(() => receiver.taken.length === 1);
    expect(receiver.ids).toEqual([last]);
    expect(desk.counts.lost).toBe(1);
  });
});
