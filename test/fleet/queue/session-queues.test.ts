import { describe, expect, it } from 'vitest';
import { isWharfError, WharfError } from '../../../common/errors.ts';
import { QUEUED } from '../../../fleet/queue/message-state.ts';
import type { HeldMessage } from '../../../fleet/queue/session-queues.ts';
import { eventually } from '../../helpers/eventually.ts';
import { bodyOf, queueServer, SESSION, sendAll, sendNext, sentState, take, text } from './queue-parts.ts';

const { sides } = queueServer();
const AT = '2026-11-22T10:00:00.000Z';

describe("a session's queue", () => {
  it('hands out one message at a time, the same until it has ended', async () => {
    const { router, open } = await sides();
    const queue = open();
    await router.accept([text('a'), text('b', { priority: 'high' })]);
    const held = await take(queue);
    expect([bodyOf(held), held.begun, held.state]).toEqual(['b', false, QUEUED]);
    await router.accept([text('c', { priority: 'critical' })]);
    expect(bodyOf(await take(queue))).toBe('b');
    expect(await queue.begin(held)).toBe(true);
    expect(held).toMatchObject({ begun: true, state: { status: 'sending', attempts: 1 } });
    expect(await take(queue)).toMatchObject({ begun: true, state: { status: 'sending', attempts: 1 } });
    await queue.finish(held, sentState(held));
    expect(await sendAll(queue)).toEqual(['c', 'a']);
    expect(await queue.next()).toEqual({ kind: 'empty' });
  });

  it('has messages while one waits, is for later or in hand, and none when all have ended', async () => {
    const { router, instance, open } = await sides();
    const queue = open();
    expect(await instance.hasMessages(SESSION)).toBe(false);
    const later = text('later', { send_at: new Date(Date.now() + 3_600_000).toISOString() });
    await router.accept([later]);
    expect(await instance.hasMessages(SESSION)).toBe(true);
    expect(await instance.hasMessages({ ...SESSION, session: 'other' })).toBe(false);
    await router.cancel(later.message_id);
    expect(await instance.hasMessages(SESSION)).toBe(false);
    await router.accept([text('a')]);
    const held = await take(queue);
    await queue.begin(held);
    expect(await instance.hasMessages(SESSION)).toBe(true);
    await queue.finish(held, sentState(held));
    expect(await instance.hasMessages(SESSION)).toBe(false);
  });

  it('puts a message back to the head of its line, and what is more urgent goes first then', async () => {
    const { router, open } = await sides();
    const queue = open();
    await router.accept([text('a'), text('b')]);
    const held = await take(queue);
    await queue.begin(held);
    await router.accept([text('urgent', { priority: 'high' })]);
    await queue.giveBack(held);
    expect(await sendNext(queue)).toBe('urgent');
    const again = await take(queue);
    expect([bodyOf(again), again.begun, again.state.attempts]).toEqual(['a', true, 1]);
    await queue.giveBack(again);
    await router.accept([text('c')]);
    expect(await sendAll(queue)).toEqual(['a', 'b', 'c']);
  });

  it('takes back what was begun and certainly not handed over: it may be cancelled again', async () => {
    const { router, open } = await sides();
    const queue = open();
    const message = text('a');
    await router.accept([message]);
    const held = await take(queue);
    await queue.begin(held);
    await queue.retract(held);
    expect(held.begun).toBe(false);
    expect(await take(queue)).toMatchObject({ begun: false, state: { attempts: 1 } });
    expect(await router.cancel(message.message_id)).toBe('cancelled');
    expect(await queue.begin(held)).toBe(false);
  });

  it('keeps what an ack told meanwhile, and may be told of an end twice', async () => {
    const { router, open } = await sides();
    const queue = open();
    const message = text('a');
    await router.accept([message, text('b')]);
    const held = await take(queue);
    await queue.begin(held);
    const noted = await queue.note(message.message_id, { whatsappId: 'w', ack: 2, at: AT });
    expect(noted).toMatchObject({ status: 'delivered', whatsapp_id: 'w', delivered_at: AT });
    expect(await take(queue)).toMatchObject({ begun: true, state: { status: 'delivered' } });
    expect(await queue.finish(held, sentState(held))).toMatchObject({
      status: 'delivered',
      whatsapp_id: 'w',
    });
    expect(await queue.finish(held, sentState(held))).toMatchObject({
      status: 'delivered',
      whatsapp_id: 'w',
    });
    expect(held.state.status).toBe('delivered');
    expect(await queue.note(message.message_id, { whatsappId: 'w', ack: 1, at: AT })).toBeUndefined();
    expect(await queue.note(message.message_id, { whatsappId: 'w', ack: 3, at: AT })).toMatchObject({
      status: 'read',
    });
    expect(
      await queue.note('msg_0123456789abffffffffffffffffff', { whatsappId: 'w', ack: 3, at: AT }),
    ).toBeUndefined();
    expect((await router.views())[0]).toMatchObject({ sent: 1, failed: 0, depth: 1 });
    expect(bodyOf(await take(queue))).toBe('b');
  });

  it('turns what was unknown or failed to sent when an ack tells, in its state and in the counts', async () => {
    const { router, open } = await sides();
    const queue = open();
    await router.accept([text('a'), text('b'), text('c')]);
    const ended: HeldMessage[] = [];
    for (const status of ['unknown', 'failed', 'unknown'] as const) {
      const held = await take(queue);
      await queue.begin(held);
      await queue.finish(held, {
        ...held.state,
        status,
        error: { code: 'send_unknown', detail: '?' },
        ended_at: AT,
      });
      ended.push(held);
    }
    expect((await router.views())[0]).toMatchObject({ sent: 0, failed: 1, unknown: 2 });
    const ids = ended.map((held) => held.message.message_id);
    expect((await queue.unsettled(24)).sort()).toEqual([ids[0], ids[2]].sort());
    for (const [index, ack] of [1, 3, -1].entries())
      await queue.note(ids[index] ?? '', { whatsappId: `w${index}`, ack, at: AT });
    expect((await router.views())[0]).toMatchObject({ sent: 2, failed: 1, unknown: 0, sent_last_minute: 0 });
    const states = await Promise.all(ids.map(async (id) => (await router.find(id))?.status));
    expect(states).toEqual(['sent', 'read', 'failed']);
    expect(await queue.unsettled(24)).toEqual([ids[0]]);
    expect(await queue.unsettled(-1)).toEqual([]);
  });

  it('gives up a message that it cannot read, and goes on with the next', async () => {
    const told: unknown[] = [];
    const { router, open, redis } = await sides({
      tellGivenUp: async (...given) => {
        // What has nothing left of it is told of too.
        if (given[1] === bad.message_id) expect((await router.find(given[1]))?.status).toBe('queued');
        told.push(given);
        // One that cannot tell ends nothing; it is asked again.
        if (told.length === 1) throw new WharfError('queue_unavailable', 'not now');
      },
    });
    const [bad, empty, good] = [text('bad'), text('empty'), text('good')];
    await router.accept([bad, empty, good]);
    await redis.hset(`wharf:queue:7.sales:${bad.message_id}`, 'message', '{"to":5}');
    await redis.del(`wharf:queue:7.sales:${empty.message_id}`);
    await expect(open().next()).rejects.toThrow('not now');
    expect(await sendAll(open())).toEqual(['good']);
    const given = ({ message_id: id }: typeof bad) => [
      SESSION,
      id,
      'failed',
      { code: 'internal', detail: expect.any(String) },
    ];
    expect(told).toEqual([given(bad), given(bad), given(empty)]);
    expect(await router.find(bad.message_id)).toMatchObject({
      status: 'failed',
      error: { code: 'internal' },
      message: null,
    });
  });
});

