/** Time, so that tests and simulation can have their own. */
export interface Clock {
  /** Wall clock, milliseconds since 1970; may jump. */
  now(): number;
  /** Monotonic clock, milliseconds since some moment; never goes back. */
  monotonic(): number;
  /** Resolves after so many milliseconds; rejects with the signal's reason when aborted first. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's clocks. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, milliseconds);
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
};

/**
 * The promise's outcome, or a rejection after so many milliseconds. The promise itself goes on: give it a signal where it can be stopped.
 *
 * @param late makes the error
 */
export function withDeadline<T>(promise: Promise<T>, milliseconds: number, late: () => Error): Promise<T> {
  return withinTime(systemClock, milliseconds, promise, late);
}

/** Why a deadline's sleep is given up; made once, since an error is dear and this one is never shown. */
const OVER = new Error('the deadline is of no interest any more');

/** {@link withDeadline} on a clock that a simulation may have in hand. */
export async function withinTime<T>(
  clock: Clock,
  milliseconds: number,
  promise: Promise<T>,
  late: () => Error,
): Promise<T> {
  const done = new AbortController();
  const deadline = clock.sleep(milliseconds, done.signal).then(
    () => Promise.reject(late()),
    () => new Promise<never>(() => {}),
  );
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    done.abort(OVER);
  }
}
