import { createTask, parse, type ScheduledTask, validateDetailed } from 'node-cron';
import { WharfError } from '../../common/errors.ts';

const SECOND = 1000;
const DAY = 24 * 3_600_000;

/** Days that are looked at for a time: the 29th of February comes once in eight years at the least. */
const MOST_DAYS = 8 * 366;

/** The moments that a schedule names, in UTC, where a day always has 24 hours. node-cron says what a schedule is and which days it means. */
export class BackupSchedule {
  readonly pattern: string;
  readonly #task: ScheduledTask;
  /** Milliseconds since midnight, ascending. */
  readonly #times: readonly number[];

  /**
   * Throws WharfError `config_invalid` for a text that is no schedule, or one that never comes.
   *
   * @param variable what it was set by
   */
  constructor(pattern: string, variable = 'BACKUP_SCHEDULE') {
    const { valid, errors } = validateDetailed(pattern);
    if (!valid)
      throw invalid(variable, pattern, errors.map(({ field, message }) => `${field}: ${message}`).join('; '));
    this.pattern = pattern;
    // Never started: it is asked which moments it names.
    this.#task = createTask(pattern, () => {}, { timezone: 'UTC' });
    const { hour, minute, second } = parse(pattern);
    const times = hour.flatMap((h) =>
      minute.flatMap((m) => second.map((s) => ((h * 60 + m) * 60 + s) * SECOND)),
    );
    this.#times = times.sort((a, b) => a - b);
    if (this.next(0) === null) throw invalid(variable, pattern, 'it names no day that there is');
  }

  /** The first moment after a time, milliseconds since 1970; null: none for years. */
  next(after: number): number | null {
    return this.#find(after, 1, (time) => time > after);
  }

  /** The last moment at or before a time; null: none for years. */
  previous(until: number): number | null {
    return this.#find(until, -1, (time) => time <= until);
  }

  #find(from: number, direction: 1 | -1, fits: (time: number) => boolean): number | null {
    const first = Math.floor(from / DAY) * DAY;
    const times = direction === 1 ? this.#times : this.#times.toReversed();
    for (let days = 0; days <= MOST_DAYS; days += 1) {
      const midnight = first + direction * days * DAY;
      const time = times.find((each) => fits(midnight + each));
      if (time !== undefined && this.#task.match(new Date(midnight + time))) return midnight + time;
    }
    return null;
  }
}

function invalid(variable: string, pattern: string, why: string): WharfError {
  return new WharfError(
    'config_invalid',
    `${variable} is no schedule as cron has them (${JSON.stringify(pattern.slice(0, 100))}: ${why}). Every hour is "0 * * * *", Sundays at half past three "30 3 * * 0".`,
  );
}
