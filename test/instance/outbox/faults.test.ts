import { describe, expect, it } from 'vitest';
import { WharfError } from '../../../common/errors.ts';
import { whatsappKeyOf } from '../../../fleet/queue/message-ids.ts';
import { eventually } from '../../helpers/eventually.ts';
import type { FakeClient } from '../helpers/fake-clients.ts';
import { fastClock } from './fast-clock.ts';
import { acknowledging, queueHost, whatsappIdOf } from './outbox-host.ts';

/** A script that does something to some tries of some texts, and sends all else. */
function troubled(trouble: (text: string, times: number, client: FakeClient) => Promise<void>) {
  const times = new Map<string, number>();
  const sent: string[] = [];
  const acknowledge = acknowledging().send;
  return {
    sent,
    script: {
      send: async (...[message, client, key]: Parameters<NonNullable<typeof acknowledge>>) => {
        const text = 'text' in message ? message.text : '';
        times.set(text, (times.get(text) ?? 0) + 1);
        await trouble(text, times.get(text) ?? 0, client);
        sent.push(text);
        return (await acknowledge?.(message, client, key)) ?? '';
      },
    },
  };
}

describe('a try that fails', () => {
  it('is followed by others in its place, so that the order stays', async () => {
    const host = await queueHost();
    const router = await host.router();
    const { sent, script } = troubled(async (text, times) => {
      if (text === 'second' && times < 3) throw new WharfError('send_failed', 'not now');
    });
    const instance = await host.instance(script, { clock: fastClock(20) });
    await instance.run();
    const ids = [];
    for (const text of ['first', 'second', 'third']) ids.push(await router.text(text));
    for (const id of ids) expect(await router.ended(id)).toMatchObject({ status: 'sent' });
    expect(sent).toEqual(['first', 'second', 'third']);
    expect(instance.status.retries).toBe(2);
  });

  it('is the last after as many as are allowed; then it has failed, and the next goes', async () => {
    const host = await queueHost();
    const router = await host.router();
    const { sent, script } = troubled(async (text) => {
      if (text === 'first') throw new WharfError('send_failed', 'never');
    });
    const instance = await host.instance(script, { clock: fastClock(20) });
    await instance.run();
    const [first, second] = [await router.text('first'), await router.text('second')];
    expect(await router.ended(first)).toMatchObject({
      status: 'failed',
      error: { code: 'send_failed', detail: 'never' },
    });
    expect(await router.ended(second)).toMatchObject({ status: 'sent' });
    expect(sent).toEqual(['second']);
    expect(await router.told(first)).toEqual(['failed']);
  });

  it('was none where an ack tells that the message left, whatever the page said', async () => {
    const host = await queueHost();
    const router = await host.router();
    const { sent, script } = troubled(async (text, _times, client) => {
      sent.push(text);
      client.events.happened({ kind: 'ack', whatsappId: whatsappIdOf(ids.get(text) ?? ''), ack: 1 });
      throw new WharfError(text === 'permanent' ? 'media_refused' : 'send_failed', 'it did not leave');
    });
    const ids = new Map<string, string>();
    for (const text of ['temporary', 'permanent']) ids.set(text, await router.text(text));
    const instance = await host.instance(script, { clock: fastClock(20) });
    await instance.run();
    for (const id of ids.values()) {
      expect(await router.ended(id)).toMatchObject({ status: 'sent', whatsapp_id: whatsappIdOf(id) });
      expect(await router.told(id)).toEqual(['sent']);
    }
    expect(sent).toEqual(['temporary', 'permanent']);
  });

  it('costs the message nothing where the session could not send, however often', async () => {
    const host = await queueHost();
    const router = await host.router();
    const { sent, script } = troubled(async (_text, times) => {
      if (times < 10) throw new WharfError('ownership_unproved', 'after a pause');
    });
    const instance = await host.instance(script, { clock: fastClock(50) });
    await instance.run();
    const id = await router.text('patient');
    expect(await router.ended(id)).toMatchObject({ status: 'sent' });
    expect(sent).toEqual(['patient']);
  });

  it('costs the message nothing either where WhatsApp cannot be reached', async () => {
    const host = await queueHost();
    const router = await host.router();
    let connected = false;
    const { sent, script } = troubled(async (_text, times) => {
      connected = times > 8;
      if (!connected) throw new WharfError('send_failed', 'the page says: no connection');
    });
    const instance = await host.instance(
      { ...script, connected: () => connected },
      { clock: fastClock(50), config: { attempts: 2 } },
    );
    await instance.run();
    expect(await router.ended(await router.text('patient'))).toMatchObject({ status: 'sent' });
    expect(sent).toEqual(['patient']);
  });

  it('that hangs by its message alone is one of as many as are allowed; where the page answers nothing it is none', async () => {
    const host = await queueHost();
    const router = await host.router();
    let answers = false;
    const { sent, script } = troubled(async (text, times) => {
      answers ||= times > 6;
      if (text === 'hangs') throw new WharfError('timeout', 'no answer in 60 s');
    });
    const instance = await host.instance(
      {
        ...script,
        connected: () => {
          if (!answers) throw new WharfError('timeout', 'no answer');
          return true;
        },
      },
      { clock: fastClock(50) },
    );
    await instance.run();
    const [first, second] = [await router.text('hangs'), await router.text('goes')];
    expect(await router.ended(first)).toMatchObject({ status: 'failed', error: { code: 'timeout' } });
    expect(await router.ended(second)).toMatchObject({ status: 'sent' });
    expect(sent).toEqual(['goes']);
    expect(instance.lines.filter(({ msg }) => msg === 'a message could not be sent')).toHaveLength(9);
  });

  it('ends the message where what it needs is away for longer than it may wait', async () => {
    const host = await queueHost();
    const router = await host.router();
    const { script } = troubled(async () => {
      throw new WharfError('storage_unavailable', 'the disk is gone');
    });
    const instance = await host.instance(script, { clock: fastClock(50), config: { maxWait: 5000 } });
    await instance.run();
    expect(await router.ended(await router.text('too late'))).toMatchObject({
      status: 'failed',
      error: { code: 'storage_unavailable' },
    });
  });

  it('lets a more urgent message go first while the session cannot send', async () => {
    const host = await queueHost();
    const router = await host.router();
    let ready = false;
    const { sent, script } = troubled(async () => {
      if (!ready) throw new WharfError('session_not_ready', 'not yet');
    });
    const instance = await host.instance(script, { clock: fastClock(20) });
    await instance.run();
    const normal = await router.text('normal');
    await eventually(() => instance.lines.some(({ verdict }) => verdict === 'hold'));
    const urgent = await router.text('urgent', { priority: 'critical' });
    ready = true;
    await router.ended(normal);
    await router.ended(urgent);
    expect(sent).toEqual(['urgent', 'normal']);
  });

  it('by a message that breaks every browser before it is handed over makes it fail, and the queue goes on', async () => {
    const host = await queueHost();
    const router = await host.router();
    const instance = await host.instance(acknowledging(), { clock: fastClock(20) });
    instance.clients.script.requireRecipient = async (to) => {
      if (!to.startsWith('666')) return;
      instance.clients.last.events.lost('page_crashed', 'poison');
      throw new WharfError('browser_failed', 'the page crashed');
    };
    await instance.run();
    const poison = await router.accept({ message: { to: '6661234567@c.us', text: 'poison' } });
    const good = await router.text('good');
    for (const life of [2, 3, 4]) {
      await eventually(() => instance.clients.made.length === life);
      instance.clients.last.becomeReady();
    }
    expect(await router.ended(poison)).toMatchObject({
      status: 'failed',
      attempts: 0,
      error: { code: 'send_failed', detail: expect.stringContaining('Each of 3 browsers') },
    });
    expect(await router.ended(good)).toMatchObject({ status: 'sent' });
  });
});

