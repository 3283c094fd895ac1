import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../helpers/eventually.ts';
import { startDesk } from './desk.ts';
import { type Behaviour, isSigned, Receiver } from './receiver.ts';

async function startReceiver(behaviour?: Behaviour): Promise<Receiver> {
  const receiver = await Receiver.start(behaviour);
  onTestFinished(() => receiver.close());
  return receiver;
}

describe('delivering', () => {
  it('sends each event once, signed, in the order of its session', async () => {
    const desk = await startDesk();
    const receiver = await startReceiver();
    const { secret } = await desk.webhooks.set('7', { url: receiver.url, events: ['*'] });
    const sales = await desk.append('7', 'sales', 120);
    const support = await desk.append('7', 'support', 120);
    await eventually(() => receiver.taken.length === 240);
    const of = (session: string) =>
      receiver.taken.filter(({ event }) => event.session_id === session).map(({ id }) => id);
    expect(of('sales')).toEqual(sales);
    expect(of('support')).toEqual(support);
    const [first] = receiver.taken;
    if (!first) throw new Error('nothing came');
    expect(isSigned(first, secret ?? '')).toBe(true);
    expect(isSigned({ ...first, body: first.body.replace('+', '-') }, secret ?? '')).toBe(false);
    expect(first.event).toMatchObject({ id: first.id, type: 'message.reaction', workspace_id: 7 });
    expect(Object.keys(first.event)).toEqual([
      'id',
      'type',
      'timestamp',
      'workspace_id',
      'session_id',
      'data',
    ]);
    expect(first.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': 'wharf-webhooks',
    });
    await eventually(async () => (await desk.deliveries.pending('7')).events.length === 0);
    expect(desk.counts.kinds).toEqual({ taken: 240, refused: 0, failed: 0 });
  });
});
