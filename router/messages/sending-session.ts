import { WharfError } from '../../common/errors.ts';
import { instanceSessionPath } from '../../fleet/instance-api.ts';
import type { SessionKey } from '../../fleet/queue/message-ids.ts';
import { type SessionStatus, sessionDetailSchema } from '../../fleet/records.ts';
import type { Principal } from '../principal.ts';
import type { Forwarder } from '../proxy/forwarder.ts';
import { readAnswer } from '../proxy/pass-on.ts';
import type { Follower } from '../registry/follower.ts';
import type { Table } from '../registry/table.ts';
import { findInTable, findSession } from '../sessions/finder.ts';

/** An instance answers what a session is from its memory: one that takes longer, milliseconds, hangs. */
const PATIENCE = 5000;

/** What finds sessions. */
export interface SendingSessionParts {
  table: Table;
  follower: Follower;
  forwarder: Forwarder;
}

/** A session to send through. */
export interface SendingSession {
  session: SessionKey;
  /** `session_not_ready` where it takes no new messages. */
  refusal: WharfError | undefined;
}

/**
 * The session a caller wants to send through, by what is in memory; undefined where that does not say.
 *
 * Messages are accepted for every session there is, also one that is stopped or whose instance is away: they wait. Only one that was logged out takes
 * none, since nobody can say that it will come back.
 *
 * @throws WharfError `ambiguous_session`, `session_not_found`
 */
export function knownSendingSession(
  table: Table,
  principal: Principal,
  session: string,
  workspace: string | undefined,
): SendingSession | undefined {
  const found = findInTable(table, principal, session, workspace);
  const known = found === 'unknown' ? undefined : table.session(found.workspace, found.session);
  if (found === 'unknown' || known === undefined) return undefined;
  return { session: found, refusal: refusalOf(session, known.status) };
}

/**
 * The same; what memory does not know is asked of Redis, then of the workspace's owner.
 *
 * @throws WharfError also what keeps the owner from answering
 */
export async function findSendingSession(
  { table, follower, forwarder }: SendingSessionParts,
  principal: Principal,
  session: string,
  workspace: string | undefined,
  requestId: string,
): Promise<SendingSession> {
  const known = knownSendingSession(table, principal, session, workspace);
  if (known) return known;
  const place = await findSession(table, follower, principal, session, workspace);
  const now = knownSendingSession(table, principal, session, place.workspace);
  if (now) return now;
  return { session: place, refusal: refusalOf(session, await askStatus(forwarder, place, requestId)) };
}

/**
 * What a session is, as its workspace's owner says.
 *
 * @throws WharfError `session_not_found`; `instance_unavailable` and the like, which say nothing
 */
export async function askStatus(
  forwarder: Pick<Forwarder, 'send'>,
  { workspace, session }: SessionKey,
  requestId: string,
): Promise<SessionStatus> {
  const answer = await forwarder.send({
    workspace,
    method: 'GET',
    path: instanceSessionPath(workspace, session),
    requestId,
    repeatable: true,
    patience: PATIENCE,
  });
  return (await readAnswer(answer, sessionDetailSchema)).status;
}

function refusalOf(session: string, status: SessionStatus): WharfError | undefined {
  if (status !== 'logged_out') return undefined;
  return new WharfError(
    'session_not_ready',
    `Session ${session} is logged out, and may never come back: it takes no messages. Start it, and link it anew by its QR.`,
    { extra: { session_status: status } },
  );
}