describe('a message', () => {
  it('that is cancelled while it is prepared is not sent, and the next is', async () => {
    const host = await queueHost();
    const router = await host.router();
    let go = () => {};
    const prepared = new Promise<void>((resolve) => {
      go = resolve;
    });
    const { sent, script } = troubled(async () => {});
    const instance = await host.instance({ ...script, requireRecipient: () => prepared });
    await instance.run();
    const [first, second] = [await router.text('first'), await router.text('second')];
    await eventually(() => instance.status.underWay === 1);
    expect(await router.queues.cancel(first)).toBe('cancelled');
    go();
    await router.ended(second);
    expect(sent).toEqual(['second']);
    expect(await router.queues.find(first)).toMatchObject({ status: 'failed', error: { code: 'cancelled' } });
  });

  it('that waited too long for its session fails; one that may have left is unknown', async () => {
    const host = await queueHost();
    const router = await host.router();
    const instance = await host.instance(
      {
        send: async (_message, client) => {
          client.events.lost('browser_gone', 'killed');
          throw new WharfError('send_unknown', 'killed');
        },
      },
      { clock: fastClock(3600), config: { maxWait: 1000 } },
    );
    await instance.run();
    const [first, second] = [await router.text('first'), await router.text('second')];
    expect(await router.ended(first)).toMatchObject({ status: 'unknown', error: { code: 'expired' } });
    expect(await router.ended(second)).toMatchObject({ status: 'failed', error: { code: 'expired' } });
  });

  it('is lingered over as a person might, where that is asked for', async () => {
    const host = await queueHost();
    const router = await host.router();
    const clock = fastClock(50);
    const instance = await host.instance(acknowledging(), {
      clock,
      config: { typing: true, jitter: 4000 },
      random: () => 0.5,
    });
    await instance.run();
    const began = clock.monotonic();
    await router.ended(await router.text('x'.repeat(100)));
    expect(clock.monotonic() - began).toBeGreaterThanOrEqual(2000 + 4400);
    expect(instance.clients.last.calls.filter((call) => call.startsWith('typing'))).toHaveLength(1);
  });
});

