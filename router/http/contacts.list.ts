import { z } from 'zod';
import { listQuerySchema } from '../../fleet/instance-api.ts';
import { contactSchema } from '../../fleet/messages.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import { callSession, queryText, SESSION_PATH, sessionParams, workspaceField } from './session-call.ts';

/** GET `/api/whatsapp/sessions/{session_id}/contacts` */
export function contactsList(services: Services): RouterRoute {
  return route({
    method: 'get',
    path: `${SESSION_PATH}/contacts`,
    tag: 'Reads',
    summary: 'The contacts of a session',
    params: sessionParams,
    query: listQuerySchema.extend(workspaceField),
    responses: {
      200: {
        description: 'The contacts',
        schema: z.object({ contacts: z.array(contactSchema) }).meta({ id: 'ContactList' }),
      },
    },
    handle: (exchange) =>
      callSession(services, exchange, {
        method: 'GET',
        path: `/contacts${queryText({ limit: exchange.query.limit })}`,
        repeatable: true,
        needsReady: true,
      }),
  });
}
