const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Milliseconds before the second try, the third ...; the last one is repeated. */
const DELAYS = [5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR] as const;

/** By how much of itself a delay is spread either way, so that what failed together does not come again together. */
const JITTER = 0.2;

/** A receiver may ask us to wait (`Retry-After`), but no longer than this. */
const LONGEST_WISH = HOUR;

/** After so many tries an event that is not taken while others are is set aside. */
const TRIES_BEFORE_ASIDE = 10;

/** What is remembered of an event that was tried. Times in milliseconds since 1970. */
export interface Tries {
  count: number;
  /** How many met the receiver, whatever came of it; the others met no connection, and say nothing of the event. */
  met: number;
  lastMet: boolean;
  /** How many failures came after others had been taken since the failure before: those are its own. */
  alone: number;
  firstAt: number;
  lastAt: number;
  nextAt: number;
  /** Why the last one failed, for people. */
  reason: string;
  /** The HTTP status of the last answer; null where there was none. */
  status: number | null;
}

/** How a try failed. */
export interface TryFault {
  reason: string;
  /** False where no connection could be made. */
  met: boolean;
  status: number | null;
  /** What `Retry-After` asked for, milliseconds. */
  wish?: number | undefined;
}

/**
 * What a failed try leaves behind: when the next one is due.
 *
 * @param random from 0 to 1
 * @param lastTakenAt when the receiver took another event last; null: never
 */
export function afterFailure(
  before: Tries | null,
  fault: TryFault,
  now: number,
  random: number,
  lastTakenAt: number | null = null,
): Tries {
  const count = (before?.count ?? 0) + 1;
  const delay = DELAYS[Math.min(count, DELAYS.length) - 1] ?? HOUR;
  const spread = delay * (1 + JITTER * (2 * random - 1));
  const wait = Math.max(spread, Math.min(fault.wish ?? 0, LONGEST_WISH));
  const others = fault.met && before !== null && lastTakenAt !== null && lastTakenAt >= before.lastAt;
  return {
    count,
    met: (before?.met ?? 0) + (fault.met ? 1 : 0),
    lastMet: fault.met,
    alone: (before?.alone ?? 0) + (others ? 1 : 0),
    firstAt: before?.firstAt ?? now,
    lastAt: now,
    nextAt: Math.round(now + wait),
    reason: fault.reason,
    status: fault.status,
  };
}

/** Whether an event is at fault and not its receiver: nine times it was refused again after others had been taken. */
export function isAtFault({ alone }: Tries): boolean {
  return alone >= TRIES_BEFORE_ASIDE - 1;
}

/** Whether an event may be at fault: it met the receiver often enough, and did so last. */
export function isSuspect(tries: Tries | null): boolean {
  return tries?.lastMet === true && tries.met >= TRIES_BEFORE_ASIDE;
}

/** Whether an event has been tried for so long that it is given up. @param retryTime milliseconds from the first try */
export function isOver(tries: Tries, now: number, retryTime: number): boolean {
  return now - tries.firstAt >= retryTime;
}

/**
 * Whether an event that was not tried itself, or not for long, is given up with the others of its receiver: it is as old as an event is
 * retried, and the receiver has taken nothing for all that time. Else each would need three days of its own, one after the other.
 *
 * @param at when it happened
 * @param failingSince since when the receiver takes nothing; null: it takes events
 */
export function isHopeless(at: number, failingSince: number | null, now: number, retryTime: number): boolean {
  return failingSince !== null && now - failingSince >= retryTime && now - at >= retryTime;
}
