import { z } from 'zod';
import { listQuerySchema } from '../../fleet/instance-api.ts';
import { chatSchema } from '../../fleet/messages.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import { callSession, queryText, SESSION_PATH, sessionParams, workspaceField } from './session-call.ts';

/** GET `/api/whatsapp/sessions/{session_id}/chats` */
export function chatsList(services: Services): RouterRoute {
  return route({
    method: 'get',
    path: `${SESSION_PATH}/chats`,
    tag: 'Reads',
    summary: 'The chats of a session, newest first',
    params: sessionParams,
    query: listQuerySchema.extend(workspaceField),
    responses: {
      200: {
        description: 'The chats',
        schema: z.object({ chats: z.array(chatSchema) }).meta({ id: 'ChatList' }),
      },
    },
    handle: (exchange) =>
      callSession(services, exchange, {
        method: 'GET',
        path: `/chats${queryText({ limit: exchange.query.limit })}`,
        repeatable: true,
        needsReady: true,
      }),
  });
}
