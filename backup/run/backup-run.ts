import { messageOf, WharfError } from '../../common/errors.ts';
import { keyOf, nameOf } from '../fleet/session-names.ts';
import type { SessionName, SessionsOnStorage } from '../fleet/sessions-on-storage.ts';
import { backupIdAt, timeOfBackup } from '../manifest/backup-ids.ts';
import type { Catalog, Manifest } from '../manifest/manifest.ts';
import type { OperationHandle } from '../operations.ts';
import { type Base, readBase } from './base.ts';
import { type Contents, contentsOf, type SessionOutcome } from './contents.ts';
import { SessionCopier, type SessionCopierParts } from './session-copier.ts';

/** Seconds that a manifest's id is moved on by at most, where others have it. */
const MOST_SECONDS = 60;
/** Milliseconds that a clock may have been set back by, for backups to stay in their order. */
const SET_BACK = 24 * 3_600_000;
/** Milliseconds by which the clocks of whoever copied a session and of whoever deleted it may differ. */
const CLOCKS_APART = 3_600_000;

/** What a run needs. */
export interface BackupRunParts extends SessionCopierParts {
  storage: SessionsOnStorage;
  catalog: Catalog;
  /** Makes sure that this service still is the one that makes the backups; throws where it is not. */
  confirm: (term: AbortSignal) => Promise<void>;
  /** Wharf's version. */
  version: string;
}

/** A backup that a run made. */
export interface RunResult {
  manifest: Manifest;
  sessions: { copied: number; carried: number; missed: number };
}

/**
 * Makes one backup. In this order, so that whoever dies at whatever moment leaves either nothing or a whole backup: objects first (those that no manifest names
 * are removed when they are two days old), then the manifest, under a name that nobody has and while the lease is held.
 *
 * @throws WharfError where no backup was made: `storage_unavailable`, `backup_store_failed`, `redis_unavailable`; `backup_unavailable` where the lease was lost;
 *   `instance_unavailable` where no session could be copied; the signal's reason
 */
export async function makeBackup(parts: BackupRunParts, operation: OperationHandle): Promise<RunResult> {
  const { storage, clock, catalog } = parts;
  const started = clock.now();
  operation.set({ doing: 'looking for sessions, and at the last backup' });
  const names = await storage.list();
  const base = await readBase(catalog);
  for (const id of base.damaged)
    operation.find(`The manifest of backup ${id} cannot be read; this backup builds on an earlier one.`);

  const copier = new SessionCopier(parts, base, operation);
  const outcomes = await copier.copyAll(names);
  operation.set({ doing: 'looking what was deleted' });
  const contents = contentsOf(await settle(outcomes, base, storage), base.sessions);
  requireSomething(contents, names.length);
  for (const finding of contents.findings) operation.find(finding);

  operation.set({ doing: 'writing the manifest' });
  const manifest = await putManifest(parts, operation, base, {
    version: 1,
    id: firstId(started, base),
    wharf: parts.version,
    started_at: new Date(started).toISOString(),
    finished_at: new Date(clock.now()).toISOString(),
    sent_bytes: copier.sent.bytes,
    sent_objects: copier.sent.objects,
    sessions: contents.sessions,
    missed: contents.missed,
    fleet: await storage.fleetFiles(),
  });
  const { copied, carried, missed } = contents;
  return { manifest, sessions: { copied, carried, missed: missed.length } };
}

/**
 * What became of all sessions that there are or were. Those that are not on the storage any more go where the trash proves that they were deleted; others were
 * lost, which must not take them out of the backups too: they are carried until they are restored, or deleted as sessions are.
 */
