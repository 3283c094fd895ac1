import { z } from 'zod';
import { waitSchema } from '../../fleet/instance-api.ts';
import { MAX_MESSAGE_BODY_BYTES } from '../../fleet/messages.ts';
import { sendReceiptSchema } from '../../fleet/queue/receipt.ts';
import { sendRequestSchema, sendRequestShape } from '../messages/send-request.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import { replyToSend, SEND_HEADERS } from './send-reply.ts';
import { SESSION_PATH, sessionParams, workspaceField } from './session-call.ts';

/** The path of sending. */
export const SEND_PATH = `${SESSION_PATH}/messages`;

/** What sending answers, under both its names. */
export const SEND_RESPONSES = {
  200: { description: 'It has ended: what became of it', schema: sendReceiptSchema },
  202: {
    description: 'It is accepted, on disk, and will be sent: see GET /api/whatsapp/messages/{message_id}',
    schema: sendReceiptSchema,
  },
  409: { description: 'session_not_ready: the session was logged out; ambiguous_session' },
  413: { description: 'payload_too_large: upload large media, or send its URL' },
  422: { description: 'idempotency_conflict, or media that cannot be taken' },
  429: { description: 'queue_full: the session has too many messages waiting' },
  503: {
    description:
      'queue_unavailable: nothing is known to be accepted; try again with the same Idempotency-Key',
  },
};

/** POST `/api/whatsapp/sessions/{session_id}/messages`. Texts of usual size go past it: see `messages.quick.ts`. */
export function messagesSend(services: Services): RouterRoute {
  return route({
    method: 'post',
    path: SEND_PATH,
    tag: 'Messages',
    summary: 'Accepts a text, media, a location, a contact or a poll to be sent',
    params: sessionParams,
    query: z.strictObject({ ...workspaceField, wait: waitSchema.optional() }),
    headers: SEND_HEADERS,
    body: sendRequestSchema,
    bodyShape: sendRequestShape,
    bodyLimit: MAX_MESSAGE_BODY_BYTES,
    responses: SEND_RESPONSES,
    handle: (exchange) =>
      replyToSend(services, exchange, {
        ...exchange.params,
        ...exchange.query,
        request: exchange.body,
      }),
  });
}
