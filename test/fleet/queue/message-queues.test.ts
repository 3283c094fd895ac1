import { describe, expect, it } from 'vitest';
import type { EndedMessage } from '../../../fleet/queue/message-queues.ts';
import type { MessageView } from '../../../fleet/queue/outgoing.ts';
import { eventually } from '../../helpers/eventually.ts';
import { bodyOf, queueServer, SESSION, sendAll, sendNext, take, text } from './queue-parts.ts';

const { sides } = queueServer();

describe('handing messages in', () => {
  it('sends what is more urgent first, and within a priority in the order handed in', async () => {
    const { router, open } = await sides();
    const accepted = await router.accept([
      text('low 1', { priority: 'low' }),
      text('normal 1'),
      text('critical 1', { priority: 'critical' }),
      text('normal 2'),
    ]);
    expect(accepted).toEqual(Array(4).fill({ kind: 'queued' }));
    await router.accept([text('high 1', { priority: 'high' }), text('critical 2', { priority: 'critical' })]);
    expect(await sendAll(open())).toEqual([
      'critical 1',
      'critical 2',
      'high 1',
      'normal 1',
      'normal 2',
      'low 1',
    ]);
  });

  it('keeps the order of a long array, and of callers that come one after the other without waiting', async () => {
    const { router, open } = await sides();
    const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index));
    const other = { workspace: '7', session: 'other' };
    const singles = numbers(300).map((body) => text(body, {}, other));
    await Promise.all([
      router.accept(numbers(700).map((body) => text(body))),
      ...singles.map((message) => router.accept([message])),
    ]);
    expect(await sendAll(open())).toEqual(numbers(700));
    expect(await sendAll(open(other))).toEqual(numbers(300));
  });

  it('takes a message once, however often it is handed in, through two routers at one time', async () => {
    const [one, other] = [await sides(), await sides()];
    const message = text('once');
    const kinds = (
      await Promise.all([one, other, one, other].map(({ router }) => router.accept([message, message])))
    ).flatMap((acceptances) => acceptances.map(({ kind }) => kind));
    expect(kinds.filter((kind) => kind === 'queued')).toHaveLength(1);
    expect(kinds.filter((kind) => kind === 'known')).toHaveLength(7);
    expect(await sendAll(one.open())).toEqual(['once']);
    expect(await one.router.accept([message])).toEqual([{ kind: 'known' }]);
    expect(await sendAll(one.open())).toEqual([]);
  });

  it('refuses what a full queue has no room for, and says when to come again', async () => {
    const { router, open } = await sides({ maxDepth: 3 });
    const [known, ...others] = [
      text('1'),
      text('2'),
      text('3', { send_at: '2999-01-01T00:00:00.000Z' }),
      text('4'),
    ];
    const acceptances = await router.accept([known, ...others]);
    expect(acceptances.slice(0, 3).map(({ kind }) => kind)).toEqual(['queued', 'queued', 'queued']);
    expect(acceptances[3]).toEqual({ kind: 'full', depth: 3, retryAfter: 60 });
    expect(await router.accept([known])).toEqual([{ kind: 'known' }]);
    expect(await router.accept([text('of another', {}, { workspace: '7', session: 'other' })])).toEqual([
      { kind: 'queued' },
    ]);
    await sendNext(open());
    expect(await router.accept([text('5')])).toEqual([{ kind: 'queued' }]);
  });

  it('sends the one message of a session at once, whatever another session has before it', async () => {
    const { router, open } = await sides();
    const other = { workspace: '7', session: 'quiet' };
    const flood = Array.from({ length: 10_000 }, (_, index) => text(String(index)));
    const accepted = router.accept(flood);
    await eventually(async () => (await router.views({ session: 'sales' }))[0]?.depth);
    await router.accept([text('one', {}, other)]);
    expect(await sendAll(open(other))).toEqual(['one']);
    expect(bodyOf(await take(open()))).toBe('0');
    expect((await accepted).every(({ kind }) => kind === 'queued')).toBe(true);
    const views = await router.views({ workspace: '7' });
    expect(views.map(({ session, depth }) => [session, depth]).sort()).toEqual([
      ['quiet', 0],
      ['sales', 10_000],
    ]);
  });

  it('keeps sessions of one id in two workspaces apart', async () => {
    const { router, open } = await sides();
    const other = { workspace: '8', session: SESSION.session };
    await router.accept([text('seven'), text('eight', {}, other)]);
    expect(await sendAll(open(other))).toEqual(['eight']);
    expect(await sendAll(open())).toEqual(['seven']);
  });

  it('binds an Idempotency-Key to one message and one request', async () => {
    const [one, other] = [await sides(), await sides()];
    const ask = (owner: string, fingerprint: string, messageId: string) => ({
      owner,
      key: 'order 5',
      fingerprint,
      messageId,
    });
    const [first, second] = await Promise.all([
      one.router.reserve([ask('a', 'same', 'msg_1')]),
      other.router.reserve([ask('a', 'same', 'msg_2')]),
    ]);
    const [winner, loser] = first[0]?.kind === 'new' ? [first[0], second[0]] : [second[0], first[0]];
    expect(winner?.kind).toBe('new');
    expect(loser).toEqual({ kind: 'known', messageId: winner?.kind === 'new' ? winner.messageId : '' });
    expect(await one.router.reserve([ask('a', 'other', 'msg_3'), ask('b', 'other', 'msg_4')])).toEqual([
      { kind: 'conflict' },
      { kind: 'new', messageId: 'msg_4' },
    ]);
    const keys = await one.redis.keys('wharf:idempotency:*');
    expect(keys).toHaveLength(2);
    expect(await one.redis.ttl(keys[0] ?? '')).toBeGreaterThan(23 * 3600);
  });

  it('shows a message with its state, and knows no others', async () => {
    const { router, open } = await sides();
    const message = text('hello', { priority: 'high' });
    expect(await router.find(message.message_id)).toBeUndefined();
    await router.accept([message]);
    const { waiter: _, ...shown } = message;
    const expected: Partial<MessageView> = {
      ...shown,
      status: 'queued',
      attempts: 0,
      whatsapp_id: null,
      sent_at: null,
    };
    expect(await router.find(message.message_id)).toMatchObject(expected);
    expect(await router.sessionOf(message.message_id)).toEqual(SESSION);
    await sendNext(open());
    expect(await router.find(message.message_id)).toMatchObject({
      status: 'sent',
      attempts: 1,
      message: shown.message,
    });
    expect(await router.find('msg_0123456789abffffffffffffffffff')).toBeUndefined();
    expect(await router.find('nonsense')).toBeUndefined();
  });

  it('sends what is for later when its time has come, behind what waits already', async () => {
    const { router, open } = await sides();
    const queue = open();
    const soon = new Date(Date.now() + 700).toISOString();
    const far = new Date(Date.now() + 3_600_000).toISOString();
    await router.accept([
      text('later', { send_at: soon }),
      text('much later', { send_at: far }),
      text('now'),
    ]);
    expect(await sendAll(queue)).toEqual(['now']);
    const next = await queue.next();
    expect(next).toMatchObject({ kind: 'wait', why: 'later' });
    expect(next.kind === 'wait' && next.milliseconds).toBeLessThanOrEqual(700);
    expect((await router.views())[0]).toMatchObject({ depth: 2, delayed: 2, oldest_at: null });
    expect(await eventually(async () => (await sendAll(queue))[0])).toBe('later');
    const wait = await queue.next();
    expect(wait.kind === 'wait' && wait.milliseconds > 3_500_000).toBe(true);
  });

  it('tells the router that waits when a message has ended', async () => {
    const { router, open } = await sides();
    const heard: string[] = [];
    const stop = await router.onEnded('router-1', (id) => heard.push(id));
    const messages = [text('a', { waiter: 'router-1' }), text('b'), text('c', { waiter: 'router-2' })];
    await router.accept(messages);
    await router.accept([{ ...(messages[1] ?? text('')), waiter: 'router-1' }]);
    await sendAll(open());
    await eventually(() => heard.length >= 2);
    expect(heard).toEqual([messages[0]?.message_id, messages[1]?.message_id]);
    await stop();
  });
});

