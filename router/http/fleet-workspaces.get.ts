import { z } from 'zod';
import { WharfError } from '../../common/errors.ts';
import { workspaceIdSchema } from '../../fleet/ids.ts';
import { sessionDetailSchema } from '../../fleet/records.ts';
import { compareSessions } from '../registry/session-order.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import { placedWorkspaceSchema, shownPlace } from './workspace-shape.ts';

const workspaceSchema = placedWorkspaceSchema
  .extend({ sessions: z.array(sessionDetailSchema) })
  .meta({ id: 'Workspace' });

/** GET `/api/fleet/workspaces/{id}` */
export function fleetWorkspacesGet({ table, follower, config }: Services): RouterRoute {
  return route({
    method: 'get',
    path: '/api/fleet/workspaces/:workspace_id',
    tag: 'Fleet',
    summary: 'Where a workspace is, and its sessions',
    params: z.strictObject({ workspace_id: workspaceIdSchema }),
    query: z.strictObject({}),
    responses: { 200: { description: 'The workspace', schema: workspaceSchema } },
    async handle({ params, principal }) {
      const workspace = params.workspace_id;
      const hidden = principal.kind === 'workspace' && principal.workspace !== workspace;
      if (!hidden && !table.owner(workspace)) await follower.rereadOwner(workspace);
      const owner = hidden ? undefined : table.owner(workspace);
      if (!owner)
        throw new WharfError(
          'not_found',
          `There is no workspace ${workspace}: none of its sessions was ever made.`,
        );
      const sessions = [...table.sessions(workspace)].map((session) => table.shown(session));
      sessions.sort((a, b) =>
        compareSessions({ workspace, session: a.session_id }, { workspace, session: b.session_id }),
      );
      return { body: { ...shownPlace(config, workspace, owner), sessions } };
    },
  });
}
