import { isWharfError, messageOf, WharfError } from '../../common/errors.ts';
import { removeWhole } from '../../common/files.ts';
import type { Space } from '../../common/space.ts';
import type { BackupId, Restore, RestoreItem, RestoreRequest } from '../../fleet/backup/api.ts';
import { newRestoreId } from '../../fleet/backup/restore-ids.ts';
import { describeRefusal } from '../../fleet/backup/restore-rules.ts';
import type { BackupEvents } from '../events.ts';
import type { Catalog, Manifest } from '../manifest/manifest.ts';
import { type ChosenBackup, chooseBackup } from './choose-backup.ts';
import type { FleetFiles } from './fleet-files.ts';
import { findPresent, type PresentParts } from './present-sessions.ts';
import { isOpen, type RestoreJob, RestoreJobs } from './restore-jobs.ts';
import { planRestore } from './restore-plan.ts';
import { RestoreRun, type RestoreRunParts } from './restore-run.ts';
import { requireRoom } from './room.ts';
import { selectSessions } from './select-sessions.ts';

/** How often the backup of a restore that is gone on with is read where the store is away, and the pause between, milliseconds. */
const READS = 12;
const READ_PAUSE = 5000;

/** What {@link Restorer} needs. */
export interface RestorerParts
  extends Omit<RestoreRunParts, 'jobs' | 'fleetFiles' | 'instances'>,
    PresentParts {
  instances: PresentParts['instances'] & RestoreRunParts['instances'];
  catalog: Pick<Catalog, 'list' | 'read'>;
  fleetFiles: FleetFiles;
  events: Pick<BackupEvents, 'tell'>;
  /** The room of the file system of a path. Throws WharfError `storage_unavailable`. */
  spaceOf: (path: string) => Promise<Space>;
  /** Aborted when this service is not the one that makes the backups any more; throws `backup_unavailable` where it is not now. */
  term: () => AbortSignal;
}

/** A restore that is carried out here. */
interface Going {
  run: RestoreRun;
  ended: Promise<void>;
}

/**
 * Restores sessions from backups into the running fleet. Each restore is a file on the session path, written before anything is done and at each step, so that whoever holds the
 * lease next goes on with it.
 */
export class Restorer {
  readonly #parts: RestorerParts;
  readonly #jobs: RestoreJobs;
  readonly #going = new Map<string, Going>();
  /** What is being told of restores that have ended. */
  readonly #telling = new Set<Promise<void>>();

  constructor(parts: RestorerParts) {
    this.#parts = parts;
    this.#jobs = new RestoreJobs(parts.paths, parts.log);
  }