describe('cancelling', () => {
  it('ends what waits, is for later, or is in hand but not begun; and says so again', async () => {
    const { router, open } = await sides();
    const [a, b, c] = [text('a'), text('b'), text('c', { send_at: '2999-01-01T00:00:00.000Z' })];
    await router.accept([a, b, c]);
    const held = await take(open());
    for (const { message_id: id } of [a, b, c]) {
      expect(await router.cancel(id)).toBe('cancelled');
      expect(await router.cancel(id)).toBe('cancelled');
      expect(await router.find(id)).toMatchObject({ status: 'failed', error: { code: 'cancelled' } });
    }
    expect(await open().begin(held)).toBe(false);
    expect(await open().next()).toEqual({ kind: 'empty' });
  });

  it('does not end what may have left, or has ended', async () => {
    const { router, open } = await sides();
    const message = text('a');
    await router.accept([message]);
    const held = await take(open());
    expect(await open().begin(held)).toBe(true);
    expect(await router.cancel(message.message_id)).toBe('under_way');
    await open().giveBack(held);
    expect(await router.cancel(message.message_id)).toBe('under_way');
    await sendAll(open());
    expect(await router.cancel(message.message_id)).toBe('ended');
    expect(await router.cancel('msg_0123456789abffffffffffffffffff')).toBe('not_found');
  });

  it('lets exactly one win where a message is begun and cancelled at one time', async () => {
    const { router, open } = await sides();
    const queue = open();
    for (let round = 0; round < 50; round++) {
      const message = text('a');
      await router.accept([message]);
      const held = await take(queue);
      const asked = [queue.begin(held), router.cancel(message.message_id)] as const;
      const [begun, cancelled] = await Promise.all(round % 2 === 0 ? asked : [asked[0], asked[1]]);
      expect(begun).toBe(cancelled !== 'cancelled');
      if (begun) await queue.giveBack(held);
      if (begun) await sendAll(queue);
    }
  });

  it('ends all messages of a session that is deleted; what may have left is unknown', async () => {
    const { router, open, redis } = await sides();
    const messages = Array.from({ length: 450 }, (_, index) =>
      text(String(index), index % 3 === 0 ? { send_at: '2999-01-01T00:00:00.000Z' } : {}),
    );
    await router.accept(messages);
    const held = await take(open());
    await open().begin(held);
    const told: EndedMessage[] = [];
    const tell = async (ended: EndedMessage[]) => void told.push(...ended);
    expect(await router.endAll(SESSION, 'session_deleted', 'The session was deleted.', tell)).toBe(450);
    // Nobody would come for it again to take the mark away, and every look would find it.
    expect(await redis.smembers('wharf:queue:pending:7')).toEqual([]);
    expect(new Set(told.map(({ message }) => message)).size).toBe(450);
    expect(told.filter(({ status }) => status === 'unknown')).toEqual([
      { message: held.message.message_id, to: held.message.message.to, status: 'unknown' },
    ]);
    expect(await open().next()).toEqual({ kind: 'empty' });
    expect(await router.find(held.message.message_id)).toMatchObject({
      status: 'unknown',
      error: { code: 'session_deleted' },
    });
    for (const { message_id: id } of messages
      .filter((message) => message.message_id !== held.message.message_id)
      .slice(0, 20))
      expect(await router.find(id)).toMatchObject({ status: 'failed', error: { code: 'session_deleted' } });
    // The page had it after all.
    await open().finish(held, { ...held.state, status: 'sent', sent_at: new Date().toISOString() });
    expect(await router.find(held.message.message_id)).toMatchObject({ status: 'sent', error: null });
    expect(await router.views()).toEqual([]);
    expect(await redis.hmget('wharf:queue:7.sales:stats', 'sent', 'failed', 'unknown')).toEqual([
      '1',
      '449',
      '0',
    ]);
  });

  it('ends messages of a deleted session only when they were told of, and says again what is begun meanwhile', async () => {
    const { router, open } = await sides();
    const messages = Array.from({ length: 250 }, (_, index) => text(String(index)));
    await router.accept(messages);
    const [first, second] = messages as [(typeof messages)[0], (typeof messages)[0]];
    const stops = async () => Promise.reject(new Error('the router died'));
    await expect(router.endAll(SESSION, 'session_deleted', 'It was deleted.', stops)).rejects.toThrow('died');
    expect((await router.find(first.message_id))?.status).toBe('queued');
    await router.accept([text('late')]);
    const told: string[] = [];
    const tell = async (ended: EndedMessage[]) => {
      if (told.length === 0) {
        expect((await router.find(first.message_id))?.status).toBe('queued');
        const held = await take(open());
        await open().begin(held);
        await router.cancel(second.message_id);
      }
      told.push(...ended.map(({ message, status }) => `${message} ${status}`));
    };
    expect(await router.endAll(SESSION, 'session_deleted', 'It was deleted.', tell)).toBe(250);
    expect(new Set(told).size).toBe(252);
    expect(told.filter((one) => one.startsWith(first.message_id))).toEqual([
      `${first.message_id} failed`,
      `${first.message_id} unknown`,
    ]);
    expect((await router.find(first.message_id))?.status).toBe('unknown');
    expect((await router.find(second.message_id))?.error?.code).toBe('cancelled');
    expect(await open().next()).toEqual({ kind: 'empty' });
  });

  it('ends also what lies there that it cannot understand', async () => {
    const { router, redis } = await sides();
    const bodies = ['{"to":5}', '{"to', '7', undefined];
    const messages = bodies.map(() => text('a'));
    await router.accept(messages);
    for (const [index, body] of bodies.entries()) {
      const job = `wharf:queue:7.sales:${messages[index]?.message_id}`;
      if (body === undefined) await redis.hdel(job, 'message');
      else await redis.hset(job, 'message', body);
    }
    const told: EndedMessage[] = [];
    const tell = async (ended: EndedMessage[]) => void told.push(...ended);
    expect(await router.endAll(SESSION, 'session_deleted', 'It was deleted.', tell)).toBe(4);
    expect(told).toEqual(
      messages.map(({ message_id: message }) => ({ message, to: null, status: 'failed' })),
    );
  });
});
