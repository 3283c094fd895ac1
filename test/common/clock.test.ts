import { describe, expect, it } from 'vitest';
import { systemClock, withDeadline } from '../../common/clock.ts';

describe('the clock', () => {
  it('sleeps until it is aborted, and gives the reason', async () => {
    const abort = new AbortController();
    const reason = new Error('enough');
    const sleeping = expect(systemClock.sleep(600_000, abort.signal)).rejects.toBe(reason);
    abort.abort(reason);
    await sleeping;
    await expect(systemClock.sleep(0, abort.signal)).rejects.toBe(reason);
  });

  it('never goes back', () => {
    const before = systemClock.monotonic();
    expect(systemClock.monotonic()).toBeGreaterThanOrEqual(before);
  });
});

describe('withDeadline', () => {
  const late = () => new Error('late');

  it('gives the outcome that comes in time', async () => {
    expect(await withDeadline(Promise.resolve(1), 600_000, late)).toBe(1);
    await expect(withDeadline(Promise.reject(new Error('no')), 600_000, late)).rejects.toThrow('no');
  });

  it('fails when nothing comes', async () => {
    await expect(withDeadline(new Promise(() => {}), 1, late)).rejects.toThrow('late');
  });
});
