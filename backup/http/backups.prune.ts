import { backupRoutes } from '../../fleet/backup/api.ts';
import type { Services } from '../services.ts';
import { type BackupRoute, route } from './route.ts';

/** POST `/api/backups/prune` */
export function pruneBackups({ operations, pruner }: Services): BackupRoute {
  return route({
    ...backupRoutes.prune,
    async handle({ body, signal }) {
      if (body.dry_run) return { body: await pruner.plan(signal) };
      const operation = operations.begin('prune', async (stage) => {
        await pruner.prune(stage);
        return undefined;
      });
      return { status: 202, body: operation };
    },
  });
}
