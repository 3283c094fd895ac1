import { WharfError } from '../../common/errors.ts';
import { backupRoutes } from '../../fleet/backup/api.ts';
import type { Services } from '../services.ts';
import { type BackupRoute, route } from './route.ts';

/** GET `/api/backups/operations/:operation` */
export function getOperation({ operations }: Services): BackupRoute {
  return route({
    ...backupRoutes.operation,
    handle({ params }) {
      const operation = operations.get(params.operation);
      if (operation) return { body: operation };
      throw new WharfError(
        'not_found',
        `The backup service knows no operation ${params.operation}: it remembers the last hundred since it started. Look at the backups: wharf backup list.`,
      );
    },
  });
}
