import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge, type Signals, VERDICT_TIMES } from '../../../router/failover/verdict.ts';

const TIMES = { ...VERDICT_TIMES, lease: 10_000 };
const WELL = { wellFor: 600_000 };

function signals(changes: Partial<Signals> = {}): Signals {
  return {
    lease: 'held',
    leaseFor: 600_000,
    silences: [0, 0],
    idle: false,
    storageBadFor: 0,
    othersStorage: { well: 2, bad: 0 },
    ...changes,
  };
}

describe('an instance is judged', () => {
  it.each<[string, Partial<Signals>, string, RegExp]>([
    ['healthy, holding its lease and answering', {}, 'healthy', /answers/],
    ['healthy, where one router reaches it', { silences: [90_000, 0] }, 'healthy', /answers/],
    [
      'dead, without lease and silent',
      { lease: 'gone', leaseFor: 400, silences: [11_000, 9_500] },
      'dead',
      /lease gone for 0.4 s, silent for 9.5 s/,
    ],
    [
      'not dead, where one router reaches it',
      { lease: 'gone', leaseFor: 400, silences: [11_000, 0] },
      'unknown',
      /answers/,
    ],
    [
      'not dead after one lost probe',
      { lease: 'gone', leaseFor: 400, silences: [2000] },
      'unknown',
      /silent for 2.0 s/,
    ],
    [
      'not yet, reached by no router for less than a minute',
      { silences: [59_000, 70_000] },
      'unknown',
      /59 s/,
    ],
    [
      'to hand over through Redis, reached by no router for a minute',
      { silences: [61_000, 70_000] },
      'hand_over_by_redis',
      /61 s/,
    ],
    [
      'not yet, without lease for less than a minute, answering',
      { lease: 'gone', leaseFor: 59_000 },
      'unknown',
      /no lease for 59 s/,
    ],
    [
      'to hand over by HTTP, without lease for a minute, answering',
      { lease: 'gone', leaseFor: 61_000 },
      'hand_over_by_http',
      /61 s/,
    ],
    [
      'dead, answering without lease that it may run nothing',
      { lease: 'gone', leaseFor: 5000, idle: true },
      'dead',
      /may run nothing/,
    ],
    [
      'not yet, its storage bad for less than half a minute',
      { storageBadFor: 29_000 },
      'unknown',
      /storage is bad/,
    ],
    [
      'to lose its lease, its storage bad for half a minute',
      { storageBadFor: 31_000 },
      'revoke',
      /bad for 31 s.*2 other/,
    ],
    [
      'still to be revoked once its lease is taken',
      { lease: 'gone', leaseFor: 1000, storageBadFor: 32_000 },
      'revoke',
      /bad for 32 s/,
    ],
    [
      "not by its storage, where most others' is bad too",
      { storageBadFor: 31_000, othersStorage: { well: 1, bad: 1 } },
      'unknown',
      /storage is bad/,
    ],
    [
      'not by its storage, where there is no other',
      { storageBadFor: 31_000, othersStorage: { well: 0, bad: 0 } },
      'unknown',
      /storage is bad/,
    ],
    [
      'restarting, having stopped cleanly',
      { lease: 'restarting', silences: [50_000] },
      'restarting',
      /expected back/,
    ],
    ['not yet, tried by nobody', { silences: [] }, 'unknown', /no router has reached it yet/],
    [
      'not yet, without lease and at no known address',
      { lease: 'gone', leaseFor: 30_000, silences: [] },
      'unknown',
      /nobody knows its address/,
    ],
    [
      'dead, without lease and address for a minute',
      { lease: 'gone', leaseFor: 61_000, silences: [] },
      'dead',
      /no known address/,
    ],
  ])('%s', (_, changes, verdict, reason) => {
    const judged = judge(signals(changes), WELL, TIMES);
    expect(judged.verdict).toBe(verdict);
    expect(judged.reason).toMatch(reason);
  });

  const anySignals = fc.record<Signals>({
    lease: fc.constantFrom('held', 'restarting', 'gone'),
    leaseFor: fc.nat(200_000),
    silences: fc.array(fc.oneof(fc.constant(0), fc.nat(200_000)), { maxLength: 3 }),
    idle: fc.boolean(),
    storageBadFor: fc.oneof(fc.constant(0), fc.nat(200_000)),
    othersStorage: fc.record({ well: fc.nat(5), bad: fc.nat(5) }),
  });

  it('at most healthy or restarting, while Redis is away or has been back for less than a lease', () => {
    fc.assert(
      fc.property(anySignals, fc.option(fc.nat(9999)), (given, wellFor) => {
        expect(['healthy', 'restarting', 'unknown']).toContain(judge(given, { wellFor }, TIMES).verdict);
      }),
    );
  });

  it('never dead while it holds its lease, nor while a router reaches it that it does not tell of running nothing', () => {
    fc.assert(
      fc.property(anySignals, (given) => {
        const { verdict } = judge(given, WELL, TIMES);
        if (verdict !== 'dead') return;
        expect(given.lease).toBe('gone');
        if (!given.idle) expect(given.silences.every((silence) => silence >= TIMES.silent)).toBe(true);
      }),
    );
  });
});
