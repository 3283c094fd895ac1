import type { z } from 'zod';
import type {
  BackupSummary,
  backupListSchema,
  Operation,
  Restore,
  RestoreItem,
} from '../../fleet/backup/api.ts';

/** Values as the backup service answers them, with what a test wants to differ. */

export function aBackup(changes: Partial<BackupSummary> = {}): BackupSummary {
  return {
    id: '20261122T090003Z',
    started_at: '2026-11-22T09:00:03.000Z',
    finished_at: '2026-11-22T09:00:41.000Z',
    state: 'complete',
    sessions: 25,
    carried: 0,
    missed: 0,
    bytes: 2_500_000_000,
    sent_bytes: 34_000_000,
    restore_bytes: 900_000_000,
    kept_as: ['hourly', 'daily'],
    ...changes,
  };
}

export function aBackupList(
  changes: Partial<z.infer<typeof backupListSchema>> = {},
): z.infer<typeof backupListSchema> {
  return {
    store: 's3://company/backups/',
    schedule: '0 * * * *',
    runner: 'backup-1 (process 7 on host-a)',
    next_run: '2026-11-22T10:00:00.000Z',
    last_success: '2026-11-22T09:00:41.000Z',
    running: null,
    backups: [],
    ...changes,
  };
}

export function anOperation(changes: Partial<Operation> = {}): Operation {
  return {
    id: 'run-1',
    kind: 'run',
    state: 'running',
    started_at: '2026-11-22T09:00:03.000Z',
    ended_at: null,
    done: 0,
    total: 25,
    failed: 0,
    bytes: 0,
    left_seconds: null,
    doing: null,
    error: null,
    backup: null,
    findings: [],
    ...changes,
  };
}

export function aRestoreItem(changes: Partial<RestoreItem> = {}): RestoreItem {
  return {
    workspace_id: 7,
    session_id: 'sales',
    state: 'waiting',
    taken_at: '2026-11-22T09:00:05.000Z',
    age_seconds: 1800,
    bytes: 100_000_000,
    action: 'replace',
    status: 'ready',
    refusal: null,
    trash: null,
    error: null,
    ...changes,
  };
}

export const RESTORE_ID = 'r-20261122T093000Z-1a2b3c';

export function aRestore(changes: Partial<Restore> = {}): Restore {
  return {
    id: RESTORE_ID,
    backup: '20261122T090003Z',
    state: 'running',
    started_at: '2026-11-22T09:30:00.000Z',
    ended_at: null,
    request: { at: 'latest', dry_run: false, force: false },
    bytes: 100_000_000,
    done_bytes: 0,
    free_bytes: 12_000_000_000,
    left_seconds: null,
    warnings: [],
    fleet_files: [],
    sessions: [aRestoreItem()],
    ...changes,
  };
}
