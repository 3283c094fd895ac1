import { backupRoutes } from '../../fleet/backup/api.ts';
import type { Services } from '../services.ts';
import { type BackupRoute, route } from './route.ts';

/** GET `/api/backups/operations` */
export function listOperations({ operations }: Services): BackupRoute {
  return route({
    ...backupRoutes.operations,
    handle: () => ({ body: { operations: operations.list() } }),
  });
}
