import { type Job, Queue } from 'bullmq';
import { afterEach, describe, expect, it } from 'vitest';
import { parseRedisUrl } from '../../../common/redis.ts';
import { queueServer, sentState, take, text } from './queue-parts.ts';

const { sides, url } = queueServer();

/** BullMQ's own view of the session's queue: our steps must leave what its own would. */
describe("a session's queue, read by BullMQ", () => {
  let bullmq: Queue | undefined;
  afterEach(async () => {
    await bullmq?.close();
  });
  const open = async () => {
    const { host = '', port = 0 } = parseRedisUrl(url()).options;
    bullmq = new Queue('7.sales', { prefix: 'wharf:queue', connection: { host, port } });
    await bullmq.waitUntilReady();
    return bullmq;
  };
  const states = async (queue: Queue, ids: string[]) =>
    await Promise.all(ids.map((id) => queue.getJobState(id)));

  it('shows each message as a job in the state it should be in, from one end to the other', async () => {
    const { router, open: openSession } = await sides();
    const queue = await open();
    const session = openSession();
    const [first, second, later] = [
      text('a', { priority: 'high' }),
      text('b', { priority: 'low' }),
      text('c', { send_at: '2999-01-01T00:00:00.000Z' }),
    ];
    const ids = [first, second, later].map(({ message_id: id }) => id);
    await router.accept([first, second, later]);
    expect(await states(queue, ids)).toEqual(['prioritized', 'prioritized', 'delayed']);
    expect(await queue.getCountsPerPriority([1, 2, 3, 4])).toEqual({ 1: 0, 2: 1, 3: 0, 4: 1 });

    const held = await take(session);
    expect(await states(queue, ids)).toEqual(['active', 'prioritized', 'delayed']);
    await session.giveBack(held);
    expect(await states(queue, ids)).toEqual(['prioritized', 'prioritized', 'delayed']);
    const again = await take(session);
    await session.begin(again);
    await session.finish(again, sentState(again));
    expect(await states(queue, ids)).toEqual(['completed', 'prioritized', 'delayed']);
    const refused = await take(session);
    await session.begin(refused);
    const error = { code: 'recipient_not_on_whatsapp', detail: 'There is none.' };
    await session.finish(refused, {
      ...refused.state,
      status: 'failed',
      error,
      ended_at: new Date().toISOString(),
    });
    expect(await router.cancel(later.message_id)).toBe('cancelled');
    expect(await states(queue, ids)).toEqual(['completed', 'failed', 'failed']);

    const job: Job | undefined = await queue.getJob(second.message_id);
    expect(job).toMatchObject({
      name: 'message',
      failedReason: 'recipient_not_on_whatsapp',
      opts: { priority: 4 },
    });
    expect(job?.data).toMatchObject({ message_id: second.message_id, priority: 'low' });
    expect(job?.progress).toMatchObject({ status: 'failed', attempts: 1 });
    expect(job?.finishedOn).toBeGreaterThan(job?.timestamp ?? 0);
    expect(await queue.getJobCounts()).toMatchObject({
      active: 0,
      completed: 1,
      failed: 2,
      delayed: 0,
      prioritized: 0,
    });
  });

  it('shows a message that was given up as failed, and as completed when an ack tells that it was sent', async () => {
    const { router, open: openSession } = await sides();
    const queue = await open();
    const session = openSession();
    const message = text('a');
    await router.accept([message]);
    const held = await take(session);
    await session.begin(held);
    const error = { code: 'send_unknown', detail: 'It may have left.' };
    await session.finish(held, {
      ...held.state,
      status: 'unknown',
      error,
      ended_at: new Date().toISOString(),
    });
    expect(await queue.getJobCounts('completed', 'failed')).toEqual({ completed: 0, failed: 1 });
    await session.note(message.message_id, { whatsappId: 'w', ack: 1, at: new Date().toISOString() });
    expect(await queue.getJobCounts('completed', 'failed')).toEqual({ completed: 1, failed: 0 });
    expect((await queue.getJob(message.message_id))?.failedReason).toBeUndefined();
  });

  it('sends what BullMQ itself promoted or put back', async () => {
    const { router, open: openSession } = await sides();
    const queue = await open();
    const later = text('for later', { send_at: '2999-01-01T00:00:00.000Z' });
    await router.accept([later]);
    await (await queue.getJob(later.message_id))?.promote();
    expect((await take(openSession())).message.message_id).toBe(later.message_id);
  });

  it('keeps no streams of events, and no key that a queue without messages would not need', async () => {
    const { router, open: openSession, redis } = await sides();
    await router.accept([text('a')]);
    const session = openSession();
    const held = await take(session);
    await session.begin(held);
    await session.finish(held, sentState(held));
    const id = held.message.message_id;
    const queue = 'wharf:queue:7.sales:';
    expect((await redis.keys('*')).sort()).toEqual(
      [
        'wharf:queue:epochs',
        'wharf:queue:pending:7',
        'wharf:queue:sessions',
        ...[id, 'completed', 'pc', 'stats', 'unsettled'].map((key) => queue + key),
      ].sort(),
    );
    expect(await session.next()).toEqual({ kind: 'empty' });
    expect(await redis.exists('wharf:queue:pending:7')).toBe(0);
  });
});
