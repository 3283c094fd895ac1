import { describe, expect, it } from 'vitest';
import { NO_LIMITS, type SendLimits } from '../../../fleet/queue/limits.ts';
import { queueKeys } from '../../../fleet/queue/queue-keys.ts';
import type { Next, SessionQueue } from '../../../fleet/queue/session-queues.ts';
import { eventually } from '../../helpers/eventually.ts';
import { queueServer, SESSION, sendAll, sendNext, sentState, take, text } from './queue-parts.ts';

const { sides } = queueServer();
const MINUTE = 60_000;

const limits = (changes: Partial<SendLimits>): SendLimits => ({ ...NO_LIMITS, ...changes });

/** What a queue waits for. */
async function waits(queue: SessionQueue): Promise<Extract<Next, { kind: 'wait' }>> {
  const next = await queue.next();
  if (next.kind !== 'wait') throw new Error(`it does not wait: ${next.kind}`);
  expect(next.milliseconds).toBeGreaterThan(0);
  expect(next.milliseconds).toBeLessThanOrEqual(MINUTE);
  return next;
}

describe('the limits of sending', () => {
  it("hold a session's messages back for at most a window, and say until when", async () => {
    const { router, open } = await sides({ limits: limits({ session: { count: 3, window: MINUTE } }) });
    await router.accept(['a', 'b', 'c', 'd'].map((body) => text(body)));
    expect(await sendAll(open())).toEqual(['a', 'b', 'c']);
    expect(await waits(open())).toMatchObject({ why: 'session_limit' });
    const [view] = await router.views();
    expect(view?.depth).toBe(1);
    expect(Date.parse(view?.limited_until ?? '')).toBeGreaterThan(Date.now() + MINUTE / 2);
    const other = { workspace: '7', session: 'other' };
    await router.accept([text('of another session', {}, other)]);
    expect(await sendAll(open(other))).toEqual(['of another session']);
  });

  it('let go on when the window has passed, exactly as many as left it', async () => {
    const { router, open, redis } = await sides({ limits: limits({ session: { count: 2, window: 600 } }) });
    const messages = ['a', 'b', 'c', 'd', 'e'].map((body) => text(body));
    await router.accept(messages);
    const queue = open();
    for (let sent = 0; sent < 5; ) {
      const next = await queue.next();
      if (next.kind === 'wait') await new Promise((resolve) => setTimeout(resolve, next.milliseconds));
      if (next.kind !== 'message') continue;
      await queue.begin(next.held);
      await queue.finish(next.held, sentState(next.held));
      sent += 1;
    }
    // By the clock of Redis, which is the one that counts.
    const places = await Promise.all(
      messages.map(({ message_id: id }) => redis.hget(queueKeys.queue(SESSION) + id, 'placed')),
    );
    const times = places.map(Number);
    for (let index = 2; index < 5; index++)
      expect((times[index] ?? 0) - (times[index - 2] ?? 0)).toBeGreaterThanOrEqual(600);
  });

  it("are a workspace's by priority: what is less urgent passes what waits for the limit of its own priority alone", async () => {
    const { router, open } = await sides({
      limits: limits({ workspace: { ...NO_LIMITS.workspace, high: { count: 1, window: MINUTE } } }),
    });
    const other = { workspace: '7', session: 'other' };
    await router.accept([
      text('high 1', { priority: 'high' }),
      text('high 2', { priority: 'high' }),
      text('normal'),
    ]);
    await router.accept([text('high of another', { priority: 'high' }, other)]);
    await router.accept([text('high elsewhere', { priority: 'high' }, { workspace: '8', session: 's' })]);
    expect(await sendAll(open())).toEqual(['high 1', 'normal']);
    expect(await waits(open())).toMatchObject({ why: 'workspace_limit' });
    expect(await waits(open(other))).toMatchObject({ why: 'workspace_limit' });
    expect(await sendAll(open({ workspace: '8', session: 's' }))).toEqual(['high elsewhere']);
    await router.accept([text('critical', { priority: 'critical' })]);
    expect(await sendAll(open())).toEqual(['critical']);
  });

  it('stand for the whole fleet, also where two instances send at one time', async () => {
    const all = limits({ global: { count: 10, window: MINUTE } });
    const [one, other] = [await sides({ limits: all }), await sides({ limits: all })];
    const keys = Array.from({ length: 6 }, (_, index) => ({ workspace: String(index), session: 's' }));
    for (const key of keys) await one.router.accept(Array.from({ length: 5 }, () => text('a', {}, key)));
    const sent = await Promise.all(keys.map((key, index) => sendAll((index % 2 ? one : other).open(key))));
    expect(sent.flat()).toHaveLength(10);
    expect(await waits(one.open(keys[0]))).toMatchObject({ why: 'global_limit' });
  });

  it('count a message once, though it is begun again, given back, or taken over', async () => {
    const { router, open } = await sides({ limits: limits({ session: { count: 2, window: MINUTE } }) });
    await router.accept([text('a'), text('b'), text('c')]);
    for (let epoch = 1; epoch < 4; epoch++) {
      const queue = open(SESSION, epoch);
      const held = await take(queue);
      await queue.begin(held);
      await queue.giveBack(held);
      await take(queue);
    }
    const owner = open(SESSION, 9);
    expect(await sendAll(owner)).toEqual(['a', 'b']);
    await waits(owner);
  });

  it('let what has its place already go, though the limit is used up', async () => {
    const { router, open } = await sides({ limits: limits({ session: { count: 1, window: MINUTE } }) });
    await router.accept([text('low', { priority: 'low' })]);
    const queue = open();
    await queue.giveBack(await take(queue));
    await router.accept([text('urgent', { priority: 'critical' })]);
    expect(await sendNext(queue)).toBe('low');
    await waits(queue);
  });

  it('use nothing in Redis where there are none', async () => {
    const { router, open, redis } = await sides();
    await router.accept([text('a')]);
    await sendAll(open());
    expect(await redis.keys(`${queueKeys.sends}*`)).toEqual([]);
  });
});

describe('the limits of sending, when the clock of Redis steps', () => {
  it('hold nobody back for longer than a window after a step back', async () => {
    const { router, open, redis } = await sides({ limits: limits({ session: { count: 2, window: 700 } }) });
    const list = queueKeys.sessionSends(SESSION);
    // Sends of a time when the clock was an hour ahead.
    await redis.rpush(list, Date.now() + 3_590_000, Date.now() + 3_600_000);
    await router.accept([text('a')]);
    const queue = open();
    const next = await queue.next();
    expect(next.kind === 'wait' && next.milliseconds).toBeLessThanOrEqual(700);
    expect(await eventually(async () => (await sendAll(queue))[0])).toBe('a');
  });

  it('let go at once after a step forward, and count on from there', async () => {
    const { router, open, redis } = await sides({
      limits: limits({ session: { count: 2, window: MINUTE } }),
    });
    await redis.rpush(queueKeys.sessionSends(SESSION), Date.now() - 3_600_000, Date.now() - 3_600_000);
    await router.accept(['a', 'b', 'c'].map((body) => text(body)));
    expect(await sendAll(open())).toEqual(['a', 'b']);
    await waits(open());
  });
});
