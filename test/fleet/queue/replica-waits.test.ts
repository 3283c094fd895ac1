import { afterEach, describe, expect, it } from 'vitest';
import { ReplicaWaits } from '../../../fleet/queue/replica-waits.ts';
import { eventually } from '../../helpers/eventually.ts';
import { startRedis } from '../../helpers/redis.ts';
import { connectSides, take, text } from './queue-parts.ts';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
});

async function aReplicatedRedis() {
  const master = await startRedis({ appendonly: true, settings: ['--repl-diskless-sync-delay', '0'] });
  opened.push(master);
  const replica = await startRedis({ settings: ['--replicaof', '127.0.0.1', String(master.port)] });
  opened.push(replica);
  const sides = await connectSides(master.url);
  opened.push(sides);
  await eventually(
    async () => (await sides.redis.set('wharf:test', '1')) && (await sides.redis.wait(1, 500)) > 0,
  );
  return { replica, ...sides };
}

describe('a replica that hangs', () => {
  it('holds up nobody until he gives up, however many write at one time', async () => {
    const { instance, open, replica, router } = await aReplicatedRedis();
    const keys = Array.from({ length: 60 }, (_, index) => ({ workspace: '7', session: `s${index}` }));
    await router.accept(keys.map((key) => text('hello', {}, key)));
    const queues = keys.map((key) => open(key));
    const held = await Promise.all(queues.map((queue) => take(queue)));
    replica.pause();
    const begun = await Promise.all(
      held.map((one, index) => queues[index]?.begin(one).catch((error: unknown) => error)),
    );
    replica.resume();
    expect(new Set(begun)).toEqual(new Set([true]));
    expect(instance.unreplicated).toBe(60);
  });
});

describe('a connection that was lost after a write', () => {
  it('confirms nothing of it: the next one knows only of its own writes', async () => {
    const { redis } = await aReplicatedRedis();
    const waits = ReplicaWaits.of(redis);
    const before = waits.losses;
    await redis.set('wharf:test', '1');
    expect(await waits.wait(before)).toBe(1);
    redis.disconnect(true);
    await eventually(() => waits.losses > before && redis.status === 'ready');
    await expect(waits.wait(before)).rejects.toThrow('lost');
    expect(await waits.wait(waits.losses)).toBe(1);
  });
});
