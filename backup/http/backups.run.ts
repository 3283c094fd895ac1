import { backupRoutes } from '../../fleet/backup/api.ts';
import type { Services } from '../services.ts';
import { type BackupRoute, route } from './route.ts';

/** POST `/api/backups` */
export function runBackup({ runs }: Services): BackupRoute {
  return route({ ...backupRoutes.run, handle: () => ({ status: 202, body: runs.begin() }) });
}
