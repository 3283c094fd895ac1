import { describe, expect, it } from 'vitest';
import { WharfError } from '../../../common/errors.ts';
import { whatsappKeyOf } from '../../../fleet/queue/message-ids.ts';
import { SendSlots } from '../../../instance/outbox/send-slots.ts';
import { eventually } from '../../helpers/eventually.ts';
import { fastClock } from './fast-clock.ts';
import { acknowledging, queueHost, whatsappIdOf } from './outbox-host.ts';

describe('the Redis of the queues', () => {
  it('may be away while messages are sent: what became of them is written down when it is back', async () => {
    const host = await queueHost({ appendonly: true, settings: ['--appendfsync', 'always'] });
    const router = await host.router();
    let acknowledge = () => {};
    const handed: string[] = [];
    const instance = await host.instance({
      send: async (message, client, key) => {
        handed.push(key);
        const whatsappId = `true_${message.to}_${key}`;
        acknowledge = () => client.events.happened({ kind: 'ack', whatsappId, ack: 1 });
        if (handed.length > 1) setImmediate(acknowledge);
        return whatsappId;
      },
    });
    await instance.run();
    const [first, second] = [await router.text('first'), await router.text('second')];
    await eventually(() => handed.length === 1);
    await host.redis.kill();
    acknowledge();
    await eventually(() => instance.lines.some(({ msg }) => /waits for Redis/.test(String(msg))));
    await host.redis.start();
    const ended = async (id: string) => {
      await eventually(async () => {
        const status = await router.status(id).catch(() => undefined);
        return status === 'sent';
      });
    };
    await ended(first);
    await ended(second);
    expect(handed).toEqual([first, second].map(whatsappKeyOf));
    expect(await router.told(first)).toEqual(['sent']);
  });

  it('may be away when the instance starts', async () => {
    const host = await queueHost({ appendonly: true });
    await host.redis.kill();
    const instance = await host.instance(acknowledging());
    await instance.run();
    await host.redis.start();
    const router = await host.router();
    const id = await eventually(() => router.text('at last').catch(() => undefined));
    expect(await router.ended(id)).toMatchObject({ status: 'sent' });
  });
});

describe('sessions of one instance', () => {
  it('take turns where few may send at one time, and a slow one holds up nobody for long', async () => {
    const host = await queueHost();
    const router = await host.router();
    let slowAsked = 0;
    const acknowledge = acknowledging().send;
    const clock = fastClock(20);
    const instance = await host.instance(
      {
        send: async (message, client, key) => {
          if (client.options.session.startsWith('slow')) {
            slowAsked += 1;
            await new Promise(() => {});
          }
          return (await acknowledge?.(message, client, key)) ?? '';
        },
      },
      { clock, slots: new SendSlots(2, clock) },
    );
    for (const session of ['slow-1', 'slow-2', 'quick']) await instance.run({ workspace: '7', session });
    await router.text('never', { session_id: 'slow-1' });
    await router.text('never', { session_id: 'slow-2' });
    await eventually(() => slowAsked === 2);
    const ids: string[] = [];
    for (let index = 0; index < 5; index += 1) ids.push(await router.text('x', { session_id: 'quick' }));
    for (const id of ids) expect(await router.ended(id)).toMatchObject({ status: 'sent' });
  });
});

describe('a session that is logged out in the midst of its queue', () => {
  it('keeps its messages for the next link, and says of what was under way that nobody knows', async () => {
    const host = await queueHost();
    const router = await host.router();
    const handed: string[] = [];
    const acknowledge = acknowledging().send;
    const instance = await host.instance({
      send: async (message, client, key) => {
        handed.push(key);
        if (handed.length > 1) return (await acknowledge?.(message, client, key)) ?? '';
        return `true_${message.to}_${key}`;
      },
    });
    const session = await instance.run();
    const [first, second] = [await router.text('first'), await router.text('second')];
    await eventually(() => handed.length === 1);
    await session.logout();
    expect(session.status).toBe('logged_out');
    await eventually(() => instance.status.underWay === 0);
    expect(await router.status(first)).toBe('sending');
    expect(await router.status(second)).toBe('queued');
    await session.start();
    await eventually(() => instance.clients.made.length === 2);
    instance.clients.last.becomeReady();
    // The new link has a history of its own, which knows nothing of what the old one sent.
    expect(await router.ended(first)).toMatchObject({ status: 'unknown' });
    expect(await router.ended(second)).toMatchObject({ status: 'sent' });
    expect(handed).toEqual([first, second].map(whatsappKeyOf));
  });
});

