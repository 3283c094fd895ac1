import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StartGate } from '../../../instance/session/start-gate.ts';

const never = new AbortController().signal;
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('the start gate', () => {
  it('lets the next one in when a place is given up, in the order they came', async () => {
    const gate = new StartGate(1);
    const order: number[] = [];
    const first = await gate.enter(never);
    const others = [1, 2, 3].map((number) =>
      gate.enter(never).then((leave) => {
        order.push(number);
        leave();
      }),
    );
    await turn();
    expect(order).toEqual([]);
    first();
    await Promise.all(others);
    expect(order).toEqual([1, 2, 3]);
  });

  it('counts a place once, however often it is given up', async () => {
    const gate = new StartGate(1);
    const leave = await gate.enter(never);
    leave();
    leave();
    let entered = 0;
    const count = () => {
      entered += 1;
    };
    void gate.enter(never).then(count);
    void gate.enter(never).then(count);
    await turn();
    expect(entered).toBe(1);
  });

  it('refuses who was aborted before, and lets go of who is aborted while waiting', async () => {
    const gate = new StartGate(1);
    const reason = new Error('stopped');
    await expect(gate.enter(AbortSignal.abort(reason))).rejects.toBe(reason);
    const leave = await gate.enter(never);
    const abort = new AbortController();
    const waiting = gate.enter(abort.signal);
    const next = gate.enter(never);
    abort.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    leave();
    (await next)();
    await gate.enter(never);
  });

  it('keeps its limit and loses no place, whatever comes, goes and gives up', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.tuple(fc.constantFrom('enter', 'leave', 'abort'), fc.nat(20)), { maxLength: 60 }),
        async (limit, steps) => {
          const gate = new StartGate(limit);
          const inside: (() => void)[] = [];
          const waiting: AbortController[] = [];
          const enter = () => {
            const abort = new AbortController();
            waiting.push(abort);
            gate.enter(abort.signal).then(
              (leave) => {
                waiting.splice(waiting.indexOf(abort), 1);
                inside.push(leave);
              },
              () => {},
            );
          };
          for (const [step, which] of steps) {
            if (step === 'enter') enter();
            else if (step === 'leave') inside.splice(which % (inside.length || 1), 1)[0]?.();
            else waiting.splice(which % (waiting.length || 1), 1)[0]?.abort(new Error('gave up'));
            await turn();
            expect(inside.length).toBeLessThanOrEqual(limit);
            if (waiting.length > 0) expect(inside.length).toBe(limit);
          }
          while (inside.length + waiting.length > 0) {
            inside.shift()?.();
            await turn();
          }
          const all = await Promise.all(Array.from({ length: limit }, () => gate.enter(never)));
          expect(all).toHaveLength(limit);
        },
      ),
      { numRuns: 50 },
    );
  });
});
