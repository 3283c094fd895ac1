import type { BackupId } from '../../fleet/backup/api.ts';
import type { SummarizedBackup } from '../manifest/summaries.ts';
import { type KeepReason, retain } from '../retention/retention.ts';
import type { Services } from '../services.ts';

/** Why the retention keeps each backup. Throws WharfError `backup_store_failed`. */
export async function keptAs(
  backups: readonly SummarizedBackup[],
  { store, config }: Pick<Services, 'store' | 'config'>,
): Promise<Map<BackupId, KeepReason[]>> {
  const { keep } = retain(
    backups.map(({ head, facts }) => ({ ...head, state: facts.state })),
    await store.now(),
    { hourly: config.keepHourly, daily: config.keepDaily },
  );
  return new Map(keep.map(({ id, reasons }) => [id, reasons]));
}
