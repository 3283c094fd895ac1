import { describe, expect, it } from 'vitest';
import { aborted, Lifecycle } from '../../common/lifecycle.ts';
import { createLogger } from '../../common/logger.ts';

function lifecycle(deadline = 5000) {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger('debug', {}, { write: (line) => lines.push(JSON.parse(line)) });
  return { life: new Lifecycle(log, deadline), lines };
}

describe('a lifecycle', () => {
  it('closes its parts in the reverse order of their making, one after the other', async () => {
    const { life } = lifecycle();
    const order: string[] = [];
    for (const name of ['redis', 'http', 'sessions']) {
      life.add(name, async () => {
        order.push(`${name} begins`);
        await new Promise((resolve) => setImmediate(resolve));
        order.push(`${name} ends`);
      });
    }
    expect(await life.close()).toBe(true);
    expect(order).toEqual([
      'sessions begins',
      'sessions ends',
      'http begins',
      'http ends',
      'redis begins',
      'redis ends',
    ]);
  });

  it('closes the others when one fails, whether it throws or rejects, and says so once for each', async () => {
    const { life, lines } = lifecycle();
    let closed = 0;
    life.add('first', () => {
      closed += 1;
    });
    life.add('throws', () => {
      throw new Error('no');
    });
    life.add('rejects', async () => {
      throw new Error('never');
    });
    expect(await life.close()).toBe(false);
    expect(closed).toBe(1);
    expect(lines.map(({ part, reason }) => [part, reason])).toEqual([
      ['rejects', 'never'],
      ['throws', 'no'],
    ]);
  });

  it('goes past a part that never ends, within its deadline, and still closes the rest', async () => {
    const { life, lines } = lifecycle(200);
    let closed = false;
    life.add('redis', () => {
      closed = true;
    });
    life.add('hangs', () => new Promise(() => {}));
    const started = performance.now();
    expect(await life.close()).toBe(false);
    expect(performance.now() - started).toBeLessThan(5000);
    expect(closed).toBe(true);
    expect(lines).toMatchObject([{ part: 'hangs', reason: expect.stringContaining('still open') }]);
  });

  it('closes once, however often it is asked', async () => {
    const { life } = lifecycle();
    let closed = 0;
    life.add('part', () => {
      closed += 1;
    });
    expect(await Promise.all([life.close(), life.close()])).toEqual([true, true]);
    expect(closed).toBe(1);
  });
});

describe('aborted', () => {
  it('resolves when the signal is aborted, also if it was before', async () => {
    const abort = new AbortController();
    const waiting = aborted(abort.signal);
    abort.abort();
    await waiting;
    await aborted(AbortSignal.abort());
  });
});
