import { describe, expect, it } from 'vitest';
import { WharfError } from '../../../common/errors.ts';
import { whatsappKeyOf } from '../../../fleet/queue/message-ids.ts';
import type { Ack, Fate } from '../../../instance/whatsapp/client.ts';
import { eventually } from '../../helpers/eventually.ts';
import { fastClock } from './fast-clock.ts';
import { acknowledging, queueHost, TO, whatsappIdOf } from './outbox-host.ts';

/** What the emulated history knows, and every id that was handed to a page, in order. */
function aHistory() {
  const acks = new Map<string, Ack>();
  const handed: string[] = [];
  const fate = async ({ key }: { key: string }): Promise<Fate> => {
    const ack = acks.get(key);
    return ack === undefined ? { kind: 'absent' } : { kind: 'present', whatsappId: `true_${TO}_${key}`, ack };
  };
  return { acks, handed, fate };
}

describe('a message that was handed over when its browser was lost', () => {
  it.each([
    ['the server has it', 1, 'sent'],
    ['it was delivered meanwhile', 2, 'delivered'],
    ['the server refused it', -1, 'failed'],
  ] as const)('is what the history says, and is not sent again: %s', async (_what, ack, status) => {
    const host = await queueHost();
    const router = await host.router();
    const { acks, handed, fate } = aHistory();
    const instance = await host.instance(
      {
        fate,
        send: async (_message, client, key) => {
          handed.push(key);
          acks.set(key, ack);
          client.events.lost('browser_gone', 'killed');
          throw new WharfError('send_unknown', 'the browser was killed');
        },
      },
      { clock: fastClock(20) },
    );
    await instance.run();
    const id = await router.text('hello');
    await eventually(() => instance.clients.made.length === 2);
    instance.clients.last.becomeReady();
    expect(await router.ended(id)).toMatchObject({ status, attempts: 1, whatsapp_id: whatsappIdOf(id) });
    expect(handed).toEqual([whatsappKeyOf(id)]);
    const told = { sent: ['sent'], delivered: ['sent', 'delivered'], failed: ['failed'] };
    expect(await router.told(id)).toEqual(told[status]);
  });

  it('waits for its ack where the page has stored it, and those after it wait', async () => {
    const host = await queueHost();
    const router = await host.router();
    const { acks, handed, fate } = aHistory();
    const instance = await host.instance(
      {
        fate,
        send: async (message, client, key) => {
          handed.push(key);
          if (handed.length > 1) return await (acknowledging().send?.(message, client, key) ?? '');
          acks.set(key, 0);
          client.events.lost('browser_gone', 'killed');
          throw new WharfError('send_unknown', 'the browser was killed');
        },
      },
      { clock: fastClock(20) },
    );
    await instance.run();
    const [first, second] = [await router.text('first'), await router.text('second')];
    await eventually(() => instance.clients.made.length === 2);
    instance.clients.last.becomeReady();
    await eventually(() => instance.lines.some(({ step }) => step === 'await'));
    expect(handed).toEqual([whatsappKeyOf(first)]);
    expect(await router.status(first)).toBe('sending');
    instance.clients.last.events.happened({ kind: 'ack', whatsappId: whatsappIdOf(first), ack: 1 });
    expect(await router.ended(first)).toMatchObject({ status: 'sent', attempts: 1 });
    expect(await router.ended(second)).toMatchObject({ status: 'sent' });
    expect(handed).toEqual([first, second].map(whatsappKeyOf));
  });

  it('is unknown where the history knows nothing of it, until an ack tells', async () => {
    const host = await queueHost();
    const router = await host.router();
    const { handed, fate } = aHistory();
    const instance = await host.instance(
      {
        fate,
        send: async (message, client, key) => {
          handed.push(key);
          if (handed.length > 1) return await (acknowledging().send?.(message, client, key) ?? '');
          client.events.lost('browser_gone', 'killed');
          throw new WharfError('send_unknown', 'the browser was killed');
        },
      },
      { clock: fastClock(20) },
    );
    await instance.run();
    const [first, second] = [await router.text('first'), await router.text('second')];
    await eventually(() => instance.clients.made.length === 2);
    instance.clients.last.becomeReady();
    expect(await router.ended(first)).toMatchObject({
      status: 'unknown',
      error: { code: 'send_unknown' },
      attempts: 1,
    });
    expect(await router.ended(second)).toMatchObject({ status: 'sent' });
    expect(handed).toEqual([first, second].map(whatsappKeyOf));
    expect(instance.counters).toMatchObject({ messages_sent: 1, messages_failed: 0 });
    instance.clients.last.events.happened({ kind: 'ack', whatsappId: whatsappIdOf(first), ack: 1 });
    await eventually(async () => (await router.status(first)) === 'sent');
    expect(await router.told(first)).toEqual(['unknown', 'sent']);
    expect(instance.counters).toMatchObject({ messages_sent: 2 });
  });

  it('was sent, and was delivered, where that is what the first ack tells of one that was unknown', async () => {
    const host = await queueHost();
    const router = await host.router();
    const instance = await host.instance(
      { send: async () => Promise.reject(new WharfError('send_unknown', 'it does not say')) },
      { clock: fastClock(20) },
    );
    const session = await instance.run();
    const id = await router.text('hello');
    expect(await router.ended(id)).toMatchObject({ status: 'unknown' });
    instance.outbox.happened(session, { kind: 'ack', whatsappId: whatsappIdOf(id), ack: 2 });
    await eventually(async () => (await router.status(id)) === 'delivered');
    expect(await router.told(id)).toEqual(['unknown', 'sent', 'delivered']);
  });

  it('is sent where its ack came while it was written down as unknown', async () => {
    const host = await queueHost();
    const router = await host.router();
    let acknowledge = () => {};
    const instance = await host.instance(
      {
        send: async (message, client, key) => {
          const whatsappId = `true_${message.to}_${key}`;
          acknowledge = () => client.events.happened({ kind: 'ack', whatsappId, ack: 1 });
          throw new WharfError('send_unknown', 'it does not say');
        },
      },
      {
        clock: fastClock(20),
        events: {
          append: async (events) => {
            acknowledge();
            await router.events.append(events);
          },
        },
      },
    );
    await instance.run();
    const id = await router.text('hello');
    await eventually(async () => (await router.status(id)) === 'sent');
    expect(await router.told(id)).toEqual(['unknown', 'sent']);
  });

  it('is sent again under the same id where its sender wants that, some times at the most', async () => {
    const host = await queueHost();
    const router = await host.router();
    const { handed, fate } = aHistory();
    const instance = await host.instance(
      {
        fate,
        send: async (_message, client, key) => {
          handed.push(key);
          client.events.lost('browser_gone', 'it breaks every browser');
          throw new WharfError('send_unknown', 'the browser was killed');
        },
      },
      { clock: fastClock(20) },
    );
    await instance.run();
    const id = await router.text('poison', { on_unknown: 'resend' });
    for (const life of [2, 3, 4]) {
      await eventually(() => instance.clients.made.length === life);
      instance.clients.last.becomeReady();
    }
    expect(await router.ended(id)).toMatchObject({ status: 'unknown', attempts: 3 });
    expect(handed).toEqual([id, id, id].map(whatsappKeyOf));
  });

  it('is found by the next owner, who sends what is left; the owner before changes nothing more', async () => {
    const host = await queueHost();
    const router = await host.router();
    const { acks, handed, fate } = aHistory();
    const before = await host.instance({
      fate,
      send: async (_message, _client, key) => {
        handed.push(`before ${key}`);
        acks.set(key, 0);
        return `true_${TO}_${key}`;
      },
    });
    await before.run({ workspace: '7', session: 'main', epoch: 1 });
    const [first, second] = [await router.text('first'), await router.text('second')];
    await eventually(() => handed.length === 1);
    const after = await host.instance({
      ...acknowledging(),
      fate,
    });
    // The page of the owner before got its ack while nobody listened.
    acks.set(whatsappKeyOf(first), 1);
    await after.run({ workspace: '7', session: 'main', epoch: 2 });
    expect(await router.ended(second)).toMatchObject({ status: 'sent' });
    expect(await router.ended(first)).toMatchObject({ status: 'sent', attempts: 1 });
    // What the owner before hears now comes too late to send anything.
    before.clients.last.events.happened({ kind: 'ack', whatsappId: whatsappIdOf(first), ack: 1 });
    const third = await router.text('third');
    await router.ended(third);
    expect(handed).toEqual([`before ${whatsappKeyOf(first)}`]);
  });

  it('is waited for while its page is storing it, and looked for with a new browser when that takes minutes', async () => {
    const host = await queueHost();
    const router = await host.router();
    const instance = await host.instance(
      {
        fate: async ({ key }, client) =>
          client.ordinal === 1
            ? { kind: 'storing' }
            : { kind: 'present', whatsappId: `true_${TO}_${key}`, ack: 1 },
        send: async () => {
          throw new WharfError('send_unknown', 'the page did not answer');
        },
      },
      { clock: fastClock(400) },
    );
    await instance.run();
    const id = await router.text('hello');
    await eventually(() => instance.clients.made.length === 2);
    expect(await router.status(id)).toBe('sending');
    instance.clients.last.becomeReady();
    expect(await router.ended(id)).toMatchObject({ status: 'sent', attempts: 1 });
    expect(instance.status.renewals).toBe(1);
  });

  it('asks at ready for acks that came while nobody listened', async () => {
    const host = await queueHost();
    const router = await host.router();
    const { acks, fate } = aHistory();
    const instance = await host.instance({ ...acknowledging(), fate });
    await instance.run();
    const ids = [];
    for (let index = 0; index < 5; index += 1) ids.push(await router.text(`text ${index}`));
    for (const id of ids) await router.ended(id);
    instance.clients.last.events.lost('browser_gone', 'killed');
    for (const id of ids) acks.set(whatsappKeyOf(id), 3);
    await eventually(() => instance.clients.made.length === 2);
    instance.clients.last.becomeReady();
    for (const id of ids) {
      await eventually(async () => (await router.status(id)) === 'read');
      expect(await router.told(id)).toEqual(['sent', 'read']);
    }
  });
});
