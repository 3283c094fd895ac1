import { areNested, backupStoreConfig } from '../../backup/config.ts';
import { openStore } from '../../backup/store/open-store.ts';
import { tryOut } from '../../backup/store/try-out.ts';
import type { Env } from '../../common/env.ts';
import { isWharfError, messageOf } from '../../common/errors.ts';
import type { Finding } from './finding.ts';

const SUBJECT = 'store of backups';

/**
 * Whether the bucket or the directory for backups, if there is to be one, does all that they need. Writes there under names of its own, and removes what it wrote.
 *
 * @param sessionPath where the sessions are, if that is known
 */
export async function checkBackupStore(env: Env, sessionPath: string | undefined): Promise<Finding[]> {
  let config: ReturnType<typeof backupStoreConfig>;
  try {
    config = backupStoreConfig(env);
  } catch (error) {
    if (!isWharfError(error, 'config_invalid')) throw error;
    const detail = (error.faults ?? []).map((fault) => `${fault.path} ${fault.message}`).join('; ');
    return [{ subject: SUBJECT, status: 'failed', detail }];
  }
  // Said, so that nobody takes silence for a store that was tried: root's environment lacks what stands in the service's file of settings.
  if (config === null)
    return [
      {
        subject: SUBJECT,
        status: 'skipped',
        detail: 'neither BACKUP_S3_BUCKET nor BACKUP_DIRECTORY is set here',
        hint: "Where the backup service runs, ask with its settings: wharf-doctor on a machine of Debian's package.",
      },
    ];
  if (config.kind === 'directory' && sessionPath !== undefined && areNested(config.path, sessionPath)) {
    return [
      {
        subject: SUBJECT,
        status: 'failed',
        detail: `${config.path} is on the session path, or the session path in it: what takes the sessions takes their backups`,
        hint: 'Set BACKUP_DIRECTORY to a directory on another disk, or BACKUP_S3_BUCKET.',
      },
    ];
  }
  const store = await openStore(config);
  try {
    const faults = await tryOut(store, true);
    if (faults.length === 0)
      return [{ subject: SUBJECT, status: 'ok', detail: `${store.shown}, all rights` }];
    return [
      {
        subject: SUBJECT,
        status: 'failed',
        detail: `${store.shown}: cannot ${faults.map(({ trial }) => trial).join(', ')}`,
        hint: [...new Set(faults.map(({ fault }) => fault))].join(' '),
      },
    ];
  } catch (error) {
    return [{ subject: SUBJECT, status: 'failed', detail: messageOf(error) }];
  } finally {
    store.close();
  }
}
