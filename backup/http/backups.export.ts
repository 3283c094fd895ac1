import { pipeline } from 'node:stream/promises';
import { backupRoutes } from '../../fleet/backup/api.ts';
import type { Exporter } from '../export/exporter.ts';
import { type BackupRoute, route } from './route.ts';

/** GET `/api/backups/:backup/export`. An answer that breaks off cuts the connection: whoever reads sees that something is missing. */
export function exportSession({ exporter }: { exporter: Pick<Exporter, 'export'> }): BackupRoute {
  return route({
    ...backupRoutes.export,
    async handle({ params, query, response, signal }) {
      const wanted = { backup: params.backup, workspace: query.workspace_id, session: query.session_id };
      await exporter.export(wanted, signal, async ({ name, content }) => {
        response.status(200);
        response.setHeader('Content-Type', 'application/x-tar');
        response.setHeader('Content-Disposition', `attachment; filename="${name}"`);
        response.setHeader('Cache-Control', 'no-store');
        await pipeline(content, response).catch(() => response.destroy());
      });
      return undefined;
    },
  });
}
