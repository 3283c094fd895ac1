import { z } from 'zod';
import { listQuerySchema } from '../../fleet/instance-api.ts';
import { chatMessageSchema } from '../../fleet/messages.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import { callSession, queryText, SESSION_PATH, sessionParams, workspaceField } from './session-call.ts';

const chatParams = sessionParams.extend({
  chat_id: z
    .string()
    .regex(/^[\w.-]{1,64}@[\w.]{1,32}$/, 'must be the chat_id of a chat, such as 491701234567@c.us'),
});

/** GET `/api/whatsapp/sessions/{session_id}/chats/{chat_id}/messages` */
export function chatMessagesList(services: Services): RouterRoute {
  return route({
    method: 'get',
    path: `${SESSION_PATH}/chats/:chat_id/messages`,
    tag: 'Reads',
    summary: 'The last messages of a chat',
    params: chatParams,
    query: listQuerySchema.extend(workspaceField),
    responses: {
      200: {
        description: 'The messages',
        schema: z.object({ messages: z.array(chatMessageSchema) }).meta({ id: 'ChatMessageList' }),
      },
      404: { description: 'chat_not_found' },
    },
    handle: (exchange) =>
      callSession(services, exchange, {
        method: 'GET',
        path: `/chats/${encodeURIComponent(exchange.params.chat_id)}/messages${queryText({ limit: exchange.query.limit })}`,
        repeatable: true,
        needsReady: true,
      }),
  });
}
