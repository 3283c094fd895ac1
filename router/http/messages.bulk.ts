import { z } from 'zod';
import { ERROR_CODES, type ErrorCode } from '../../common/errors.ts';
import { acceptBulk } from '../messages/bulk.ts';
import { bulkItemShape, MAX_BULK_MESSAGES } from '../messages/send-request.ts';
import { type RouterRoute, route, type Services } from '../services.ts';

/** Bytes of a bulk request: a thousand texts of 8 kB. */
const BODY_LIMIT = 8 * 1024 * 1024 + 64 * 1024;

const bulkSchema = z.strictObject({
  messages: z.array(z.unknown()).min(1).max(MAX_BULK_MESSAGES, `must be at most ${MAX_BULK_MESSAGES}`),
});

const bulkShape = z
  .strictObject({ messages: z.array(bulkItemShape).min(1).max(MAX_BULK_MESSAGES) })
  .meta({ id: 'BulkSend' });

const bulkResultSchema = z
  .object({
    accepted: z.array(
      z.object({
        index: z.number().int().describe('Its place in the request, from 0'),
        message_id: z.string(),
        replayed: z.literal(true).optional().describe('Its idempotency_key stood for it already'),
      }),
    ),
    rejected: z.array(
      z.object({
        index: z.number().int(),
        code: z.enum(Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]]),
        detail: z.string(),
        retry_after: z.number().optional(),
      }),
    ),
  })
  .meta({ id: 'BulkResult' });

/** POST `/api/whatsapp/messages/bulk` */
export function messagesBulk(services: Services): RouterRoute {
  return route({
    method: 'post',
    path: '/api/whatsapp/messages/bulk',
    tag: 'Messages',
    summary: `Accepts up to ${MAX_BULK_MESSAGES} messages to be sent, each checked by itself`,
    query: z.strictObject({}),
    body: bulkSchema,
    bodyShape: bulkShape,
    bodyLimit: BODY_LIMIT,
    responses: {
      202: { description: 'Which are accepted, and why the others are not', schema: bulkResultSchema },
      413: { description: 'payload_too_large: send fewer at a time' },
      503: {
        description:
          'queue_unavailable: none is known to be accepted; try again with the same idempotency_keys. Where some are, the others are rejected with that code',
      },
    },
    handle: async ({ body, principal, requestId }) => ({
      status: 202,
      body: await acceptBulk(services, principal, body.messages, requestId),
    }),
  });
}
