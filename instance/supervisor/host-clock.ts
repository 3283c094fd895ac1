import { type Clock, systemClock } from '../../common/clock.ts';

/**
 * The machine's clocks, the monotonic one as all its processes see it (`CLOCK_MONOTONIC`): `performance.now()` counts from a moment that is
 * each process's own, and its values mean nothing to another.
 */
export const hostClock: Clock = {
  ...systemClock,
  monotonic: () => Number(process.hrtime.bigint()) / 1e6,
};
