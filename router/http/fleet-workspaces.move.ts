import { z } from 'zod';
import { workspaceIdSchema } from '../../fleet/ids.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import { instanceIdSchema, noQuery, oneMoveSchema, REFUSALS, shownMove } from './fleet-schemas.ts';

/** POST `/api/fleet/workspaces/{id}/move` */
export function fleetWorkspacesMove({ operations }: Services): RouterRoute {
  return route({
    method: 'post',
    path: '/api/fleet/workspaces/:workspace_id/move',
    tag: 'Fleet',
    summary: 'Moves a workspace to another instance: closed cleanly there, started here',
    access: 'admin',
    params: z.strictObject({ workspace_id: workspaceIdSchema }),
    query: noQuery,
    body: z.strictObject({ to: instanceIdSchema }),
    responses: {
      202: { description: 'It begins; asked for again while it runs, the same move', schema: oneMoveSchema },
      ...REFUSALS,
    },
    async handle({ params, body }) {
      const move = await operations.requestMove(params.workspace_id, body.to);
      return { status: 202, body: shownMove(move) };
    },
  });
}