  /**
   * What a restore would change; nothing is changed.
   *
   * @throws WharfError `backup_not_found`, `backup_damaged`, `ambiguous_session`, `storage_unavailable`, `backup_store_failed`
   */
  async plan(request: RestoreRequest): Promise<Restore> {
    return (await this.#plan(request)).restore;
  }

  /**
   * Begins a restore; it goes on after this returned.
   *
   * @throws WharfError as {@link plan}; `restore_refused` where all that was asked for is refused; `storage_full` where it does not fit; `backup_busy` where another one restores one of the sessions;
   *   `backup_unavailable`
   */
  async begin(request: RestoreRequest): Promise<Restore> {
    const term = this.#parts.term();
    const { chosen, restore } = await this.#plan(request);
    requireSome(restore);
    this.#requireFree(restore);
    requireRoom(this.#parts.paths.root, restore.bytes, restore.free_bytes);
    const id = newRestoreId(this.#parts.clock.now());
    const job: RestoreJob = { version: 1, cancel: false, restore: { ...restore, id, state: 'running' } };
    const run = this.#newRun(job, term);
    await this.#go(id, run, () => this.#restore(run, async () => chosen.manifest, term));
    return shown(run);
  }

  /** Newest first. Throws WharfError `storage_unavailable`. */
  async list(): Promise<Restore[]> {
    return (await this.#jobs.list()).map((job) => this.#shown(job));
  }

  /** Throws WharfError `restore_not_found`, `storage_unavailable`. */
  async get(id: string): Promise<Restore> {
    return this.#shown(await this.#jobs.get(id));
  }

  /**
   * Begins to put back what a restore replaced.
   *
   * @throws WharfError `restore_not_found`; `invalid_state` where it goes on still, or restored nothing; `backup_busy`, `backup_unavailable`, `storage_unavailable`
   */
  async undo(id: string): Promise<Restore> {
    const term = this.#parts.term();
    const known = this.#going.get(id);
    if (known && isOpen(known.run.job)) return this.#undoing(known.run, id);
    await known?.ended;
    const job = await this.#jobs.get(id);
    if (job.restore.state === 'undone') return this.#shown(job);
    if (isOpen(job)) throw notYet(id);
    if (!job.restore.sessions.some(({ state }) => state === 'restored'))
      throw new WharfError('invalid_state', `Restore ${id} restored no session that is not undone yet.`);
    this.#requireFree(job.restore);
    job.restore.state = 'undoing';
    job.restore.ended_at = null;
    for (const item of job.restore.sessions) if (item.state === 'restored') item.error = null;
    const run = this.#newRun(job, term);
    await this.#go(id, run, () => this.#undo(run, term));
    return shown(run);
  }

  /**
   * Ends a restore: sessions that were restored stay so.
   *
   * @throws WharfError `restore_not_found`, `invalid_state` where it has ended, `storage_unavailable`, `backup_unavailable`
   */
  async cancel(id: string): Promise<Restore> {
    this.#parts.term();
    const going = this.#going.get(id);
    if (going?.run.job.restore.state !== 'running') {
      const { restore } = going?.run.job ?? (await this.#jobs.get(id));
      if (!going && restore.state === 'running') throw notYet(id);
      throw new WharfError('invalid_state', `Restore ${id} is ${restore.state}: there is nothing to end.`);
    }
    await going.run.cancel();
    return shown(going.run);
  }

  /** Goes on with what others began and did not end. Never throws; where the storage cannot be read, it is tried again for as long as the term lasts. */
  async resume(term: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    while (!term.aborted) {
      try {
        await this.idle();
        for (const { restore } of (await this.#jobs.list()).filter(isOpen))
          await this.#goOnWith(restore.id, term);
        for (const job of await this.#jobs.forgetOld()) await this.#clearUp(job);
        return;
      } catch (error) {
        if (term.aborted) return;
        log.error({ reason: messageOf(error) }, 'restores that were begun cannot be read; tried again');
        await clock.sleep(READ_PAUSE, term).catch(() => undefined);
      }
    }
  }

  async #goOnWith(id: string | null, term: AbortSignal): Promise<void> {
    // One that was begun in this term is not gone on with: it goes on, or has ended since it was listed.
    if (id === null || this.#going.has(id)) return;
    const job = await this.#jobs.get(id);
    if (term.aborted || this.#going.has(id) || !isOpen(job)) return;
    const run = this.#newRun(job, term);
    this.#parts.log.warn({ restore: id, state: job.restore.state }, 'goes on with a restore');
    const going = async () => {
      if (job.restore.state === 'undoing') return await this.#undo(run, term);
      return await this.#restore(run, () => this.#read(job.restore.backup, term), term);
    };
    this.#going.set(id, { run, ended: going() });
  }

  /** Whether one is carried out here. */
  get isAtWork(): boolean {
    return this.#going.size > 0;
  }

  /** Resolves when none is carried out here. */
  async idle(): Promise<void> {
    await Promise.all([...this.#going.values()].map(({ ended }) => ended));
    await Promise.all(this.#telling);
  }

  async #plan(request: RestoreRequest): Promise<{ chosen: ChosenBackup; restore: Restore }> {
    const { catalog, clock, fleetFiles, paths, spaceOf } = this.#parts;
    const chosen = await chooseBackup(catalog, request.at);
    const isWhole = request.session_id === undefined;
    const everything = isWhole && request.workspace_id === undefined;
    // A fleet without sessions has keys and webhooks all the same.
    const selected =
      everything && chosen.manifest.sessions.length === 0 ? [] : selectSessions(chosen.manifest, request);
    const found = await findPresent(chosen.manifest, selected, this.#parts);
    const missing = isWhole ? await fleetFiles.missing(chosen.manifest.fleet, request.workspace_id) : [];
    const room = { space: await spaceOf(paths.root), promised: this.#promised() };
    const now = clock.now();
    return { chosen, restore: planRestore({ chosen, found, request, fleetFiles: missing, room, now }) };
  }

  /** Bytes that restores are still about to write. */
  #promised(): number {
    const running = [...this.#going.values()].map(({ run }) => run.job.restore);
    return running
      .filter(({ state }) => state === 'running')
      .reduce((sum, { bytes, done_bytes }) => sum + Math.max(0, bytes - done_bytes), 0);
  }

  #requireFree(restore: Restore): void {
    const wanted = new Set(restore.sessions.filter(({ state }) => state !== 'refused').map(keyOf));
    for (const { run } of this.#going.values()) {
      if (!isOpen(run.job)) continue;
      const held = run.job.restore.sessions.find(
        (item) => item.state !== 'refused' && wanted.has(keyOf(item)),
      );
      if (!held) continue;
      throw new WharfError(
        'backup_busy',
        `Session ${held.session_id} of workspace ${held.workspace_id} is in restore ${run.job.restore.id}, which is ${run.job.restore.state}. Wait for its end, or cancel it.`,
        { retryAfter: 10, extra: { restore: run.job.restore.id } },
      );
    }
  }

  /** What its owner had begun with, and did not come to its end. */
  async #clearUp({ restore }: RestoreJob): Promise<void> {
    const { paths } = this.#parts;
    for (const { workspace_id, session_id, state } of restore.sessions)
      if (state === 'failed')
        await removeWhole(paths.preparedRestore(String(workspace_id), session_id, restore.id));
  }

  /** Writes a job down, and begins its work. Throws WharfError `storage_unavailable`: then nothing is begun. */
  async #go(id: string, run: RestoreRun, work: () => Promise<void>): Promise<void> {
    // Known before it is written: another one that comes meanwhile is refused.
    const going: Going = { run, ended: Promise.resolve() };
    this.#going.set(id, going);
    try {
      await this.#jobs.save(run.job);
    } catch (error) {
      this.#going.delete(id);
      throw error;
    }
    going.ended = work();
  }

  #newRun(job: RestoreJob, term: AbortSignal): RestoreRun {
    return new RestoreRun(job, { ...this.#parts, jobs: this.#jobs }, term);
  }

  /** What is told of one that goes on where it is to be undone. */
  #undoing(run: RestoreRun, id: string): Restore {
    if (run.job.restore.state === 'undoing') return shown(run);
    throw new WharfError(
      'invalid_state',
      `Restore ${id} goes on still. Cancel it, or wait for its end, then undo it.`,
    );
  }

  async #restore(run: RestoreRun, manifest: () => Promise<Manifest>, term: AbortSignal): Promise<void> {
    await this.#carryOut(run, term, async () => run.restore(await manifest()));
    this.#tell(run);
  }

  /** The backup of a restore that is gone on with: where the store is away just now, it is asked again for a while. */
  async #read(id: BackupId, term: AbortSignal): Promise<Manifest> {
    const { catalog, clock } = this.#parts;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await catalog.read(id);
      } catch (error) {
        if (!isWharfError(error, 'backup_store_failed') || attempt >= READS) throw error;
        await clock.sleep(READ_PAUSE, term);
      }
    }
  }

  async #undo(run: RestoreRun, term: AbortSignal): Promise<void> {
    await this.#carryOut(run, term, () => run.undo());
  }

  /** Never throws: what its sessions met stands in its items, and what ends it else is told in the log and gone on with in the next term. */
  async #carryOut(run: RestoreRun, term: AbortSignal, work: () => Promise<void>): Promise<void> {
    const { log } = this.#parts;
    const { id } = run.job.restore;
    try {
      await work();
      log.info({ restore: id, state: run.job.restore.state }, 'the restore has ended');
    } catch (error) {
      if (term.aborted)
        return log.warn({ restore: id }, 'the restore is left for whoever makes the backups next');
      log.error({ restore: id, reason: messageOf(error) }, 'the restore cannot go on');
      await run
        .giveUp(error)
        .catch(() =>
          log.error({ restore: id }, 'that cannot be written down: it is gone on with in the next term'),
        );
    } finally {
      this.#going.delete(id);
    }
  }

  /** The event log may be away for a while: who waits for the restore does not wait for that. */
  #tell({ job }: RestoreRun): void {
    if (isOpen(job)) return;
    const { restore } = job;
    const count = (state: RestoreItem['state']) =>
      restore.sessions.filter((item) => item.state === state).length;
    const duration = Date.parse(restore.ended_at ?? restore.started_at) - Date.parse(restore.started_at);
    const telling = this.#parts.events
      .tell('restore.completed', restore.id, {
        restore: restore.id,
        backup: restore.backup,
        restored: count('restored'),
        refused: count('refused'),
        failed: count('failed'),
        duration_seconds: Math.max(0, duration / 1000),
      })
      .finally(() => this.#telling.delete(telling));
    this.#telling.add(telling);
  }

  #shown(job: RestoreJob): Restore {
    const going = this.#going.get(job.restore.id);
    return going ? shown(going.run) : job.restore;
  }
}

/** Throws `restore_refused` where nothing is left to restore. */
function requireSome(restore: Restore): void {
  const [first] = restore.sessions;
  if (!first || restore.fleet_files.length > 0 || restore.sessions.some(({ state }) => state === 'waiting'))
    return;
  const one = restore.sessions.length === 1 && first.refusal;
  throw new WharfError(
    'restore_refused',
    one
      ? `Session ${first.session_id} of workspace ${first.workspace_id} is not restored: ${describeRefusal(one)}.`
      : `None of the ${restore.sessions.length} sessions is restored: all of them were linked anew, logged out or deleted since. Look with dry_run; force the restore to do it all the same.`,
    one ? { extra: { refusal: one } } : {},
  );
}

/** Its service ended before it did, and this one has not taken it up yet. */
function notYet(id: string): WharfError {
  return new WharfError(
    'backup_unavailable',
    `Restore ${id} was begun by a service that ended, and is gone on with in a moment. Try again then.`,
    { retryAfter: 5 },
  );
}

function shown(run: RestoreRun): Restore {
  return structuredClone({ ...run.job.restore, left_seconds: run.leftSeconds });
}

function keyOf(item: RestoreItem): string {
  return `${item.workspace_id}/${item.session_id}`;
}
