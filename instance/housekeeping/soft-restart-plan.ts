import { createHash } from 'node:crypto';

/** Why a browser is restarted that does its work: it is old, it takes more memory than a session may, or the host is short of memory and it takes the most. */
export type RestartReason = 'age' | 'memory' | 'host_memory';

/** When browsers are restarted. */
export interface RestartRules {
  /** Milliseconds from which a browser is old; 0: none is. */
  age: number;
  /** Bytes that a session may take; 0: any number. */
  memory: number;
}

/** A browser that runs. */
export interface BrowserFacts {
  /** `workspace/session` */
  key: string;
  /** Milliseconds since it was started. */
  age: number;
  /** What it takes; null where that was not measured yet. */
  bytes: number | null;
  /** False while messages are in hand or due, while it is copied, linked, handed over ...: then nothing is done with it. */
  isCalm: boolean;
  /** Restarts for its memory that came one after the other: the session needs it, it seems. */
  inVain: number;
}

/** How the host stands. */
export interface HostFacts {
  /** Its memory runs out. */
  isShort: boolean;
  /** So many sessions are on their way to ready: a start, a takeover or a restart is under way. */
  starting: number;
  /** Milliseconds since the last restart ended; infinite where there was none. */
  sinceLast: number;
}

/** What is to be restarted next, and why. */
export interface RestartChoice {
  key: string;
  reason: RestartReason;
}

/** A browser that is younger gains little by a restart for its memory, milliseconds. */
const LEAST_AGE = 60 * 60_000;
/** What a session that is restarted in vain must wait at most. */
const LONGEST_WAIT = 24 * 60 * 60_000;
/** Between two restarts, milliseconds: what a restart frees shows in the next measurements. */
const LEAST_GAP = 60_000;
/** Between two restarts for their age at most. */
const LONGEST_GAP = 10 * 60_000;
/** A browser is worth a restart for the host's sake where it takes so many times what most take. */
const HEAVY = 1.5;

/**
 * The age at which a session's browser is due: from the configured one up to twice that, a part of its own for each session, always the same. So those that were started together
 * (after an upgrade, a takeover) are restarted over a whole day.
 *
 * @param age milliseconds (`WHATSAPP_SOFT_RESTART_HOURS`), more than 0
 */
export function dueAge(key: string, age: number): number {
  const share = createHash('sha256').update(key).digest().readUInt32BE(0) / 2 ** 32;
  return Math.round(age * (1 + share));
}

/** Whether a browser's age, or the memory of its session, asks for a restart. */
export function isDue({ age, bytes, inVain, key }: BrowserFacts, rules: RestartRules): RestartReason | null {
  if (rules.memory > 0 && bytes !== null && bytes > rules.memory && age >= patienceAfter(inVain))
    return 'memory';
  return rules.age > 0 && age >= rules.age && age >= dueAge(key, rules.age) ? 'age' : null;
}

/**
 * Chooses the browser to restart now, one at a time. Pure.
 *
 * - Those beyond the limit of memory first, the largest first.
 * - Then, where the host is short of memory, the largest, if it takes clearly more than most: where all take the same, a restart gives nothing back.
 * - Then the one that is most overdue by its age, where nothing else is starting and the last restart is some time ago: what came to be due at once, after a clock or an
 *   instance stood still, is spread as well.
 *
 * None that is not calm.
 */
export function planRestart(
  browsers: readonly BrowserFacts[],
  host: HostFacts,
  rules: RestartRules,
): RestartChoice | null {
  if (host.sinceLast < LEAST_GAP) return null;
  const calm = browsers.filter(({ isCalm }) => isCalm);
  const large = largest(calm.filter((browser) => isDue(browser, rules) === 'memory'));
  if (large) return { key: large.key, reason: 'memory' };
  if (host.isShort) {
    const bound = HEAVY * medianBytes(browsers);
    const heavy = largest(
      calm.filter(({ age, bytes, inVain }) => (bytes ?? 0) > bound && age >= patienceAfter(inVain)),
    );
    if (heavy) return { key: heavy.key, reason: 'host_memory' };
  }
  if (rules.age === 0 || host.sinceLast < ageGap(browsers.length, rules.age)) return null;
  if (host.starting > mayStart(browsers.length)) return null;
  const [oldest] = calm
    .filter(({ age }) => age >= rules.age)
    .map(({ age, key }) => ({ key, overdue: age - dueAge(key, rules.age) }))
    .filter(({ overdue }) => overdue >= 0)
    .sort((a, b) => b.overdue - a.overdue || (a.key < b.key ? -1 : 1));
  return oldest ? { key: oldest.key, reason: 'age' } : null;
}

/** Milliseconds between two restarts for their age: half of what all of them have, so that what was put off is caught up with. */
function ageGap(browsers: number, age: number): number {
  return Math.min(LONGEST_GAP, Math.max(LEAST_GAP, age / 2 / Math.max(1, browsers)));
}

/** Sessions that may be starting all the same: one that cannot be started must not keep all others from it. */
function mayStart(browsers: number): number {
  return Math.floor(browsers / 20);
}

/** The age from which a browser may be restarted for its memory: doubles each time that it was in vain. */
function patienceAfter(inVain: number): number {
  return Math.min(LONGEST_WAIT, LEAST_AGE * 2 ** Math.min(inVain, 10));
}

function largest(browsers: readonly BrowserFacts[]): BrowserFacts | undefined {
  return [...browsers].sort(
    (a, b) => (b.bytes ?? 0) - (a.bytes ?? 0) || b.age - a.age || (a.key < b.key ? -1 : 1),
  )[0];
}

function medianBytes(browsers: readonly BrowserFacts[]): number {
  const known = browsers.flatMap(({ bytes }) => bytes ?? []).sort((a, b) => a - b);
  return known[Math.floor(known.length / 2)] ?? 0;
}
