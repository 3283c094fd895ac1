import { backupRoutes } from '../../fleet/backup/api.ts';
import type { Services } from '../services.ts';
import { type BackupRoute, route } from './route.ts';

/** POST `/api/backups/verify` */
export function verifyBackups({ verifier }: Services): BackupRoute {
  return route({
    ...backupRoutes.verify,
    handle: async ({ body }) => ({ status: 202, body: await verifier.begin(body.backup) }),
  });
}
