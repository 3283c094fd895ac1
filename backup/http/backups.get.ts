import { backupRoutes } from '../../fleet/backup/api.ts';
import { showWorkspaceId } from '../../fleet/ids.ts';
import type { BackedUpSession } from '../manifest/manifest.ts';
import { requireBackup } from '../manifest/require-backup.ts';
import { factsOf } from '../manifest/summaries.ts';
import type { Services } from '../services.ts';
import { keptAs } from './kept-as.ts';
import { type BackupRoute, route } from './route.ts';

/** GET `/api/backups/:backup` */
export function getBackup(services: Services): BackupRoute {
  const { catalog, summaries } = services;
  return route({
    ...backupRoutes.get,
    async handle({ params, query }) {
      const manifest = await requireBackup(catalog, params.backup);
      const ofWorkspace = (workspace: string) =>
        query.workspace_id === undefined || workspace === query.workspace_id;
      const reasons = await keptAs(await summaries.all(), services);
      return {
        body: {
          ...(await factsOf(manifest)),
          kept_as: reasons.get(manifest.id) ?? [],
          contents: manifest.sessions
            .filter(({ record }) => ofWorkspace(record.workspace_id))
            .map(shownSession),
          not_in_it: manifest.missed.filter(({ workspace_id }) => ofWorkspace(workspace_id)),
        },
      };
    },
  });
}

function shownSession({ record, archive, pieces: _, ...session }: BackedUpSession) {
  return {
    workspace_id: showWorkspaceId(record.workspace_id),
    session_id: record.session_id,
    taken_at: session.taken_at,
    carried: session.carried,
    linked: record.linked,
    phone_number: record.phone_number,
    epoch: session.epoch,
    generation: record.generation,
    chromium: session.chromium,
    files: session.files,
    bytes: session.bytes,
    frozen_ms: session.frozen_ms,
    archive: archive?.sha256 ?? null,
  };
}
