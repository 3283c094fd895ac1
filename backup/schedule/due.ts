import { createHash } from 'node:crypto';
import type { BackupSchedule } from './backup-schedule.ts';

/** Wall and monotonic clock may differ by so many milliseconds before the wall clock counts as set. */
const CLOCK_SLACK = 60_000;

/** The backup that was made last. */
export interface LastBackup {
  /** When its making began, by the wall clock of then, milliseconds since 1970. */
  made: number;
  /** How long ago that is by the monotonic clock, milliseconds. */
  age: number;
}

/** What the next backup depends on. Times are milliseconds, of the wall clock since 1970. */
export interface DueFacts {
  now: number;
  last: LastBackup | null;
  /** When this service began to be the one that makes the backups. */
  since: number;
  /** The longest time by which runs are put off, so that not all fleets of a provider begin at the full hour. */
  jitter: number;
  /** A run that failed: for the same moment there is none before `until`. */
  pause: { slot: number; until: number } | null;
}

/** When the next backup is to be made: at or before `now` means at once. `slot`: the moment of the schedule that it is for. */
export interface Due {
  slot: number;
  at: number;
}

/**
 * When the next backup is due. Every moment of the schedule gets one: the last that passed where none was made since it did, else the next one. Several that were
 * missed are one. Null where the schedule names no moment to come.
 *
 * Where the clock was set since the last backup, a moment may seem to have passed without one, or to come again: then one that is younger than half the time
 * between two moments does for it.
 */
export function nextDue(schedule: BackupSchedule, facts: DueFacts): Due | null {
  const { now, last, since, jitter, pause } = facts;
  const passed = schedule.previous(now);
  const next = schedule.next(now);
  const nextAt = next === null ? null : { slot: next, at: next + putOff(next, jitter) };
  if (passed === null || isCovered(passed, next, now, last)) return nextAt;
  const at = Math.max(passed, since) + putOff(passed, jitter);
  const due = { slot: passed, at: pause?.slot === passed ? Math.max(at, pause.until) : at };
  // What waits for longer than that is the next one's.
  return nextAt !== null && nextAt.at < due.at ? nextAt : due;
}

function isCovered(slot: number, next: number | null, now: number, last: LastBackup | null): boolean {
  if (last === null) return false;
  const truly = now - last.age;
  if (Math.abs(truly - last.made) <= CLOCK_SLACK) return last.made >= slot;
  const between = next === null ? Number.POSITIVE_INFINITY : next - slot;
  return truly >= slot || last.age < between / 2;
}

/** The same for a moment whoever asks: a service that takes over does not draw anew. */
function putOff(slot: number, jitter: number): number {
  const draw = createHash('sha256').update(String(slot)).digest().readUInt32BE(0) / 2 ** 32;
  return Math.floor(draw * jitter);
}
