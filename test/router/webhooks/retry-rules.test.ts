import { describe, expect, it } from 'vitest';
import {
  afterFailure,
  isAtFault,
  isHopeless,
  isOver,
  isSuspect,
  type Tries,
} from '../../../router/webhooks/retry-rules.ts';

const T = 1_800_000_000_000;
const HOUR = 3_600_000;
const fault = { reason: 'it answered 500', status: 500, met: true };

describe('retries', () => {
  it('come after 5 s, 30 s, 2 min, 10 min, 30 min, and then every hour', () => {
    let tries: Tries | null = null;
    const waits: number[] = [];
    for (let now = T; waits.length < 8; now = tries.nextAt) {
      tries = afterFailure(tries, fault, now, 0.5);
      waits.push((tries.nextAt - now) / 1000);
    }
    expect(waits).toEqual([5, 30, 120, 600, 1800, 3600, 3600, 3600]);
    expect(tries).toMatchObject({ count: 8, firstAt: T, status: 500, reason: 'it answered 500' });
  });

  it.each([
    [0, 4000],
    [1, 6000],
  ])('are spread by a fifth: %s gives %s ms', (random, wait) => {
    expect(afterFailure(null, fault, T, random).nextAt - T).toBe(wait);
  });

  it('wait as long as Retry-After asks, and never more than an hour for it', () => {
    expect(afterFailure(null, { ...fault, wish: 90_000 }, T, 0.5).nextAt - T).toBe(90_000);
    expect(afterFailure(null, { ...fault, wish: 1 }, T, 0.5).nextAt - T).toBe(5000);
    expect(afterFailure(null, { ...fault, wish: 1e12 }, T, 0.5).nextAt - T).toBe(HOUR);
  });

  it('are over when the time since the first is', () => {
    const tries = afterFailure(null, fault, T, 0.5);
    expect([isOver(tries, T + 72 * HOUR - 1, 72 * HOUR), isOver(tries, T + 72 * HOUR, 72 * HOUR)]).toEqual([
      false,
      true,
    ]);
  });

  it('are hopeless for an event as old as that, whose receiver has taken nothing for as long', () => {
    const time = 72 * HOUR;
    expect(isHopeless(T, T, T + time, time)).toBe(true);
    expect(isHopeless(T + 1, T, T + time, time)).toBe(false);
    expect(isHopeless(T, T + 1, T + time, time)).toBe(false);
    expect(isHopeless(T, null, T + time, time)).toBe(false);
  });
});

describe('an event', () => {
  const failures = (many: number, takenBetween: boolean): Tries => {
    let tries: Tries | null = null;
    let now = T;
    for (let index = 0; index < many; index += 1) {
      tries = afterFailure(tries, fault, now, 0.5, takenBetween ? now - 1 : T - 1);
      now = tries.nextAt;
    }
    if (!tries) throw new Error('at least one');
    return tries;
  };

  it('is at fault when it fails ten times while others are taken', () => {
    expect([isAtFault(failures(9, true)), isAtFault(failures(10, true))]).toEqual([false, true]);
  });

  it('is never at fault where no connection could be made', () => {
    let tries = failures(9, true);
    for (let index = 0; index < 20; index += 1)
      tries = afterFailure(tries, { ...fault, met: false }, tries.nextAt, 0.5, tries.nextAt);
    expect([isAtFault(tries), isSuspect(tries), tries.count]).toEqual([false, false, 29]);
  });

  it('is not at fault when nothing else was taken meanwhile, however long that lasts', () => {
    expect(isAtFault(failures(80, false))).toBe(false);
  });
});