describe('a session that is handed over', () => {
  it('finishes what is in hand and begins nothing more', async () => {
    const host = await queueHost();
    const router = await host.router();
    let acknowledge = () => {};
    const handed: string[] = [];
    const instance = await host.instance({
      send: async (message, client, key) => {
        handed.push(key);
        const whatsappId = `true_${message.to}_${key}`;
        acknowledge = () => client.events.happened({ kind: 'ack', whatsappId, ack: 1 });
        return whatsappId;
      },
    });
    const session = await instance.run();
    const [first, second] = [await router.text('first'), await router.text('second')];
    await eventually(() => handed.length === 1);
    let settled = false;
    const settling = session.settle().then(() => {
      settled = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(settled).toBe(false);
    acknowledge();
    await settling;
    expect(await router.status(first)).toBe('sent');
    expect(await router.status(second)).toBe('queued');
    expect(handed).toEqual([whatsappKeyOf(first)]);
    await session.close();
    const next = await host.instance(acknowledging());
    await next.run({ workspace: '7', session: 'main', epoch: 2 });
    expect(await router.ended(second)).toMatchObject({ status: 'sent' });
  });

  it("stops at once when it has left, and what was in hand is the next owner's", async () => {
    const host = await queueHost();
    const router = await host.router();
    const handed: string[] = [];
    const instance = await host.instance({
      send: async (message, _client, key) => {
        handed.push(key);
        return `true_${message.to}_${key}`;
      },
    });
    const session = await instance.run();
    const id = await router.text('first');
    await eventually(() => handed.length === 1);
    await session.close();
    expect(await router.status(id)).toBe('sending');
    await eventually(() => instance.status.underWay === 0);
    const next = await host.instance({
      fate: async ({ key, to }) => ({ kind: 'present', whatsappId: `true_${to}_${key}`, ack: 1 }),
    });
    await next.run({ workspace: '7', session: 'main', epoch: 2 });
    expect(await router.ended(id)).toMatchObject({ status: 'sent', attempts: 1 });
  });

  it('is told of by its owner alone: one that was paused tells of no failure', async () => {
    const host = await queueHost();
    const router = await host.router();
    let goOn = () => {};
    const handed = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    let isHanded = false;
    const paused = await host.instance({
      send: async () => {
        isHanded = true;
        await handed;
        throw new WharfError('media_refused', 'not this one');
      },
    });
    await paused.run();
    const id = await router.text('hello');
    await eventually(() => isHanded);
    const next = await host.instance({
      fate: async ({ key, to }) => ({ kind: 'present', whatsappId: `true_${to}_${key}`, ack: 1 }),
    });
    await next.run({ workspace: '7', session: 'main', epoch: 2 });
    expect(await router.ended(id)).toMatchObject({ status: 'sent' });
    goOn();
    await eventually(() => paused.lines.some(({ msg }) => msg === 'the queue cannot be served'));
    expect(await router.told(id)).toEqual(['sent']);
    expect(await router.status(id)).toBe('sent');
  });

  it('is served by nobody here any more, though its state still changes', async () => {
    const host = await queueHost();
    let opened = 0;
    const instance = await host.instance(acknowledging(), {
      queues: (queues) => ({
        open: (key, epoch) => {
          opened += 1;
          return queues.open(key, epoch);
        },
        listen: (workspace, ring) => queues.listen(workspace, ring),
        hasMessages: (session) => queues.hasMessages(session),
        close: () => queues.close(),
      }),
    });
    const session = await instance.run();
    const served = opened;
    await session.close();
    expect(session.status).toBe('stopped');
    const whatsappId = whatsappIdOf(await (await host.router()).text('late'));
    instance.outbox.happened(session, { kind: 'ack', whatsappId, ack: 1 });
    expect(opened).toBe(served);
  });
});
