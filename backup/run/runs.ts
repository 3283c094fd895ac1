import { messageOf } from '../../common/errors.ts';
import type { Operation } from '../../fleet/backup/api.ts';
import type { BackupEvents } from '../events.ts';
import { timeOfBackup } from '../manifest/backup-ids.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { factsOf } from '../manifest/summaries.ts';
import type { AfterStep, BackupMetrics } from '../metrics.ts';
import type { OperationHandle, Operations } from '../operations.ts';
import type { LastBackup } from '../schedule/due.ts';
import { type BackupRunParts, makeBackup, type RunResult } from './backup-run.ts';
import type { LastBackupMemory } from './last-backup.ts';

/** Something that is done after each backup; what it throws is told, and fails nothing. */
export interface AfterRun {
  step: AfterStep;
  /** What it is at, in words. */
  doing: string;
  work(manifest: Manifest, operation: OperationHandle): Promise<void>;
}

/** What {@link Runs} needs. */
export interface RunsParts extends Omit<BackupRunParts, 'onCopied' | 'onFrozenInVain'> {
  operations: Operations;
  last: LastBackupMemory;
  metrics: BackupMetrics;
  events: BackupEvents;
  /** Makes sure that `distrusted` has what was found before this service was started. Throws WharfError `backup_store_failed`. */
  recall: () => Promise<void>;
  after: readonly AfterRun[];
}

/** Begins runs, and tells what became of them. */
export class Runs {
  readonly #parts: RunsParts;

  constructor(parts: RunsParts) {
    this.#parts = parts;
  }

  /** Begins a run. Throws WharfError `backup_busy`, `backup_unavailable`. */
  begin(): Operation {
    return this.#parts.operations.begin('run', (operation) => this.#run(operation));
  }

  async ended(id: string): Promise<Operation | undefined> {
    return await this.#parts.operations.ended(id);
  }

  /** Finds out which backup was made last, and tells of it: whoever made it may have died before they could. Throws WharfError `backup_store_failed`. */
  async learn(): Promise<void> {
    const newest = await this.#parts.last.learn(this.#parts.catalog);
    if (newest !== null) void this.#tellCompleted(newest);
  }

  last(): LastBackup | null {
    return this.#parts.last.get();
  }

  async #run(operation: OperationHandle): Promise<{ backup: string }> {
    const { clock, metrics, last } = this.#parts;
    const started = clock.monotonic();
    const { manifest, sessions } = await this.#make(operation);
    last.note(manifest.id, timeOfBackup(manifest.id));
    const seconds = (clock.monotonic() - started) / 1000;
    const bytes = manifest.sessions.reduce((sum, session) => sum + session.bytes, 0);
    metrics.ran({ seconds, sessions, bytes });
    metrics.sent(manifest.sent_bytes);
    const told = this.#tellCompleted(manifest);
    await this.#after(manifest, operation);
    await told;
    return { backup: manifest.id };
  }

  async #make(operation: OperationHandle): Promise<RunResult> {
    const { metrics, events, last } = this.#parts;
    const onCopied: BackupRunParts['onCopied'] = ({ frozen_ms }) => {
      if (frozen_ms !== null) metrics.froze(frozen_ms);
    };
    try {
      await this.#parts.recall();
      const onFrozenInVain = (milliseconds: number) => metrics.froze(milliseconds);
      return await makeBackup({ ...this.#parts, onCopied, onFrozenInVain }, operation);
    } catch (error) {
      // Who takes over makes one.
      if (operation.signal.aborted) throw error;
      metrics.failed();
      const before = last.get();
      await events.tell('backup.failed', operation.id, {
        reason: messageOf(error),
        last_success: before && new Date(before.made).toISOString(),
      });
      throw error;
    }
  }

  /** The same backup has the same event: it is written once, however often it is told. */
  async #tellCompleted(manifest: Manifest): Promise<void> {
    const { id, state, sessions, carried, missed, sent_bytes, started_at, finished_at } =
      await factsOf(manifest);
    await this.#parts.events.tell('backup.completed', id, {
      backup: id,
      state: state === 'complete' ? 'complete' : 'partial',
      sessions,
      carried,
      missed,
      sent_bytes,
      duration_seconds: (Date.parse(finished_at) - Date.parse(started_at)) / 1000,
    });
  }

  async #after(manifest: Manifest, operation: OperationHandle): Promise<void> {
    for (const { step, doing, work } of this.#parts.after) {
      if (operation.signal.aborted) return;
      operation.set({ doing });
      try {
        await work(manifest, operation);
      } catch (error) {
        this.#parts.metrics.afterFailed(step);
        operation.find(`The backup is made, but ${doing} failed: ${messageOf(error)}`);
      }
    }
  }
}
