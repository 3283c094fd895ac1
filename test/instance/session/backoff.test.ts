import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { afterLoss, type BackoffRules, NO_LOSSES, SLOW_RETRY } from '../../../instance/session/backoff.ts';

const RULES: BackoffRules = { base: 5000, maxAttempts: 10, slow: SLOW_RETRY };

/** The delays and alarms of so many losses in a row, without chance. */
function losses(count: number, wasReady: (index: number) => boolean, everyMs = 0) {
  let history = NO_LOSSES;
  return Array.from({ length: count }, (_, index) => {
    const next = afterLoss(history, wasReady(index), index * everyMs, RULES, 0);
    history = next.history;
    return next;
  });
}

describe('the back-off', () => {
  it('doubles from the base to a quarter of an hour, and stays there for ever', () => {
    const delays = losses(14, () => false).map((next) => next.delay / 1000);
    expect(delays).toEqual([5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900, 900, 900, 900]);
  });

  it('raises the alarm once, when ten tries have failed', () => {
    // The first loss is followed by the first try; the eleventh loss is the tenth try that failed.
    const alarms = losses(30, () => false).flatMap((next, index) => (next.alarm ? [index + 1] : []));
    expect(alarms).toEqual([11]);
  });

  it('starts a session lost out of ready at once, three times in five minutes', () => {
    const delays = losses(5, () => true, 1000).map((next) => next.delay);
    expect(delays).toEqual([0, 0, 0, 5000, 10_000]);
  });

  it('starts it at once again when five minutes have passed', () => {
    const delays = losses(6, () => true, 2 * 60_000).map((next) => next.delay);
    expect(delays).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('spreads the delay by a tenth at most, and never exceeds the slow pace by more', () => {
    fc.assert(
      fc.property(
        fc.nat(100),
        fc.boolean(),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (attempts, wasReady, random) => {
          const history = { attempts, sudden: [0, 0, 0] };
          const plain = afterLoss(history, wasReady, 1, RULES, 0).delay;
          const spread = afterLoss(history, wasReady, 1, RULES, random).delay;
          expect(spread).toBeGreaterThanOrEqual(plain);
          expect(spread).toBeLessThanOrEqual(Math.round(plain * 1.1));
          expect(spread).toBeLessThanOrEqual(SLOW_RETRY * 1.1);
          expect(Number.isSafeInteger(spread)).toBe(true);
        },
      ),
    );
  });
});
