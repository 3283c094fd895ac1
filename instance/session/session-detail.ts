import { showWorkspaceId } from '../../fleet/ids.ts';
import type { SessionDetail, SessionRecord, SessionStatus } from '../../fleet/records.ts';

/** What a session knows of itself beside its record. Times are milliseconds since 1970. */
export interface SessionFacts {
  status: SessionStatus;
  instance: string;
  epoch: number;
  connectedAt: number | null;
  lastActivity: number | null;
  reconnects: number;
}

/** A session as the API shows it. */
export function detailOf(record: Readonly<SessionRecord>, facts: SessionFacts): SessionDetail {
  return {
    session_id: record.session_id,
    workspace_id: showWorkspaceId(record.workspace_id),
    account_id: record.account_id,
    status: facts.status,
    instance: facts.instance,
    epoch: facts.epoch,
    created_at: record.created_at,
    phone_number: record.phone_number,
    connected_at: isoOrNull(facts.connectedAt),
    last_activity: isoOrNull(facts.lastActivity),
    last_error: record.last_error,
    reconnects: facts.reconnects,
  };
}

/** What to do where a session is not as it must be; begins with a space. */
export function hintFor(status: SessionStatus): string {
  if (status === 'qr' || status === 'pairing') return ' Link it first: scan its QR.';
  if (status === 'stopped' || status === 'logged_out' || status === 'failed' || status === 'parked')
    return ' Start it first.';
  return ' Try again in a moment.';
}

function isoOrNull(time: number | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}
