import { WharfError } from '../../common/errors.ts';
import { sessionDetailSchema } from '../../fleet/records.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import { callSession, SESSION_PATH, sessionParams, workspaceQuery } from './session-call.ts';

/** An instance answers this from its memory: one that takes longer, milliseconds, hangs. */
const PATIENCE = 5000;

/** GET `/api/whatsapp/sessions/{session_id}`: what its instance says now, not what was last heard of it. */
export function sessionsGet(services: Services): RouterRoute {
  return route({
    method: 'get',
    path: SESSION_PATH,
    tag: 'Sessions',
    summary: 'One session as its instance sees it now',
    params: sessionParams,
    query: workspaceQuery,
    responses: {
      200: { description: 'The session', schema: sessionDetailSchema },
      409: { description: 'ambiguous_session: name the workspace' },
      503: { description: 'instance_unavailable: its instance cannot be reached' },
    },
    handle: (exchange) =>
      callSession(services, exchange, {
        method: 'GET',
        path: '',
        repeatable: true,
        patience: PATIENCE,
        lost: (why, cause) =>
          new WharfError('instance_unavailable', `${why}. Nothing was changed; try again.`, { cause }),
      }),
  });
}
