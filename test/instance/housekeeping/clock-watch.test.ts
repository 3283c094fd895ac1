import { describe, expect, it } from 'vitest';
import { createLogger } from '../../../common/logger.ts';
import { ClockWatch } from '../../../instance/housekeeping/clock-watch.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A host's clock, and that of others, which are set by hand. */
function scene() {
  const time = { wall: Date.UTC(2026, 0, 1), monotonic: 0, others: Date.UTC(2026, 0, 1), isAway: false };
  const watch = () =>
    new ClockWatch({
      clock: { now: () => time.wall, monotonic: () => time.monotonic },
      others: async () => {
        if (time.isAway) throw new Error('away');
        return time.others;
      },
      log: createLogger('silent', {}),
    });
  const pass = (milliseconds: number) => {
    time.wall += milliseconds;
    time.monotonic += milliseconds;
    time.others += milliseconds;
  };
  return { pass, time, watch };
}

describe("the watch of the host's clock", () => {
  it('trusts one that is as the others are', async () => {
    const { pass, time, watch } = scene();
    const watching = watch();
    time.wall += 9 * MINUTE;
    expect(await watching.isTrusted()).toBe(true);
    pass(1000 * HOUR);
    expect(await watching.isTrusted()).toBe(true);
  });

  it('trusts none that was wrong before it began, however long', async () => {
    const { pass, time, watch } = scene();
    for (const wrong of [11 * MINUTE, -11 * MINUTE, 9000 * HOUR]) {
      time.wall = time.others + wrong;
      const watching = watch();
      expect(await watching.isTrusted()).toBe(false);
      pass(48 * HOUR);
      expect(await watching.isTrusted()).toBe(false);
    }
  });

  it('trusts none while nobody says what time it is', async () => {
    const { time, watch } = scene();
    const watching = watch();
    time.isAway = true;
    expect(await watching.isTrusted()).toBe(false);
    time.isAway = false;
    expect(await watching.isTrusted()).toBe(true);
  });

  it('trusts one that was set for a day not, also where it is right now', async () => {
    const { pass, time, watch } = scene();
    time.wall += HOUR;
    const watching = watch();
    time.wall -= HOUR;
    expect(await watching.isTrusted()).toBe(false);
    pass(23 * HOUR);
    expect(await watching.isTrusted()).toBe(false);
    pass(HOUR);
    expect(await watching.isTrusted()).toBe(true);
  });
});