describe('owners of a workspace', () => {
  it('take over what an earlier one had in hand, begun or not', async () => {
    const [first, second] = [await sides(), await sides()];
    await first.router.accept([text('a'), text('b')]);
    const held = await take(first.open(SESSION, 4));
    expect(await take(second.open(SESSION, 5))).toMatchObject({ begun: false });
    await second.open(SESSION, 5).begin(held);
    expect(await take(second.open(SESSION, 6))).toMatchObject({
      begun: true,
      message: { message_id: held.message.message_id },
    });
    expect(await sendAll(second.open(SESSION, 6))).toEqual(['a', 'b']);
  });

  it('change nothing any more once a later one came', async () => {
    const { router, open } = await sides();
    await router.accept([text('a'), text('b')]);
    const [old, present] = [open(SESSION, 9), open(SESSION, 10)];
    const held = await take(old);
    expect(bodyOf(await take(present))).toBe('a');
    const tries = [
      () => old.next(),
      () => old.begin(held),
      () => old.retract(held),
      () => old.finish(held, sentState(held)),
      () => old.giveBack(held),
      () => old.note(held.message.message_id, { whatsappId: 'w', ack: 1, at: AT }),
    ];
    for (const attempt of tries) {
      const error = await attempt().then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(isWharfError(error, 'not_owner')).toBe(true);
    }
    expect(await router.find(held.message.message_id)).toMatchObject({ status: 'queued', attempts: 0 });
    expect(await sendAll(present)).toEqual(['a', 'b']);
  });

  it('hear of messages at once, of those that were there before, and from each sweep of those whose ring was lost', async () => {
    const { router, instance, redis, open } = await sides({ sweepEvery: 50 });
    await router.accept([text('before', {}, { workspace: '7', session: 'early' })]);
    const rung: string[] = [];
    const stop = instance.listen('7', (session) => rung.push(session));
    await eventually(() => rung.includes('early'));
    await sendAll(open({ workspace: '7', session: 'early' }));
    const silenced = rung.length;
    await router.accept([text('a'), text('elsewhere', {}, { workspace: '8', session: 'other' })]);
    await eventually(() => rung.slice(silenced).includes('sales'));
    await sendAll(open());
    await eventually(async () => (await redis.exists('wharf:queue:pending:7')) === 0);
    rung.length = 0;
    await router.accept([text('later', { send_at: new Date(Date.now() + 600).toISOString() })]);
    await eventually(() => rung.includes('sales'));
    // The next ring is the sweep's, when the time has come.
    rung.length = 0;
    await eventually(() => rung.includes('sales'));
    expect(await eventually(async () => (await sendAll(open()))[0])).toBe('later');
    stop();
    await router.accept([text('unheard')]);
    rung.length = 0;
    await eventually(async () => (await router.views({ session: 'sales' }))[0]?.depth === 1);
    expect(rung).toEqual([]);
  });
});