describe('an ack that does not come', () => {
  it('makes the browser be started anew, and the session count as stuck until one comes', async () => {
    const host = await queueHost();
    const router = await host.router();
    const instance = await host.instance(
      { fate: async ({ key, to }) => ({ kind: 'present', whatsappId: `true_${to}_${key}`, ack: 0 }) },
      { clock: fastClock(400) },
    );
    await instance.run();
    const id = await router.text('hello');
    await eventually(() => instance.clients.made.length === 2);
    expect(instance.status).toMatchObject({ stuckSessions: 1, renewals: 1 });
    expect(await router.status(id)).toBe('sending');
    instance.clients.last.becomeReady();
    await eventually(() => instance.lines.some(({ step }) => step === 'await'));
    instance.clients.last.events.happened({ kind: 'ack', whatsappId: whatsappIdOf(id), ack: 1 });
    expect(await router.ended(id)).toMatchObject({ status: 'sent', attempts: 1 });
    expect(instance.status.stuckSessions).toBe(0);
  });

  it('leaves the message unknown when that did not help, once: the next then waits', async () => {
    const host = await queueHost();
    const router = await host.router();
    const handed: string[] = [];
    const instance = await host.instance(
      {
        send: async (message, _client, key) => {
          handed.push(key);
          return `true_${message.to}_${key}`;
        },
        fate: async ({ key, to }) =>
          handed.includes(key)
            ? { kind: 'present', whatsappId: `true_${to}_${key}`, ack: 0 }
            : { kind: 'absent' },
        start: async (client) => {
          setImmediate(() => client.becomeReady());
        },
      },
      { clock: fastClock(1000) },
    );
    await instance.run();
    const [first, second, third] = [
      await router.text('first'),
      await router.text('second'),
      await router.text('third'),
    ];
    expect(await router.ended(first)).toMatchObject({ status: 'unknown', attempts: 1 });
    // The browser is started anew for the second, and again after half an hour; it keeps its place all the time.
    await eventually(() => instance.status.renewals >= 3);
    expect(await router.status(second)).toBe('sending');
    expect(await router.status(third)).toBe('queued');
    expect(handed).toEqual([first, second].map(whatsappKeyOf));
    for (const id of [first, second])
      instance.clients.last.events.happened({ kind: 'ack', whatsappId: whatsappIdOf(id), ack: 1 });
    await eventually(async () => (await router.status(first)) === 'sent');
    expect(await router.ended(second)).toMatchObject({ status: 'sent' });
  });
});
