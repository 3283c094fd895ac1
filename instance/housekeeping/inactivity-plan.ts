const DAY = 24 * 60 * 60_000;

/** What is done with a session that nobody uses, in this order. */
export type InactivityStep = 'warn' | 'stop' | 'delete';

/** After how many milliseconds without a message, in or out; 0: never. Without a warning nothing else is done. */
export interface InactivityRules {
  warn: number;
  stop: number;
  delete: number;
}

/** What was done last with a session; as its record keeps it. Times in milliseconds since 1970. */
export interface StepTaken {
  step: 'warn' | 'stop';
  /** When. */
  at: number;
  /** The last activity before it. */
  since: number;
}

/** A session, as far as its inactivity goes. */
export interface InactivityFacts {
  /** When a message came or went last, as far as the record and the instance know; null where nobody counts yet. */
  lastActive: number | null;
  taken: StepTaken | null;
  /** Whether it should run. */
  runs: boolean;
  /** It is kept, however long nobody uses it. */
  isKept: boolean;
}

/** A step that comes, and when: as told to whoever listens. */
export interface NextStep {
  step: 'stop' | 'delete';
  at: number;
}

/** What is to be done with a session. */
export type InactivityPlan =
  | { kind: 'nothing' }
  /** It is counted from now on. */
  | { kind: 'begin' }
  /** Nothing is counted any more. */
  | { kind: 'end' }
  /** It is used again, or kept, or a step was taken by a clock that was ahead: what was done before counts no more. */
  | { kind: 'forget' }
  | { kind: 'step'; step: InactivityStep; since: number; next: NextStep | null };

const NOTHING: InactivityPlan = { kind: 'nothing' };

/**
 * Decides what is to be done with a session that may be in use no more. Pure.
 *
 * Each step is counted from the one before it, which the record keeps: however the clock is set, and however long nobody looked, the warning comes first, and between two
 * steps lies what lies between their settings. And none comes before the session is unused for as long as is set for it.
 *
 * @param now milliseconds since 1970
 */
export function planInactivity(facts: InactivityFacts, rules: InactivityRules, now: number): InactivityPlan {
  const { lastActive, taken, runs, isKept } = facts;
  // What was counted before is old when this is turned on again.
  if (rules.warn === 0) return taken === null && lastActive === null ? NOTHING : { kind: 'end' };
  if (isKept && taken !== null) return { kind: 'forget' };
  // A clock that went back: what seems to come tomorrow is as good as now.
  if (lastActive === null || lastActive > now + DAY) return { kind: 'begin' };
  if (isKept) return NOTHING;
  if (taken === null) {
    if (now - lastActive < rules.warn) return NOTHING;
    return {
      kind: 'step',
      step: 'warn',
      since: lastActive,
      next: nextAfter('warn', now, lastActive, runs, rules),
    };
  }
  const isUsed = lastActive > taken.since || (taken.step === 'stop' && runs);
  if (isUsed) return { kind: 'forget' };
  if (taken.at > now) return { kind: 'forget' };
  const next = nextAfter(taken.step, taken.at, taken.since, runs, rules);
  if (next === null || now < next.at) return NOTHING;
  return {
    kind: 'step',
    step: next.step,
    since: taken.since,
    next: next.step === 'stop' ? nextAfter('stop', now, taken.since, false, rules) : null,
  };
}

/** What follows a step that was taken at a time, of a session that was used last at another; null where nothing does. */
function nextAfter(
  step: 'warn' | 'stop',
  at: number,
  since: number,
  runs: boolean,
  rules: InactivityRules,
): NextStep | null {
  if (step === 'warn' && runs && rules.stop > 0)
    return { step: 'stop', at: Math.max(at - rules.warn, since) + rules.stop };
  if (rules.delete === 0) return null;
  // One that its user had stopped was not stopped for this: it has all the time since its warning.
  const before = step === 'stop' && rules.stop > 0 ? rules.stop : rules.warn;
  return { step: 'delete', at: Math.max(at - before, since) + rules.delete };
}
