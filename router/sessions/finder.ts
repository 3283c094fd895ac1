import { WharfError } from '../../common/errors.ts';
import type { Principal } from '../principal.ts';
import type { Follower } from '../registry/follower.ts';
import type { SessionPlace } from '../registry/session-order.ts';
import type { Table } from '../registry/table.ts';

/** What a look into the table says: the session's place, or that it is not known (yet). */
export type Found = SessionPlace | 'unknown';

/**
 * Which session a caller means, by what is in memory. A workspace's key, and an admin who names the workspace, need only the workspace's
 * owner: that instance knows its sessions best.
 *
 * @param workspace the workspace a caller named, if any
 * @throws WharfError `ambiguous_session` when two workspaces have the id and none was named; `session_not_found` for another's
 */
export function findInTable(
  table: Table,
  principal: Principal,
  session: string,
  workspace: string | undefined,
): Found {
  if (principal.kind === 'anyone') throw noSuchSession(session);
  if (principal.kind === 'workspace' && workspace !== undefined && workspace !== principal.workspace) {
    throw noSuchSession(session);
  }
  const named = principal.kind === 'workspace' ? principal.workspace : workspace;
  if (named !== undefined) return table.owner(named) ? { workspace: named, session } : 'unknown';
  const having = table.workspacesOf(session);
  // Between two instances nobody has it for a moment: whoever owns the workspace then knows whether it is still there.
  const [only, ...others] = having.length > 0 ? having : table.formerWorkspacesOf(session);
  if (only === undefined) return 'unknown';
  if (others.length > 0) {
    throw new WharfError(
      'ambiguous_session',
      `${others.length + 1} workspaces have a session ${session}. Say which one with ?workspace_id=.`,
    );
  }
  return { workspace: only, session };
}

/** {@link findInTable}, reading Redis again before it says that there is no such session. */
export async function findSession(
  table: Table,
  follower: Follower,
  principal: Principal,
  session: string,
  workspace: string | undefined,
): Promise<SessionPlace> {
  let found = findInTable(table, principal, session, workspace);
  if (found === 'unknown') {
    const named = principal.kind === 'workspace' ? principal.workspace : workspace;
    await (named === undefined ? follower.reread() : follower.rereadOwner(named));
    found = findInTable(table, principal, session, workspace);
  }
  if (found === 'unknown') throw noSuchSession(session);
  return found;
}

/** {@link findSession} for whoever has proved already that it may know of the workspace. Throws `session_not_found`. */
export function requireSession(table: Table, follower: Follower) {
  return (workspace: string, session: string): Promise<SessionPlace> =>
    findSession(table, follower, { kind: 'workspace', keyId: '', workspace }, session, workspace);
}

/** The same for a session that is not there and for one of somebody else: ids cannot be probed. */
function noSuchSession(session: string): WharfError {
  return new WharfError(
    'session_not_found',
    `There is no session ${session}. GET /api/whatsapp/sessions lists them.`,
  );
}
