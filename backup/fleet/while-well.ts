import type { Clock } from '../../common/clock.ts';
import { WharfError } from '../../common/errors.ts';
import { within } from '../../common/within.ts';

/** What an instance is waited for with. */
export interface WaitingParts {
  clock: Pick<Clock, 'sleep'>;
  /** Milliseconds between two looks whether it is well. */
  interval: number;
  /** Looks that are taken at most; at the last it is given up. */
  most: number;
  /** Resolves where the instance answers that it is well. */
  look: (signal: AbortSignal) => Promise<unknown>;
}

/**
 * Waits for something that may take an instance minutes, for as long as it is well: one that hangs is known after one look.
 *
 * @param what names it, with the instance
 * @throws WharfError `instance_unavailable` where the instance is not well, `timeout` where it takes too long all the same; what the work throws; the signal's reason
 */
export async function whileWell<T>(
  what: string,
  { clock, interval, most, look }: WaitingParts,
  until: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { signal, end } = within(until);
  const watch = async (): Promise<never> => {
    for (let count = 1; ; count += 1) {
      await clock.sleep(interval, signal);
      if (count >= most) throw tooLong(what, interval * most);
      await look(signal).catch((cause: unknown) => {
        signal.throwIfAborted();
        throw notWell(what, cause);
      });
    }
  };
  try {
    return await Promise.race([work(signal), watch()]);
  } finally {
    end(new Error(`${what} is not waited for any more`));
  }
}

function notWell(what: string, cause: unknown): WharfError {
  return new WharfError(
    'instance_unavailable',
    `${what} does not come, and its instance does not say that it is well (its /health). Is its host, or the storage there, hanging?`,
    { cause },
  );
}

function tooLong(what: string, milliseconds: number): WharfError {
  return new WharfError(
    'timeout',
    `${what} did not come within ${Math.round(milliseconds / 1000)} s, though its instance is well. The profile is large, or the storage slow: wharf doctor measures it.`,
  );
}
