import { cancelMessage } from '../messages/message-lookup.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import { MESSAGE_PATH, messageParams, showMessage, shownMessageSchema } from './message-shape.ts';

/** DELETE `/api/whatsapp/messages/{message_id}` */
export function messagesCancel(services: Services): RouterRoute {
  return route({
    method: 'delete',
    path: MESSAGE_PATH,
    tag: 'Messages',
    summary: 'Cancels a message that is not being sent yet',
    params: messageParams,
    responses: {
      200: { description: 'It is cancelled, and counts as failed', schema: shownMessageSchema },
      404: { description: 'message_not_found' },
      409: { description: 'not_cancellable: it is being sent, or has ended' },
    },
    handle: async ({ params, principal }) => ({
      body: showMessage(await cancelMessage(services, principal, params.message_id)),
    }),
  });
}
