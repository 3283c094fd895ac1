import { describe, expect, it } from 'vitest';
import { QueueCleaner } from '../../../fleet/queue/queue-cleaner.ts';
import { queueKeys } from '../../../fleet/queue/queue-keys.ts';
import { eventually } from '../../helpers/eventually.ts';
import { queueServer, SESSION, type Sides, sendAll, sentState, silent, take, text } from './queue-parts.ts';

const { sides } = queueServer();
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const queue = queueKeys.queue(SESSION);

/** A message that was sent so long ago. */
async function sentAgo({ router, open, redis }: Sides, age: number): Promise<string> {
  const message = text('a');
  await router.accept([message]);
  const held = await take(open());
  await open().begin(held);
  await open().finish(held, sentState(held));
  await redis.zadd(`${queue}completed`, String(Date.now() - age), message.message_id);
  return message.message_id;
}

const cleaner = ({ redis }: Sides, retention: number) => new QueueCleaner(redis, { retention }, silent);

describe('what is past its time', () => {
  it('is removed whole after the retention, and what waits is not touched', async () => {
    const parts = await sides();
    const old = await sentAgo(parts, 8 * DAY);
    const young = await sentAgo(parts, 6 * DAY);
    const [waiting, failed] = [text('waits'), text('failed long ago')];
    await parts.router.accept([waiting, failed]);
    await parts.router.cancel(failed.message_id);
    await parts.redis.zadd(`${queue}failed`, String(Date.now() - 8 * DAY), failed.message_id);
    expect(await cleaner(parts, 7 * DAY).clean()).toEqual({ messages: 2, bodies: 0 });
    expect(await parts.router.find(old)).toBeUndefined();
    expect(await parts.router.find(failed.message_id)).toBeUndefined();
    expect(await parts.router.find(young)).toMatchObject({ status: 'sent', message: { text: 'a' } });
    expect(await parts.redis.zrange(`${queue}unsettled`, '0', '-1')).toEqual([young]);
    expect(await sendAll(parts.open())).toEqual(['waits']);
  });

  it('loses its body after a shorter retention, and stays known for a day: an Idempotency-Key stands for it', async () => {
    const parts = await sides();
    const [old, middle, young] = [
      await sentAgo(parts, 25 * HOUR),
      await sentAgo(parts, 3 * HOUR),
      await sentAgo(parts, HOUR),
    ];
    const once = cleaner(parts, 2 * HOUR);
    expect(await once.clean()).toEqual({ messages: 1, bodies: 1 });
    expect(await once.clean()).toEqual({ messages: 0, bodies: 0 });
    expect(await parts.router.find(old)).toBeUndefined();
    expect(await parts.router.find(middle)).toMatchObject({ status: 'sent', message: null });
    expect(await parts.router.find(young)).toMatchObject({ message: { text: 'a' } });
    expect(await parts.router.accept([{ ...text('again'), message_id: middle }])).toEqual([
      { kind: 'known' },
    ]);
  });

  it('is cleaned a stretch at a time, however much there is', async () => {
    const parts = await sides();
    const many = Array.from({ length: 600 }, (_, index) => text(String(index)));
    await parts.router.accept(many);
    await parts.router.endAll(SESSION, 'session_deleted', 'It was deleted.', async () => {});
    const ended = await parts.redis.zrange(`${queue}failed`, '0', '-1');
    await parts.redis.zadd(`${queue}failed`, ...ended.flatMap((id) => [String(Date.now() - 8 * DAY), id]));
    expect(await cleaner(parts, 7 * DAY).clean()).toEqual({ messages: 600, bodies: 0 });
  });

  it('leaves nothing of a session that was deleted, and keeps the queue of one that came back', async () => {
    const parts = await sides();
    const other = { workspace: '8', session: 'other' };
    await parts.router.accept([text('a'), text('b', {}, other)]);
    for (const key of [SESSION, other])
      await parts.router.endAll(key, 'session_deleted', 'It was deleted.', async () => {});
    expect(await parts.router.views()).toEqual([]);
    await parts.router.accept([text('again', {}, other)]);
    for (const key of [SESSION, other]) {
      const [id = ''] = await parts.redis.zrange(`${queueKeys.queue(key)}failed`, '0', '-1');
      await parts.redis.zadd(`${queueKeys.queue(key)}failed`, String(Date.now() - 8 * DAY), id);
    }
    await cleaner(parts, 7 * DAY).clean();
    expect(await parts.redis.keys(`${queue}*`)).toEqual([]);
    expect((await parts.router.views()).map(({ workspace, depth }) => [workspace, depth])).toEqual([
      ['8', 1],
    ]);
  });

  it('is removed with its body at its end where none are kept; a cancelled one as well', async () => {
    const parts = await sides({ keepsBodies: false });
    const [sent, cancelled] = [text('secret 1'), text('secret 2')];
    await parts.router.accept([sent, cancelled]);
    await parts.router.cancel(cancelled.message_id);
    await sendAll(parts.open());
    for (const { message_id: id } of [sent, cancelled]) {
      expect((await parts.router.find(id))?.message).toBeNull();
      expect(JSON.stringify(await parts.redis.hgetall(queue + id))).not.toContain('secret');
    }
  });

  it('is looked for by one router at a time, again and again', async () => {
    const parts = await sides();
    const old = await sentAgo(parts, 8 * DAY);
    const two = [1, 2].map(() => new QueueCleaner(parts.redis, { retention: 7 * DAY, every: 100 }, silent));
    try {
      for (const each of two) each.start();
      await eventually(async () => (await parts.router.find(old)) === undefined);
      const later = await sentAgo(parts, 8 * DAY);
      await eventually(async () => (await parts.router.find(later)) === undefined);
    } finally {
      for (const each of two) each.close();
    }
  });
});
