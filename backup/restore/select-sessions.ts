import { WharfError } from '../../common/errors.ts';
import type { RestoreRequest } from '../../fleet/backup/api.ts';
import type { BackedUpSession, Manifest } from '../manifest/manifest.ts';

/** So many ids are named to somebody who asked for one that is not there. */
const NAMED = 5;

/**
 * The sessions of a backup that a restore asks for. Pure.
 *
 * @throws WharfError `ambiguous_session` where several workspaces have one of that id; `backup_not_found` where there is none, with the nearest named
 */
export function selectSessions(
  manifest: Pick<Manifest, 'id' | 'sessions' | 'missed'>,
  request: Pick<RestoreRequest, 'workspace_id' | 'session_id'>,
): BackedUpSession[] {
  const { workspace_id: workspace, session_id: session } = request;
  const inScope = (one: { workspace_id: string }) =>
    workspace === undefined || one.workspace_id === workspace;
  const found = manifest.sessions.filter(
    ({ record }) => inScope(record) && (session === undefined || record.session_id === session),
  );
  if (found.length === 0) throw notInIt(manifest, request);
  if (session !== undefined && workspace === undefined && found.length > 1) {
    const workspaces = found.map(({ record }) => record.workspace_id);
    throw new WharfError(
      'ambiguous_session',
      `Backup ${manifest.id} has a session ${session} in workspaces ${shorten(workspaces)}. Name the workspace too.`,
    );
  }
  return found;
}

function notInIt(
  { id, sessions, missed }: Pick<Manifest, 'id' | 'sessions' | 'missed'>,
  { workspace_id: workspace, session_id: session }: Pick<RestoreRequest, 'workspace_id' | 'session_id'>,
): WharfError {
  const failed = missed.find(
    (one) => one.session_id === session && (workspace === undefined || one.workspace_id === workspace),
  );
  if (failed)
    return new WharfError(
      'backup_not_found',
      `Session ${session} of workspace ${failed.workspace_id} is not in backup ${id}: it could not be copied then (${failed.reason}). Choose another time.`,
    );
  const names = (of: (one: BackedUpSession) => string) => [...new Set(sessions.map(of))];
  const workspaces = names(({ record }) => record.workspace_id);
  if (workspaces.length === 0) return new WharfError('backup_not_found', `Backup ${id} holds no session.`);
  if (workspace !== undefined && !workspaces.includes(workspace))
    return new WharfError(
      'backup_not_found',
      `Workspace ${workspace} is not in backup ${id}. The nearest there: ${shorten(nearest(workspace, workspaces))}.`,
    );
  const known = sessions
    .filter(({ record }) => workspace === undefined || record.workspace_id === workspace)
    .map(({ record }) => record.session_id);
  const where = workspace === undefined ? '' : ` of workspace ${workspace}`;
  return new WharfError(
    'backup_not_found',
    `Session ${session}${where} is not in backup ${id}. The nearest there: ${shorten(nearest(session ?? '', [...new Set(known)]))}.`,
  );
}

/** Those most like a text, by the number of letters that differ, best first. Pure. */
export function nearest(text: string, known: readonly string[]): string[] {
  return known
    .map((one) => ({ one, distance: distanceOf(text, one) }))
    .sort((a, b) => a.distance - b.distance || (a.one < b.one ? -1 : 1))
    .slice(0, NAMED)
    .map(({ one }) => one);
}

/** Letters to change, add or leave out to make one text of the other (Levenshtein, one row at a time). */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const changed = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

function shorten(names: readonly string[]): string {
  const shown = names.slice(0, NAMED).join(', ');
  return names.length > NAMED ? `${shown} and ${names.length - NAMED} more` : shown;
}
