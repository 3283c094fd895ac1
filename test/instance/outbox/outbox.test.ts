import { describe, expect, it } from 'vitest';
import { WharfError } from '../../../common/errors.ts';
import { eventually } from '../../helpers/eventually.ts';
import { acknowledging, queueHost, TO, whatsappIdOf } from './outbox-host.ts';

describe('the outbox', () => {
  it('sends what is accepted in the order accepted, one at a time, and tells what becomes of it', async () => {
    const host = await queueHost();
    const router = await host.router();
    const texts: string[] = [];
    let underWay = 0;
    let most = 0;
    const script = acknowledging();
    const instance = await host.instance({
      send: async (message, client, key) => {
        underWay += 1;
        most = Math.max(most, underWay);
        texts.push('text' in message ? message.text : '');
        await new Promise((resolve) => setTimeout(resolve, 2));
        underWay -= 1;
        return await (script.send?.(message, client, key) ?? '');
      },
    });
    await instance.run();
    const ids: string[] = [];
    for (let index = 0; index < 20; index += 1) ids.push(await router.text(`text ${index}`));
    for (const id of ids)
      expect(await router.ended(id)).toMatchObject({
        status: 'sent',
        whatsapp_id: whatsappIdOf(id),
        attempts: 1,
        error: null,
        ended_at: null,
      });
    expect(texts).toEqual(ids.map((_, index) => `text ${index}`));
    expect(most).toBe(1);
    expect(await router.told(ids[3] ?? '')).toEqual(['sent']);
    expect(instance.counters).toMatchObject({ messages_sent: 20, messages_failed: 0 });
    expect(instance.status).toMatchObject({ sent: 20, failed: 0, unknown: 0, underWay: 0 });
  });

  it('waits for a session that is not ready, and notes later acks once each', async () => {
    const host = await queueHost();
    const router = await host.router();
    const instance = await host.instance(acknowledging());
    await instance.run(undefined, false);
    const id = await router.text('for later');
    instance.clients.last.becomeReady();
    await router.ended(id);
    for (const ack of [2, 2, 1, 3, 2, 4])
      instance.clients.last.events.happened({ kind: 'ack', whatsappId: whatsappIdOf(id), ack });
    await eventually(async () => (await router.status(id)) === 'read');
    // Acks that come in one go may be told as one; none is told twice, and none goes back.
    const told = await router.told(id);
    expect(['sent', 'delivered', 'read'].filter((status) => told.includes(status))).toEqual(told);
    expect(told).toContain('sent');
    expect(told).toContain('read');
  });

  it.each(['recipient_not_on_whatsapp', 'media_refused'] as const)(
    'fails at once what no other try would mend: %s',
    async (code) => {
      const host = await queueHost();
      const router = await host.router();
      const instance = await host.instance({
        ...acknowledging(),
        requireRecipient: async (to) => {
          if (to !== TO) throw new WharfError(code, 'no');
        },
      });
      await instance.run();
      const bad = await router.accept({ message: { to: '000123456789@c.us', text: 'to nobody' } });
      const good = await router.text('to somebody');
      expect(await router.ended(bad)).toMatchObject({ status: 'failed', attempts: 0, error: { code } });
      expect(await router.ended(good)).toMatchObject({ status: 'sent' });
      expect(await router.told(bad)).toEqual(['failed']);
      expect(instance.counters).toMatchObject({ messages_sent: 1, messages_failed: 1 });
    },
  );
});
