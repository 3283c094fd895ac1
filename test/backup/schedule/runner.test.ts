import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BackupSchedule } from '../../../backup/schedule/backup-schedule.ts';
import type { LastBackup } from '../../../backup/schedule/due.ts';
import { ScheduleRunner } from '../../../backup/schedule/runner.ts';
import { WharfError } from '../../../common/errors.ts';
import { createLogger } from '../../../common/logger.ts';
import type { Operation } from '../../../fleet/backup/api.ts';
import { anOperation } from '../../helpers/backup-values.ts';
import { DrivenClock } from '../../helpers/driven-clock.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const log = createLogger('silent', {}, process.stderr);

/** Runs that take three minutes, and end as a test says. */
class Runs {
  readonly begun: number[] = [];
  state: Operation['state'] = 'done';
  busy = false;
  storeFails = false;
  lasts = 3 * MINUTE;
  made: { at: number } | null = null;
  readonly #clock: DrivenClock;

  constructor(clock: DrivenClock) {
    this.#clock = clock;
  }

  begin(): Operation {
    if (this.busy) throw new WharfError('backup_busy', 'It is at something else.');
    this.begun.push(this.#clock.now());
    return anOperation({ id: `run-${this.begun.length}` });
  }

  async ended(id: string): Promise<Operation> {
    const began = this.#clock.now();
    await this.#clock.sleep(this.lasts);
    if (this.state === 'done') this.made = { at: began };
    return anOperation({ id, state: this.state });
  }

  async learn(): Promise<void> {
    if (this.storeFails) throw new WharfError('backup_store_failed', 'It does not answer.');
  }

  last(): LastBackup | null {
    return this.made && { made: this.made.at, age: this.#clock.now() - this.made.at };
  }
}

describe('ScheduleRunner', () => {
  let clock: DrivenClock;
  let runs: Runs;
  let term: AbortController;
  let running: Promise<void> | undefined;
  beforeEach(async () => {
    clock = new DrivenClock();
    runs = new Runs(clock);
    term = new AbortController();
    // To 20 minutes past an hour, with a backup of that hour.
    await clock.pass(HOUR - (clock.now() % HOUR) + 20 * MINUTE);
    runs.made = { at: clock.now() - 20 * MINUTE };
  });
  afterEach(async () => {
    term.abort(new Error('the test is over'));
    await clock.pass(3 * HOUR);
    await running;
  });

  function start(): ScheduleRunner {
    const schedule = new BackupSchedule('0 * * * *');
    const runner = new ScheduleRunner({ schedule, jitter: 0, runs, clock, log });
    running = runner.run(term.signal);
    return runner;
  }
  const minutes = () => runs.begun.map((time) => (time % HOUR) / MINUTE);

  it('makes one backup an hour, and tells when the next one is', async () => {
    const runner = start();
    await clock.pass(10 * MINUTE);
    expect(runner.next).toBe(clock.now() + 30 * MINUTE);
    await clock.pass(4 * HOUR);
    expect(minutes()).toEqual([0, 0, 0, 0]);
  });

  it('begins none while one runs that takes longer than an hour, then at once the one for the hour that passed', async () => {
    runs.lasts = 100 * MINUTE;
    start();
    await clock.pass(40 * MINUTE + 99 * MINUTE);
    expect(runs.begun).toHaveLength(1);
    await clock.pass(2 * MINUTE);
    expect(minutes()).toEqual([0, 40]);
  });

  it('tries again after five minutes, ten and twenty where runs fail, and at the next hour', async () => {
    runs.state = 'failed';
    runs.lasts = 0;
    start();
    await clock.pass(40 * MINUTE + 61 * MINUTE);
    expect(minutes()).toEqual([0, 5, 15, 35, 0]);
  });

  it('waits where something else is done, and goes on after it', async () => {
    runs.busy = true;
    start();
    await clock.pass(50 * MINUTE);
    expect(runs.begun).toEqual([]);
    runs.busy = false;
    await clock.pass(MINUTE);
    expect(runs.begun).toHaveLength(1);
  });

  it('makes none before it could find out what there is', async () => {
    runs.storeFails = true;
    runs.made = null;
    start();
    await clock.pass(30 * MINUTE);
    expect(runs.begun).toEqual([]);
    runs.storeFails = false;
    await clock.pass(MINUTE);
    expect(runs.begun).toHaveLength(1);
  });

  it('makes none when its term is over', async () => {
    const runner = start();
    await clock.pass(10 * MINUTE);
    term.abort(new Error('the lease is lost'));
    await clock.pass(2 * HOUR);
    expect(runs.begun).toEqual([]);
    expect(runner.next).toBeNull();
  });
});
