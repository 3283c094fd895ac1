import type { BackupId, BackupSummary } from '../../fleet/backup/api.ts';
import { byMade } from '../manifest/backup-ids.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** A backup stays for so long after a newer one was put: a run that builds on it, or somebody who restores from it, may be at it still. */
const YOUNG = DAY;
/** One that cannot be read stays for so long: somebody may mend it, or a newer version of Wharf may have written it. */
const DAMAGED = 2 * DAY;

/** Why a backup is kept. */
export type KeepReason = BackupSummary['kept_as'][number];

/** A backup, as far as the retention looks at it. */
export interface RetentionBackup {
  id: BackupId;
  /** When it was made, milliseconds since 1970: see `madeAt`. */
  made: number;
  /** When its manifest was put, by the store's clock, milliseconds since 1970. */
  modified: number;
  state: BackupSummary['state'];
}

/** How many are kept. */
export interface KeepNumbers {
  /** Hours that have backups, at least 1. */
  hourly: number;
  /** Days that have backups, 0 or more. */
  daily: number;
}

export interface RetentionPlan {
  /** Newest first. */
  keep: { id: BackupId; reasons: KeepReason[] }[];
  /** Newest first. */
  remove: { id: BackupId; reason: string }[];
}

/**
 * Which backups stay. Pure.
 *
 * - `hourly`, `daily`: of the last so many hours, and days, that *have* backups (in UTC), the newest that can be read. Hours without backups do not count, so that
 *   after an outage, however long, as many are there as before it.
 * - `last_good`: the newest that is complete, whatever came after it.
 * - `young`: it was the newest until less than a day ago.
 * - `damaged`: it cannot be read, and is younger than two days, or nothing complete is newer. It is never counted as one of an hour or a day.
 *
 * A backup whose id is from the future (a clock was ahead) counts as made when the store says that it was put; a clock that was behind makes a backup look old, and
 * then `young` keeps it for a day.
 *
 * @param now by the store's clock, milliseconds since 1970
 */
export function retain(
  backups: readonly RetentionBackup[],
  now: number,
  { hourly, daily }: KeepNumbers,
): RetentionPlan {
  const newestFirst = [...backups].sort(byMade).reverse();
  const readable = newestFirst.filter(({ state }) => state !== 'damaged');
  const good = readable.find(({ state }) => state === 'complete');
  const keptHourly = newestOfEach(readable, HOUR, hourly);
  const keptDaily = newestOfEach(readable, DAY, daily);
  const young = newestLately(readable, now);

  const reasonsOf = (backup: RetentionBackup): KeepReason[] => {
    if (backup.state === 'damaged') return mayBeMended(backup, good, now) ? ['damaged'] : [];
    const reasons: KeepReason[] = [];
    if (keptHourly.has(backup)) reasons.push('hourly');
    if (keptDaily.has(backup)) reasons.push('daily');
    if (backup === good) reasons.push('last_good');
    if (young.has(backup)) reasons.push('young');
    return reasons;
  };

  const plan: RetentionPlan = { keep: [], remove: [] };
  for (const backup of newestFirst) {
    const reasons = reasonsOf(backup);
    if (reasons.length > 0) plan.keep.push({ id: backup.id, reasons });
    else plan.remove.push({ id: backup.id, reason: whyRemoved(backup, good, keptHourly, keptDaily) });
  }
  return plan;
}

/** Of the last so many stretches of time that have backups, the newest of each. */
function newestOfEach(
  newestFirst: readonly RetentionBackup[],
  stretch: number,
  count: number,
): Set<RetentionBackup> {
  const newest = new Map<number, RetentionBackup>();
  for (const backup of newestFirst) {
    const at = Math.floor(backup.made / stretch);
    if (newest.size < count && !newest.has(at)) newest.set(at, backup);
  }
  return new Set(newest.values());
}

/** Those after which the next newer one was put less than a day ago, or none; or that were put so late themselves. A store that was copied says so of all of them, for a day. */
function newestLately(newestFirst: readonly RetentionBackup[], now: number): Set<RetentionBackup> {
  const late = ({ modified }: RetentionBackup) => now - modified < YOUNG;
  return new Set(
    newestFirst.filter((backup, at) => {
      const newer = newestFirst[at - 1];
      return newer === undefined || late(newer) || late(backup);
    }),
  );
}

function mayBeMended(backup: RetentionBackup, good: RetentionBackup | undefined, now: number): boolean {
  return good === undefined || good.made < backup.made || now - backup.modified < DAMAGED;
}

function whyRemoved(
  backup: RetentionBackup,
  good: RetentionBackup | undefined,
  keptHourly: ReadonlySet<RetentionBackup>,
  keptDaily: ReadonlySet<RetentionBackup>,
): string {
  if (backup.state === 'damaged') return `it cannot be read, and ${good?.id} is newer and whole`;
  for (const [kept, stretch, word] of [
    [keptHourly, HOUR, 'hour'],
    [keptDaily, DAY, 'day'],
  ] as const) {
    const newer = [...kept].find(({ made }) => sameStretch(made, backup.made, stretch));
    if (newer) return `${newer.id} is newer in the same ${word}`;
  }
  return `it is of none of the last ${counted(keptHourly.size, 'hour')} and ${counted(keptDaily.size, 'day')} that have backups`;
}

function sameStretch(one: number, other: number, stretch: number): boolean {
  return Math.floor(one / stretch) === Math.floor(other / stretch);
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
