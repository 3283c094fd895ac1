import pMap from 'p-map';
import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Restore, RestoreItem } from '../../fleet/backup/api.ts';
import type { BackedUpSession, Manifest } from '../manifest/manifest.ts';
import { secondsLeft } from '../progress.ts';
import type { FleetFiles } from './fleet-files.ts';
import type { RestoreJob, RestoreJobs } from './restore-jobs.ts';
import {
  isPrepared,
  prepareSession,
  type RestoreSessionParts,
  removePrepared,
  type SessionTask,
  switchSession,
  undoSession,
} from './restore-session.ts';

/** Sessions that are restored at one time: one is fetched while another's browser is started. */
const AT_ONCE = 4;

/** What a restore is carried out with. */
export interface RestoreRunParts extends RestoreSessionParts {
  jobs: Pick<RestoreJobs, 'save'>;
  fleetFiles: Pick<FleetFiles, 'writeBack'>;
  clock: Clock;
  log: Logger;
}

/**
 * Carries one restore out, or goes on with it, or undoes it. Each session goes through `waiting`, `preparing`, `switching` to `restored`, each step written down when it
 * begins; a step that was cut off is done again, since assembling begins anew, and its owner answers the same once it is done. One that fails is named, and holds up no other.
 */
export class RestoreRun {
  readonly job: RestoreJob;
  readonly #parts: RestoreRunParts;
  /** Aborted where this service must let go of it: it stays as it is, for whoever goes on. */
  readonly #signal: AbortSignal;
  /** Aborted where it was cancelled. */
  readonly #cancelled = new AbortController();
  readonly #began: number;

  constructor(job: RestoreJob, parts: RestoreRunParts, signal: AbortSignal) {
    this.job = job;
    this.#parts = parts;
    this.#signal = signal;
    this.#began = parts.clock.monotonic();
    if (job.cancel) this.#cancelled.abort();
  }

