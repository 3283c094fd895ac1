import type { Clock } from '../../common/clock.ts';
import { isWharfError, messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Operation } from '../../fleet/backup/api.ts';
import type { BackupSchedule } from './backup-schedule.ts';
import { type Due, type LastBackup, nextDue } from './due.ts';

/** The clock may be set while it sleeps: it looks at it again after so many milliseconds. */
const LOOK = 20_000;
/** After a run that failed, the next try for the same moment: after 5 minutes, 10, 20 ... Milliseconds. */
const FIRST_PAUSE = 5 * 60_000;

/** What follows the schedule. The runs are of backups, or of what is made by a schedule as they are. */
export interface RunnerParts {
  schedule: BackupSchedule;
  /** Milliseconds. */
  jitter: number;
  runs: {
    /** Throws WharfError `backup_busy` where it must wait for something else. */
    begin(): Operation | Promise<Operation>;
    /** The operation as it ended. */
    ended(id: string): Promise<Operation | undefined>;
    /** Finds out which one was made last. Throws WharfError `backup_store_failed`. */
    learn(): Promise<void>;
    last(): LastBackup | null;
  };
  clock: Clock;
  log: Logger;
}

/** Makes what the schedule names, while this service is the one that makes the backups. */
export class ScheduleRunner {
  readonly #parts: RunnerParts;
  #since = 0;
  #failed: { slot: number; times: number; until: number } | null = null;
  #next: Due | null = null;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** When the next run is to begin, milliseconds since 1970; null: not known. */
  get next(): number | null {
    return this.#next && Math.max(this.#next.at, this.#parts.clock.now());
  }

  /** Follows the schedule until the signal is aborted. Never rejects. */
  async run(term: AbortSignal): Promise<void> {
    const { clock, log, runs } = this.#parts;
    this.#since = clock.now();
    this.#failed = null;
    let learned = false;
    while (!term.aborted) {
      try {
        // Until the store answers, nobody knows what was made, and no backup could be.
        if (!learned) await runs.learn();
        learned = true;
        await this.#step(term);
      } catch (error) {
        if (!term.aborted) log.warn({ reason: messageOf(error) }, 'the schedule waits; it looks again soon');
        await clock.sleep(LOOK, term).catch(() => undefined);
      }
    }
    this.#next = null;
  }

  async #step(term: AbortSignal): Promise<void> {
    const { schedule, jitter, clock, runs } = this.#parts;
    const now = clock.now();
    const facts = { now, last: runs.last(), since: this.#since, jitter, pause: this.#failed };
    this.#next = nextDue(schedule, facts);
    if (this.#next === null || this.#next.at > now) {
      const wait = this.#next === null ? LOOK : Math.min(LOOK, this.#next.at - now);
      await clock.sleep(wait, term).catch(() => undefined);
      return;
    }
    await this.#make(this.#next.slot, term);
  }

  async #make(slot: number, term: AbortSignal): Promise<void> {
    const { clock, runs } = this.#parts;
    let operation: Operation;
    try {
      operation = await runs.begin();
    } catch (error) {
      if (!isWharfError(error, 'backup_busy')) throw error;
      // What is done now may be a backup that does for this moment.
      await clock.sleep(LOOK, term).catch(() => undefined);
      return;
    }
    const ended = await runs.ended(operation.id);
    if (ended?.state === 'done') return;
    const times = this.#failed?.slot === slot ? this.#failed.times + 1 : 1;
    this.#failed = { slot, times, until: clock.now() + FIRST_PAUSE * 2 ** Math.min(times - 1, 10) };
  }
}
