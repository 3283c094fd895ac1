import { z } from 'zod';
import { sessionIdSchema } from '../../fleet/ids.ts';
import { recipientSchema } from '../../fleet/messages.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import { SEND_RESPONSES } from './messages.send.ts';
import { replyToSend, SEND_HEADERS } from './send-reply.ts';
import { workspaceField } from './session-call.ts';

const olderSendSchema = z
  .strictObject({
    ...workspaceField,
    session_id: sessionIdSchema,
    to: recipientSchema,
    message: z.string().min(1).max(65_536),
  })
  .meta({ id: 'OlderSend' });

/** POST `/api/whatsapp/messages/send`: the older name for sending a text. */
export function messagesSendOlder(services: Services): RouterRoute {
  return route({
    method: 'post',
    path: '/api/whatsapp/messages/send',
    tag: 'Older names',
    summary: 'Accepts a text to be sent',
    deprecated: true,
    query: z.strictObject({}),
    headers: SEND_HEADERS,
    body: olderSendSchema,
    bodyLimit: 512 * 1024,
    responses: SEND_RESPONSES,
    handle(exchange) {
      const { session_id, workspace_id, to, message } = exchange.body;
      return replyToSend(services, exchange, {
        session_id,
        workspace_id,
        request: { message: { to, text: message } },
      });
    },
  });
}
