import { describe, expect, it } from 'vitest';
import { eventually } from '../../helpers/eventually.ts';
import { acknowledging, queueHost } from './outbox-host.ts';

const HOUR = 3_600_000;

describe('a session with nothing to send', () => {
  it('is calm, also while messages wait for later', async () => {
    const host = await queueHost();
    const { outbox, run } = await host.instance(acknowledging());
    const session = await run();
    await eventually(() => outbox.isCalm(session));
    const router = await host.router();
    await router.text('later', { send_at: new Date(Date.now() + HOUR).toISOString() });
    const now = await router.text('now');
    expect(await router.ended(now)).toMatchObject({ status: 'sent' });
    await eventually(() => outbox.isCalm(session));
  });

  it('is not calm while one is in hand, nor just before one is due', async () => {
    let goOn = () => {};
    const sent = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const host = await queueHost();
    const { clients, outbox, run } = await host.instance({
      send: async (message, client, key) => {
        await sent;
        const whatsappId = `true_${message.to}_${key}`;
        setImmediate(() => client.events.happened({ kind: 'ack', whatsappId, ack: 1 }));
        return whatsappId;
      },
    });
    const session = await run();
    await eventually(() => outbox.isCalm(session));
    const router = await host.router();
    const id = await router.text('in hand');
    await eventually(async () => (await router.status(id)) === 'sending');
    expect(outbox.isCalm(session)).toBe(false);
    expect(outbox.holdBack(session)).toBeUndefined();
    goOn();
    await router.ended(id);
    await eventually(() => outbox.isCalm(session));
    await router.text('soon', { send_at: new Date(Date.now() + 20_000).toISOString() });
    await eventually(() => !outbox.isCalm(session));
    expect(clients.made).toHaveLength(1);
  });

  it('begins nothing while it is held back, and all of it then', async () => {
    const handed: string[] = [];
    const { send } = acknowledging();
    const host = await queueHost();
    const { outbox, run } = await host.instance({
      send: async (message, client, key) => {
        handed.push(key);
        return (await send?.(message, client, key)) ?? '';
      },
    });
    const session = await run();
    await eventually(() => outbox.isCalm(session));
    const letGo = outbox.holdBack(session);
    expect(letGo).toBeTypeOf('function');
    expect(outbox.holdBack(session)).toBeUndefined();
    const router = await host.router();
    const ids = [await router.text('first'), await router.text('second')];
    // A look for rings that were lost comes by as well.
    await new Promise((resolve) => setTimeout(resolve, 3500));
    expect(handed).toEqual([]);
    expect(await router.status(ids[0] ?? '')).toBe('queued');
    letGo?.();
    for (const id of ids) expect(await router.ended(id)).toMatchObject({ status: 'sent', attempts: 1 });
    expect(handed).toHaveLength(2);
  });

  it('goes on after another start where it was not let go before', async () => {
    const host = await queueHost();
    const { clients, outbox, run } = await host.instance(acknowledging());
    const session = await run();
    await eventually(() => outbox.isCalm(session));
    const letGo = outbox.holdBack(session);
    await session.renew(false);
    letGo?.();
    await eventually(() => clients.made.length === 2 && clients.last.calls.includes('start'));
    const router = await host.router();
    const id = await router.text('waits for ready');
    clients.last.becomeReady();
    expect(await router.ended(id)).toMatchObject({ status: 'sent' });
    expect(session.detail().reconnects).toBe(0);
  });
});
