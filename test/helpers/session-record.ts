import type { SessionRecord } from '../../fleet/records.ts';

/** A session's record, not linked, that should run. */
export function aRecord(changes: Partial<SessionRecord> = {}): SessionRecord {
  return {
    version: 1,
    workspace_id: '7',
    session_id: 'main',
    account_id: null,
    proxy: null,
    should_run: true,
    linked: false,
    phone_number: null,
    generation: 1,
    created_at: '2026-11-22T00:00:00.000Z',
    last_error: null,
    ...changes,
  };
}
