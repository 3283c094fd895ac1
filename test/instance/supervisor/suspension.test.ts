import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { WakefulClock } from '../../../instance/supervisor/suspension.ts';

describe('the clock of a supervisor', () => {
  const make = () => {
    const host = { time: 50_000, asleep: 0 };
    const clock = new WakefulClock(
      { ...systemClock, monotonic: () => host.time },
      () => 1_000_000 + host.time + host.asleep,
    );
    return { host, clock };
  };

  it('goes with the monotonic clock of the host while it is awake', () => {
    const { host, clock } = make();
    expect(clock.monotonic()).toBe(50_000);
    host.time += 3000;
    host.asleep += 15;
    expect(clock.monotonic()).toBe(53_000);
    expect(clock.suspended).toBe(0);
    expect(clock.toHostClock(53_000)).toBe(53_000);
  });

  it('has gone on by as long as the machine was suspended', () => {
    const { host, clock } = make();
    host.asleep += 60_000;
    expect(clock.monotonic()).toBe(110_000);
    host.asleep += 5000;
    host.time += 100;
    expect(clock.monotonic()).toBe(115_100);
    expect(clock.suspended).toBe(65_000);
    expect(clock.toHostClock(115_100)).toBe(50_100);
  });

  it('wakes whoever slept over the time at which it should have woken', async () => {
    const { host, clock } = make();
    const slept = clock.sleep(600_000);
    host.asleep += 600_000;
    clock.monotonic();
    await slept;
  });

  it('lets those sleep on whose time has not come', async () => {
    const { host, clock } = make();
    let woken = false;
    const slept = clock.sleep(600_000).then(() => {
      woken = true;
    });
    host.asleep += 10_000;
    clock.monotonic();
    await new Promise((resolve) => setImmediate(resolve));
    expect(woken).toBe(false);
    host.asleep += 590_000;
    clock.monotonic();
    await slept;
  });

  it('ends a sleep that is aborted', async () => {
    const { clock } = make();
    const stop = new AbortController();
    const slept = clock.sleep(600_000, stop.signal);
    stop.abort(new Error('enough'));
    await expect(slept).rejects.toThrow('enough');
    await expect(clock.sleep(600_000, stop.signal)).rejects.toThrow('enough');
  });

  it('reads clocks of this machine that agree', () => {
    const clock = new WakefulClock(systemClock);
    clock.monotonic();
    expect(clock.suspended).toBe(0);
  });
});