async function settle(
  outcomes: ReadonlyMap<string, SessionOutcome>,
  base: Base,
  storage: SessionsOnStorage,
): Promise<SessionOutcome[]> {
  const settled = [...outcomes.values()];
  const absent = [...base.sessions.values()].map(nameOf).filter((name) => !outcomes.has(keyOf(name)));
  const failed = settled.filter((outcome) => 'reason' in outcome);
  if (absent.length === 0 && failed.length === 0) return settled;
  // It takes a run to find out: some were made, moved or deleted meanwhile.
  const present = new Set((await storage.list()).map(keyOf));
  const kept: SessionOutcome[] = [];
  for (const outcome of settled) {
    const isGone = 'reason' in outcome && !present.has(keyOf(outcome.name));
    if (isGone && (await wasDeleted(outcome.name, base, storage))) continue;
    kept.push(outcome);
  }
  for (const name of absent) {
    if (present.has(keyOf(name))) {
      kept.push({ name, reason: 'It came while the backup was being made, and is in the next one.' });
    } else if (!(await wasDeleted(name, base, storage))) {
      const reason =
        'It is not on the session path, and nothing there tells that it was deleted. Restore it, or restore and delete it.';
      kept.push({ name, reason });
    }
  }
  return kept;
}

/** Whether it was deleted since the copy that the last backup has of it: one of the same name may have been deleted long before. */
async function wasDeleted(
  name: SessionName,
  { sessions }: Base,
  storage: Pick<SessionsOnStorage, 'deletedAt'>,
): Promise<boolean> {
  const deleted = await storage.deletedAt(name);
  const known = sessions.get(keyOf(name));
  if (deleted === null || !known) return deleted !== null;
  return deleted > Date.parse(known.taken_at) - CLOCKS_APART;
}

/** A backup without a single copy would only push out better ones. */
function requireSomething({ copied, findings }: Contents, onStorage: number): void {
  if (copied > 0 || findings.length === 0) return;
  throw onStorage === 0
    ? new WharfError(
        'storage_unavailable',
        `The session path has no sessions, but the last backup has ${findings.length}. Is the right file system mounted? What was lost is restored with: wharf restore. No backup was made.`,
      )
    : new WharfError(
        'instance_unavailable',
        `None of ${onStorage} sessions could be copied, so that no backup was made. The first: ${findings[0]}`,
      );
}

/**
 * When it was begun; after the one it builds on where the clock was set back a little since that was made. One whose id a clock that was ahead took from the future was
 * made when it was put, and ids do not count on from there.
 */
function firstId(started: number, { made }: Base): string {
  const named = timeOfBackup(backupIdAt(started));
  const isSetBack = made !== null && made >= named && made - named < SET_BACK;
  return backupIdAt(isSetBack ? made + 1000 : started);
}

/**
 * Puts the manifest. Objects that it shares with the one it builds on were not sent again, so that one must be there, before and after: whoever removed it may
 * remove those next.
 */
async function putManifest(
  { catalog, confirm }: Pick<BackupRunParts, 'catalog' | 'confirm'>,
  { signal }: OperationHandle,
  base: Base,
  draft: Manifest,
): Promise<Manifest> {
  let id = draft.id;
  for (let tries = 0; tries < MOST_SECONDS; tries += 1) {
    await requireBase(catalog, base);
    await confirm(signal);
    const manifest = { ...draft, id };
    if (!(await catalog.put(manifest))) {
      id = backupIdAt(timeOfBackup(id) + 1000);
      continue;
    }
    try {
      await requireBase(catalog, base);
    } catch (error) {
      await catalog.remove(id).catch((fault) => {
        throw new WharfError(
          'backup_damaged',
          `Backup ${id} may lack objects, since ${messageOf(error)} And it could not be removed: ${messageOf(fault)}`,
          { cause: fault },
        );
      });
      throw error;
    }
    return manifest;
  }
  throw new WharfError(
    'backup_store_failed',
    `The names of all backups from ${draft.id} to ${id} are taken.`,
  );
}

async function requireBase(catalog: Pick<Catalog, 'list'>, { id }: Base): Promise<void> {
  if (id === null || (await catalog.list()).some((head) => head.id === id)) return;
  throw new WharfError(
    'backup_not_found',
    `backup ${id}, which this one builds on, was removed while it was made. The next run makes a whole one.`,
  );
}
