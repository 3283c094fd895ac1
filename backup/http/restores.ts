import { backupRoutes } from '../../fleet/backup/api.ts';
import type { Services } from '../services.ts';
import { type BackupRoute, route } from './route.ts';

/** POST `/api/restores` */
const beginRestore = ({ restorer }: Services): BackupRoute =>
  route({
    ...backupRoutes.restore,
    async handle({ body }) {
      if (body.dry_run) return { body: await restorer.plan(body) };
      return { status: 202, body: await restorer.begin(body) };
    },
  });

/** GET `/api/restores` */
const listRestores = ({ restorer }: Services): BackupRoute =>
  route({ ...backupRoutes.restores, handle: async () => ({ body: { restores: await restorer.list() } }) });

/** GET `/api/restores/:restore` */
const getRestore = ({ restorer }: Services): BackupRoute =>
  route({
    ...backupRoutes.restoreGet,
    handle: async ({ params }) => ({ body: await restorer.get(params.restore) }),
  });

/** POST `/api/restores/:restore/undo` */
const undoRestore = ({ restorer }: Services): BackupRoute =>
  route({
    ...backupRoutes.restoreUndo,
    handle: async ({ params }) => ({ status: 202, body: await restorer.undo(params.restore) }),
  });

/** POST `/api/restores/:restore/cancel` */
const cancelRestore = ({ restorer }: Services): BackupRoute =>
  route({
    ...backupRoutes.restoreCancel,
    handle: async ({ params }) => ({ status: 202, body: await restorer.cancel(params.restore) }),
  });

/** Every route of restores. */
export function restoreRoutes(services: Services): BackupRoute[] {
  return [beginRestore, listRestores, getRestore, undoRestore, cancelRestore].map((make) => make(services));
}
