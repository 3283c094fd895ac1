import { join } from 'node:path';
import pMap from 'p-map';
import { withDeadline } from '../../common/clock.ts';
import { WharfError } from '../../common/errors.ts';
import { listNames, readJson } from '../../common/files.ts';
import type { PresentSession } from '../../fleet/backup/restore-rules.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import {
  claimSchema,
  type SessionRecord,
  type SessionStatus,
  sessionRecordSchema,
} from '../../fleet/records.ts';
import { parseOwnersRecord, type SessionPaths } from '../../fleet/session-paths.ts';
import type { Instances } from '../fleet/instances.ts';
import type { SessionName, SessionsOnStorage } from '../fleet/sessions-on-storage.ts';
import { byMade, timeOfBackup } from '../manifest/backup-ids.ts';
import type { BackedUpSession, Catalog, Manifest } from '../manifest/manifest.ts';

/** Sessions that are looked at at one time. */
const AT_ONCE = 8;
/** How long an instance is asked for a session's status, which is only shown, milliseconds. */
const STATUS_PATIENCE = 5000;

/** A session of a backup, and what is known of it now. */
export interface FoundSession {
  session: BackedUpSession;
  present: PresentSession;
  status: SessionStatus | null;
}

/** What is needed to know how sessions are now. */
export interface PresentParts {
  paths: SessionPaths;
  storage: Pick<SessionsOnStorage, 'deletedAt'>;
  catalog: Pick<Catalog, 'list' | 'read'>;
  instances: Pick<Instances, 'owners' | 'session'>;
}

/**
 * How the sessions of a backup are now. That one was deleted since is proven by the trash (see `deletedAt`), or, where that was emptied, by a later backup that
 * does not know of it though its workspace was there all the time: storage that was wiped holds no claims of before, and what it lacks was lost.
 *
 * @throws WharfError `storage_unavailable`, `backup_store_failed`
 */
export async function findPresent(
  manifest: Pick<Manifest, 'id'>,
  sessions: readonly BackedUpSession[],
  parts: PresentParts,
): Promise<FoundSession[]> {
  const owners = await parts.instances.owners().catch(() => new Map<WorkspaceId, string>());
  const found = await pMap(sessions, (session) => lookAt(session, owners, parts), { concurrency: AT_ONCE });
  const unexplained = found.filter(({ present }) => present.record === null && !present.deletedSince);
  if (unexplained.length > 0) await lookInLater(manifest, unexplained, parts);
  return found;
}

async function lookAt(
  session: BackedUpSession,
  owners: ReadonlyMap<WorkspaceId, string>,
  { paths, storage, instances }: PresentParts,
): Promise<FoundSession> {
  const name = { workspace: session.record.workspace_id, session: session.record.session_id };
  const [record, deletedAt, status] = await Promise.all([
    readRecord(paths, name),
    storage.deletedAt(name),
    owners.has(name.workspace) ? statusOf(instances, name) : null,
  ]);
  const deletedSince = record === null && deletedAt !== null && deletedAt > Date.parse(session.taken_at);
  return { session, present: { record, deletedSince, status }, status };
}

async function statusOf(
  instances: Pick<Instances, 'session'>,
  name: SessionName,
): Promise<SessionStatus | null> {
  const late = () => new WharfError('timeout', 'The instance did not answer in time.');
  const asked = withDeadline(instances.session(name), STATUS_PATIENCE, late);
  return (await asked.catch(() => null))?.status ?? null;
}

/** The newest record of a session, as its owner wrote it. One that cannot be understood counts as none: its owner decides. */
async function readRecord(paths: SessionPaths, name: SessionName): Promise<SessionRecord | null> {
  const { workspace, session } = name;
  const names = await listNames(paths.session(workspace, session));
  const epoch = Math.max(0, ...names.flatMap((one) => parseOwnersRecord(one) ?? []));
  const path =
    epoch === 0 ? paths.sessionRecord(workspace, session) : paths.ownersRecord(workspace, session, epoch);
  try {
    return await readJson(path, sessionRecordSchema);
  } catch (error) {
    if (error instanceof WharfError && error.cause !== undefined && !(error.cause instanceof SyntaxError))
      throw error;
    return null;
  }
}

async function lookInLater(
  { id }: Pick<Manifest, 'id'>,
  unexplained: readonly FoundSession[],
  { catalog, paths }: PresentParts,
): Promise<void> {
  const heads = await catalog.list();
  const own = heads.find((head) => head.id === id) ?? { id, made: timeOfBackup(id) };
  const open = new Set(unexplained);
  for (const head of heads.filter((one) => byMade(one, own) > 0)) {
    const manifest = await catalog.read(head.id).catch((error: unknown) => {
      if (error instanceof WharfError && error.code === 'backup_damaged') return null;
      throw error;
    });
    if (manifest === null) continue;
    const known = new Set([
      ...manifest.sessions.map(({ record }) => `${record.workspace_id}/${record.session_id}`),
      ...manifest.missed.map(({ workspace_id, session_id }) => `${workspace_id}/${session_id}`),
    ]);
    for (const found of [...open]) {
      const { workspace_id, session_id } = found.session.record;
      if (known.has(`${workspace_id}/${session_id}`)) continue;
      open.delete(found);
      const claimed = await firstClaim(paths, workspace_id);
      // What a clock that was ahead wrote as the start may lie after a claim that is newer than the backup.
      const started = Math.min(Date.parse(manifest.started_at), head.made);
      found.present.deletedSince = claimed !== null && claimed < started;
    }
  }
}

/** When a workspace was claimed first, as far as the storage knows, milliseconds since 1970; null: never. */
async function firstClaim(paths: SessionPaths, workspace: WorkspaceId): Promise<number | null> {
  const directory = paths.owners(workspace);
  const epochs = (await listNames(directory)).filter((name) => /^[1-9]\d{0,14}$/.test(name)).map(Number);
  for (const epoch of epochs.sort((a, b) => a - b)) {
    const claim = await readJson(join(directory, String(epoch)), claimSchema).catch(() => null);
    if (claim !== null) return Date.parse(claim.claimed_at);
  }
  return null;
}