  /** Seconds that are left, as far as that can be told. */
  get leftSeconds(): number | null {
    const { bytes, done_bytes, state } = this.job.restore;
    if (state !== 'running') return null;
    return secondsLeft({ done: done_bytes, total: bytes }, this.#parts.clock.monotonic() - this.#began);
  }

  /** Sessions that are not being put in place yet stay as they are. */
  async cancel(): Promise<void> {
    this.job.cancel = true;
    await this.#parts.jobs.save(this.job);
    this.#cancelled.abort();
  }

  /** Restores what is left to restore. Throws the signal's reason where that was aborted; then it stays `running`. */
  async restore(manifest: Pick<Manifest, 'sessions' | 'fleet'>): Promise<void> {
    const { restore } = this.job;
    const bySession = new Map(manifest.sessions.map((one) => [keyOf(one.record), one]));
    restore.done_bytes = sum(restore.sessions.filter(({ state }) => state === 'restored'));
    await this.#parts.fleetFiles.writeBack(manifest.fleet, restore.fleet_files);
    const open = restore.sessions.filter(({ state }) => OPEN.has(state));
    await pMap(open, (item) => this.#restoreOne(item, bySession.get(keyOf(item))), { concurrency: AT_ONCE });
    this.#signal.throwIfAborted();
    const failed = restore.sessions.some(({ state }) => state === 'failed');
    await this.#end(this.job.cancel ? 'cancelled' : failed ? 'failed' : 'done');
  }

  /** Ends it with what is restored: nothing more of it can be. */
  async giveUp(error: unknown): Promise<void> {
    for (const item of this.job.restore.sessions)
      if (OPEN.has(item.state)) Object.assign(item, { state: 'failed', error: messageOf(error) });
    await this.#end('failed');
  }

  /** Puts back what it replaced. Throws the signal's reason where that was aborted; then it stays `undoing`. */
  async undo(): Promise<void> {
    const { restore } = this.job;
    const open = restore.sessions.filter(({ state }) => state === 'restored');
    await pMap(open, (item) => this.#undoOne(item), { concurrency: AT_ONCE });
    this.#signal.throwIfAborted();
    await this.#end(restore.sessions.some(({ state }) => state === 'restored') ? 'failed' : 'undone');
  }

  async #end(state: Restore['state']): Promise<void> {
    const { clock, jobs } = this.#parts;
    this.job.restore.state = state;
    this.job.restore.ended_at = new Date(clock.now()).toISOString();
    await jobs.save(this.job);
  }

  async #restoreOne(item: RestoreItem, session: BackedUpSession | undefined): Promise<void> {
    if (this.#signal.aborted) return;
    if (!session)
      return await this.#set(item, { state: 'failed', error: 'It is not in the backup any more.' });
    const { id, request } = this.job.restore;
    const task: SessionTask = { restore: id, session, forced: request.force };
    try {
      // What its owner was not asked for yet is not put in place any more where it was cancelled: preparing ends at once then.
      const mayBeReady = item.state === 'switching' || !this.#cancelled.signal.aborted;
      const ready = mayBeReady && (await this.#isReady(task, item));
      if (!ready && !(await this.#prepare(task, item))) return;
      await this.#set(item, { state: 'switching' });
      const trash = await switchSession(task, this.#parts, this.#signal);
      await this.#set(item, { state: 'restored', trash });
    } catch (error) {
      if (this.#signal.aborted) return;
      await this.#failed(item, error);
      await this.#remove(task);
    }
  }

  /** Whether the owner need only be asked: all is prepared, or it has the session already. */
  async #isReady(task: SessionTask, item: RestoreItem): Promise<boolean> {
    if (await isPrepared(task, this.#parts.paths)) {
      this.job.restore.done_bytes += item.bytes;
      return true;
    }
    if (item.state !== 'switching') return false;
    // The answer may have been lost with the service that waited for it.
    const trash = await switchSession(task, this.#parts, this.#signal).catch(() => undefined);
    if (trash === undefined) return false;
    item.trash = trash;
    return true;
  }

  /** False where it was cancelled meanwhile. */
  async #prepare(task: SessionTask, item: RestoreItem): Promise<boolean> {
    const { restore } = this.job;
    const signal = AbortSignal.any([this.#signal, this.#cancelled.signal]);
    let written = 0;
    try {
      signal.throwIfAborted();
      await this.#set(item, { state: 'preparing' });
      const onBytes = (bytes: number) => {
        written += bytes;
        restore.done_bytes += bytes;
      };
      await prepareSession(task, this.#parts, { signal, onBytes });
      signal.throwIfAborted();
      return true;
    } catch (error) {
      restore.done_bytes -= written;
      if (!this.#cancelled.signal.aborted || this.#signal.aborted) throw error;
      await this.#remove(task);
      await this.#set(item, { state: 'cancelled' });
      return false;
    }
  }

  async #undoOne(item: RestoreItem): Promise<void> {
    if (this.#signal.aborted) return;
    const name = { workspace: String(item.workspace_id), session: item.session_id };
    try {
      await undoSession(name, this.job.restore.id, this.#parts, this.#signal);
      await this.#set(item, { state: 'undone', error: null });
    } catch (error) {
      if (this.#signal.aborted) return;
      this.#log(item, error, 'the restore of a session could not be undone');
      await this.#set(item, { error: messageOf(error) });
    }
  }

  async #failed(item: RestoreItem, error: unknown): Promise<void> {
    this.#log(item, error, 'a session could not be restored');
    await this.#set(item, { state: 'failed', error: messageOf(error) });
  }

  #log({ workspace_id: workspace, session_id: session }: RestoreItem, error: unknown, what: string): void {
    const { id } = this.job.restore;
    this.#parts.log.error({ restore: id, workspace, session, reason: messageOf(error) }, what);
  }

  async #set(item: RestoreItem, change: Partial<RestoreItem>): Promise<void> {
    Object.assign(item, change);
    await this.#parts.jobs.save(this.job);
  }

  async #remove(task: SessionTask): Promise<void> {
    await removePrepared(task, this.#parts.paths).catch((error: unknown) =>
      this.#parts.log.warn(
        { reason: messageOf(error) },
        'what was prepared of a restore could not be removed',
      ),
    );
  }
}

const OPEN: ReadonlySet<RestoreItem['state']> = new Set(['waiting', 'preparing', 'switching']);

function keyOf(of: { workspace_id: string | number; session_id: string }): string {
  return `${of.workspace_id}/${of.session_id}`;
}

function sum(items: readonly RestoreItem[]): number {
  return items.reduce((total, { bytes }) => total + bytes, 0);
}
