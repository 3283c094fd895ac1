import type { Clock } from '../../../common/clock.ts';
import { hostClock } from '../../../instance/supervisor/host-clock.ts';

/** A clock on which everything takes so many times less: minutes pass in a test as they would, and nobody waits for them. */
export function fastClock(factor: number): Clock {
  const [now, monotonic] = [hostClock.now(), hostClock.monotonic()];
  const passed = () => (hostClock.monotonic() - monotonic) * factor;
  return {
    now: () => now + passed(),
    monotonic: () => monotonic + passed(),
    sleep: (milliseconds, signal) => hostClock.sleep(milliseconds / factor, signal),
  };
}
