import { showWorkspaceId } from '../../fleet/ids.ts';
import type { SessionDetail, SessionRecord } from '../../fleet/records.ts';
import type { Standing } from './standing.ts';

/** Where a session is run. */
interface RunAt {
  instance: string;
  epoch: number;
  /** Bytes that its browser takes, as last measured. */
  memory: number | undefined;
}

/** A session as the API shows it. */
export function detailOf(
  record: Readonly<SessionRecord>,
  standing: Readonly<Pick<Standing, 'status' | 'connectedAt' | 'lastActivity' | 'reconnects'>>,
  { instance, epoch, memory }: RunAt,
): SessionDetail {
  const { inactivity, keep } = record;
  return {
    session_id: record.session_id,
    workspace_id: showWorkspaceId(record.workspace_id),
    account_id: record.account_id,
    status: standing.status,
    instance,
    epoch,
    created_at: record.created_at,
    phone_number: record.phone_number,
    connected_at: isoOrNull(standing.connectedAt),
    last_activity: isoOrNull(standing.lastActivity),
    last_error: record.last_error,
    reconnects: standing.reconnects,
    memory_mb: memory === undefined ? null : Math.round(memory / 1024 / 1024),
    keep: keep ?? false,
    inactive: inactivity ? { since: inactivity.since, step: inactivity.step, at: inactivity.at } : null,
  };
}

function isoOrNull(time: number | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}
