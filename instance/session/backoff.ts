/** How reconnects are spaced. */
export interface BackoffRules {
  /** Milliseconds before the first repeated try; doubles with each (`WHATSAPP_RECONNECT_BASE_DELAY`). */
  base: number;
  /** After so many tries it is an alarm (`WHATSAPP_MAX_RECONNECT_ATTEMPTS`). */
  maxAttempts: number;
  /** Milliseconds between tries after that, for ever. */
  slow: number;
}

/** A quarter of an hour: how often a session that would not start ten times is tried, for ever. */
export const SLOW_RETRY = 15 * 60_000;

/** How many times in {@link SUDDEN_WINDOW} a session that was ready is started again without waiting. */
const SUDDEN_LIMIT = 3;
const SUDDEN_WINDOW = 5 * 60_000;

/** What a session remembers of its losses. */
export interface LossHistory {
  /** Tries since it was last ready. */
  attempts: number;
  /** When it was last lost out of `ready`, at most a few, monotonic milliseconds. */
  sudden: readonly number[];
}

export const NO_LOSSES: LossHistory = { attempts: 0, sudden: [] };

/**
 * What follows a loss. A session lost while it was ready (its browser was killed, its page crashed) starts again at once, three times in five
 * minutes at the most; all else waits base, 2 base, 4 base ... and, when the attempts are used up, fifteen minutes each time.
 *
 * @param random from 0 to 1, spreads the delay by up to a tenth so that many sessions lost together do not start together
 * @returns the delay in milliseconds, whether this is the moment to raise the alarm, and the history to keep
 */
export function afterLoss(
  history: LossHistory,
  wasReady: boolean,
  now: number,
  rules: BackoffRules,
  random: number,
): { delay: number; alarm: boolean; history: LossHistory } {
  const recent = history.sudden.filter((time) => now - time < SUDDEN_WINDOW);
  if (wasReady && recent.length < SUDDEN_LIMIT) {
    return { delay: 0, alarm: false, history: { attempts: 0, sudden: [...recent, now] } };
  }
  const attempts = history.attempts + 1;
  const exhausted = attempts > rules.maxAttempts;
  const delay = exhausted ? rules.slow : Math.min(rules.base * 2 ** (attempts - 1), rules.slow);
  return {
    delay: Math.round(delay * (1 + random * 0.1)),
    alarm: attempts === rules.maxAttempts + 1,
    history: { attempts, sudden: recent },
  };
}
