import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../common/clock.ts';
import { WharfError } from '../../common/errors.ts';
import { waitSchema } from '../../fleet/instance-api.ts';
import {
  MAX_MESSAGE_BODY_BYTES,
  messageReceiptSchema,
  type OutgoingMessage,
  outgoingMessageBodySchema,
  outgoingMessageSchema,
} from '../../fleet/messages.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import {
  type Call,
  callSession,
  queryText,
  SESSION_PATH,
  sessionParams,
  workspaceField,
} from './session-call.ts';

/** Milliseconds a send may take beyond what the caller waits for: media is fetched and uploaded first. */
const PATIENCE = 120_000;

/** What a message may say of its place in a queue. */
const queueFields = z.object({
  priority: z.enum(['critical', 'high', 'normal', 'low']).optional(),
  send_at: z.iso.datetime({ offset: true, error: 'must be a time such as 2026-11-22T10:00:00Z' }).optional(),
});

/** A message with its queue fields beside it. */
const sendBodySchema = z
  .unknown()
  .transform((value, context): z.infer<typeof queueFields> & { message: OutgoingMessage } => {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    const { priority, send_at, ...rest } = isObject ? (value as Record<string, unknown>) : {};
    const queue = queueFields.safeParse({ priority, send_at });
    const message = outgoingMessageBodySchema.safeParse(isObject ? rest : value);
    if (queue.success && message.success) return { ...queue.data, message: message.data };
    for (const result of [queue, message]) {
      for (const issue of result.error?.issues ?? [])
        context.issues.push({ ...issue, input: undefined } as never);
    }
    return z.NEVER;
  });

/** POST `/api/whatsapp/sessions/{session_id}/messages` */
export function messagesSend(services: Services): RouterRoute {
  return route({
    method: 'post',
    path: `${SESSION_PATH}/messages`,
    tag: 'Messages',
    summary: 'Sends a text, media, a location, a contact or a poll',
    params: sessionParams,
    query: z.strictObject({ ...workspaceField, wait: waitSchema.optional() }),
    body: sendBodySchema,
    bodyShape: outgoingMessageSchema,
    bodyLimit: MAX_MESSAGE_BODY_BYTES,
    responses: {
      200: { description: 'What became of it', schema: messageReceiptSchema },
      202: { description: 'It is under way', schema: messageReceiptSchema },
      409: { description: 'session_not_ready' },
      413: { description: 'payload_too_large: send large media by URL' },
      422: { description: 'recipient_not_on_whatsapp, or media that cannot be taken' },
      504: { description: 'send_unknown: it may or may not have been sent' },
    },
    handle(exchange) {
      refuseWhatNeedsAQueue(exchange.body, exchange.request.headers['idempotency-key'], services.clock);
      return callSession(services, exchange, sendCall(exchange.body.message, exchange.query.wait));
    },
  });
}

/**
 * How a message is handed to its instance.
 *
 * @param wait seconds the caller wants to wait for its end
 */
export function sendCall(message: OutgoingMessage, wait: number | undefined): Call {
  const message_id = newMessageId();
  return {
    method: 'POST',
    path: `/messages${queryText({ message_id, wait })}`,
    body: message,
    repeatable: false,
    needsReady: true,
    patience: (wait ?? 0) * 1000 + PATIENCE,
    lost: (why, cause) =>
      new WharfError(
        'send_unknown',
        `Message ${message_id} was handed over, then ${why}: it may or may not have been sent. Look at the chat before you send it again.`,
        {
          cause,
          extra: { message_id },
        },
      ),
  };
}

/**
 * Messages go straight to WhatsApp here, with no queue between. What only a queue can keep is refused, since a caller who asks for
 * it counts on it. Where nothing waits, every priority goes first, and a time that has come is now.
 */
function refuseWhatNeedsAQueue(
  { send_at }: z.infer<typeof queueFields>,
  idempotencyKey: unknown,
  clock: Clock,
): void {
  const faults = [];
  const later = 'comes with the message queue, which this version does not have';
  if (send_at !== undefined && Date.parse(send_at) > clock.now())
    faults.push({ path: 'send_at', message: `in the future ${later}` });
  if (idempotencyKey !== undefined) faults.push({ path: 'header.Idempotency-Key', message: later });
  if (faults.length === 0) return;
  throw new WharfError(
    'invalid_request',
    faults.map((fault) => `${fault.path}: ${fault.message}`).join('; '),
    { faults },
  );
}

/** A message id: sorts by time, and nobody guesses it. */
function newMessageId(): string {
  return `msg_${Date.now().toString(16).padStart(12, '0')}${randomBytes(10).toString('hex')}`;
}
