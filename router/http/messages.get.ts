import { findMessage } from '../messages/message-lookup.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import { MESSAGE_PATH, messageParams, showMessage, shownMessageSchema } from './message-shape.ts';

/** GET `/api/whatsapp/messages/{message_id}` */
export function messagesGet(services: Services): RouterRoute {
  return route({
    method: 'get',
    path: MESSAGE_PATH,
    tag: 'Messages',
    summary: 'A message, and what became of it so far',
    params: messageParams,
    responses: {
      200: { description: 'The message', schema: shownMessageSchema },
      404: { description: 'message_not_found: there is none, it is forgotten, or it is not yours' },
    },
    handle: async ({ params, principal }) => ({
      body: showMessage(await findMessage(services, principal, params.message_id)),
    }),
  });
}
