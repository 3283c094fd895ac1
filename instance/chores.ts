import type { Clock } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import type { Logger } from '../common/logger.ts';

/** Something that is done again and again, one after the other. Milliseconds. */
export interface Chore {
  every: number;
  /** How long after the start it is done first. */
  after: number;
  run: (signal: AbortSignal) => Promise<void>;
}

/** Does something now and then, one at a time, until aborted; a failure is logged and the next try made. */
export async function every(
  milliseconds: number,
  signal: AbortSignal,
  clock: Clock,
  log: Logger,
  task: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    await task().catch((error: unknown) =>
      log.warn({ reason: messageOf(error) }, 'a task that comes round failed'),
    );
    await clock.sleep(milliseconds, signal).catch(() => {});
  }
}

/** Does a chore again and again until aborted; what is under way then is not waited for. */
export async function keepDoing(chore: Chore, signal: AbortSignal, clock: Clock, log: Logger): Promise<void> {
  await clock.sleep(chore.after, signal).catch(() => {});
  await every(chore.every, signal, clock, log, () => untilAborted(chore.run(signal), signal));
}

/** Resolves when the signal is aborted, or settles as what is under way does. Each run listens for itself: a promise that outlives them all would keep something of each. */
async function untilAborted(running: Promise<void>, signal: AbortSignal): Promise<void> {
  let leave = () => {};
  const aborted = new Promise<void>((resolve) => {
    leave = resolve;
  });
  signal.addEventListener('abort', leave, { once: true });
  try {
    await Promise.race([running, aborted]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}
