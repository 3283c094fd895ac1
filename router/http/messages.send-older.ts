import { z } from 'zod';
import { sessionIdSchema } from '../../fleet/ids.ts';
import { messageReceiptSchema, recipientSchema } from '../../fleet/messages.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import { sendCall } from './messages.send.ts';
import { callSession, workspaceField } from './session-call.ts';

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
    summary: 'Sends a text',
    deprecated: true,
    query: z.strictObject({}),
    body: olderSendSchema,
    bodyLimit: 512 * 1024,
    responses: {
      200: { description: 'What became of it', schema: messageReceiptSchema },
      202: { description: 'It is under way', schema: messageReceiptSchema },
    },
    handle(exchange) {
      const { session_id, workspace_id, to, message } = exchange.body;
      const call = sendCall({ to, text: message }, undefined);
      return callSession(services, { ...exchange, params: { session_id }, query: { workspace_id } }, call);
    },
  });
}
