import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import type { Deliveries, Pending } from '../../../fleet/events/deliveries.ts';
import type { WharfEvent } from '../../../fleet/events/event.ts';
import { Intake } from '../../../router/webhooks/intake.ts';
import { Lanes } from '../../../router/webhooks/lanes.ts';
import { newRecord } from '../../../router/webhooks/record.ts';
import { newSecret } from '../../../router/webhooks/signature.ts';
import { receivedEvent } from '../../helpers/wharf-events.ts';

describe('the intake of a webhook', () => {
  it('does not take up again what ended while it asked what is pending: it would go after what is newer', async () => {
    const [a, b] = ['a', 'b'].map((id, index) => ({
      position: String(index + 1),
      event: receivedEvent(id),
      size: 10,
    })) as [Pending['events'][number], Pending['events'][number]];
    let answer: (pending: Pending) => void = () => {};
    let asked = 0;
    const deliveries: Partial<Deliveries> = {
      pending: () => {
        asked += 1;
        const all = { events: [a, b], forgotten: [], tries: new Map() };
        return asked === 1 ? Promise.resolve(all) : new Promise((resolve) => (answer = resolve));
      },
      read: async () => [],
      ended: async () => {},
    };
    const lanes = new Lanes<WharfEvent>();
    const intake = new Intake({
      workspace: '7',
      holder: { router: 'router-1', shard: 1 },
      deliveries: deliveries as Deliveries,
      lanes,
      clock: systemClock,
      forgotten: () => {},
    });
    const record = newRecord('7', { url: 'http://receiver/', events: ['*'] }, newSecret(), 1);
    await intake.fill(record, false);
    expect(lanes.size).toBe(2);
    intake.doubt();
    const filling = intake.fill(record, false);
    // Its first page was read with `a` in it; now `a` is taken, and Redis told.
    lanes.remove(a.position);
    answer({ events: [a, b], forgotten: [], tries: new Map() });
    await filling;
    expect([...lanes.all()].map(({ position }) => position)).toEqual([b.position]);
  });
});
