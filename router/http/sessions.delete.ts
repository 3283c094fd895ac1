import { z } from 'zod';
import { instanceSessionPath } from '../../fleet/instance-api.ts';
import { readAnswer } from '../proxy/pass-on.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import { findSession } from '../sessions/finder.ts';
import { SESSION_PATH, sessionParams, workspaceQuery } from './session-call.ts';

const deletedSchema = z
  .object({
    unlinked: z
      .boolean()
      .describe('False where the session was not connected: unlink the device on the phone'),
  })
  .meta({ id: 'DeletedSession' });

/** Milliseconds a logout, the browser's end and the move to the trash may take. */
const PATIENCE = 60_000;

/** DELETE `/api/whatsapp/sessions/{session_id}` */
export function sessionsDelete(services: Services): RouterRoute {
  return route({
    method: 'delete',
    path: SESSION_PATH,
    tag: 'Sessions',
    summary:
      'Logs out and moves the profile to the trash, which is kept for 7 days; messages that wait end as failed',
    params: sessionParams,
    query: workspaceQuery,
    responses: { 200: { description: 'It is gone', schema: deletedSchema } },
    async handle({ params, query, principal, requestId }) {
      const { table, follower, forwarder } = services;
      const { workspace, session } = await findSession(
        table,
        follower,
        principal,
        params.session_id,
        query.workspace_id,
      );
      const answer = await forwarder.send({
        workspace,
        method: 'DELETE',
        path: instanceSessionPath(workspace, session),
        requestId,
        repeatable: false,
        patience: PATIENCE,
      });
      const body = await readAnswer(answer, deletedSchema);
      const known = table.session(workspace, session);
      if (known) {
        follower.tell({
          kind: 'session_gone',
          instance: known.instance,
          workspace_id: workspace,
          session_id: session,
        });
      }
      await services.leftovers.end({ workspace, session });
      return { body };
    },
  });
}
