import { randomBytes } from 'node:crypto';
import { sendQuerySchema } from '../../fleet/instance-api.ts';
import { MAX_MESSAGE_BODY_BYTES, outgoingMessageBodySchema } from '../../fleet/messages.ts';
import type { PreparedMessage } from '../whatsapp/client.ts';
import { type InstanceParts, route, SESSION_PATH, sessionParamsSchema } from './parts.ts';

/** Seconds to wait for the server's ack where the caller does not say. */
const DEFAULT_WAIT = 30;

export const sendMessage = ({ manager, media }: InstanceParts) =>
  route({
    method: 'post',
    path: `${SESSION_PATH}/messages`,
    summary: 'Send a message and wait for the ack',
    tag: 'messages',
    params: sessionParamsSchema,
    query: sendQuerySchema,
    body: outgoingMessageBodySchema,
    bodyLimit: MAX_MESSAGE_BODY_BYTES,
    responses: { 200: { description: 'The server has it' }, 202: { description: 'It is on its way' } },
    async handle({ params, query, body }) {
      const session = manager.get(params.workspace_id, params.session_id);
      session.readyClient();
      const held = 'media' in body ? await media.prepare(params.workspace_id, body.media) : undefined;
      const message: PreparedMessage =
        'media' in body && held !== undefined ? { ...body, media: held } : (body as PreparedMessage);
      const messageId = query.message_id ?? `msg_${randomBytes(12).toString('hex')}`;
      const wait = (query.wait ?? DEFAULT_WAIT) * 1000;
      const receipt = await session.send(message, messageId, wait).finally(() => held?.release());
      const settled =
        receipt.status === 'sent' || receipt.status === 'delivered' || receipt.status === 'read';
      return { status: settled ? 200 : 202, body: receipt };
    },
  });
