import { z } from 'zod';
import { sessionIdSchema, workspaceIdSchema } from '../../fleet/ids.ts';
import {
  type OutgoingMessage,
  outgoingMessageBodySchema,
  outgoingMessageSchema,
} from '../../fleet/messages.ts';
import { onUnknownSchema, prioritySchema } from '../../fleet/queue/outgoing.ts';

/** Messages in one bulk request. */
export const MAX_BULK_MESSAGES = 1000;

/** Days ahead that a message may be for. */
export const MAX_DAYS_AHEAD = 366;

/** What a caller may say of a message's place in the queue. */
const queueShape = {
  priority: prioritySchema.optional().describe('normal where nothing is said'),
  send_at: z.iso
    .datetime({ offset: true, error: 'must be a time such as 2026-11-22T10:00:00Z' })
    .optional()
    .describe(`Not before then; at most ${MAX_DAYS_AHEAD} days ahead`),
  on_unknown: onUnknownSchema
    .optional()
    .describe(
      'Where nobody can say whether it left (a crash in the middle): report says so, resend sends it again with the same id',
    ),
};
const queueFieldsSchema = z.object(queueShape);
type QueueFields = z.infer<typeof queueFieldsSchema>;

/** The header, and the field of a message in bulk. */
export const idempotencyKeySchema = z
  .string()
  .regex(/^[\x20-\x7e]{1,255}$/, 'must be 1 to 255 printable characters of ASCII');

/** What one message in bulk says beside what every message does. */
const bulkShape = {
  session_id: sessionIdSchema,
  workspace_id: workspaceIdSchema.optional(),
  idempotency_key: idempotencyKeySchema.optional(),
};
const bulkFieldsSchema = queueFieldsSchema.extend(bulkShape);

/** A message to send, with its place in the queue. */
export interface SendRequest extends QueueFields {
  message: OutgoingMessage;
}

/** One of many messages. */
export interface BulkItem extends z.infer<typeof bulkFieldsSchema> {
  message: OutgoingMessage;
}

/** A message with its queue fields beside it. */
export const sendRequestSchema = z.unknown().transform((value, context): SendRequest => {
  const { fields, rest } = split(value, queueShape);
  return joined(context, queueFieldsSchema.safeParse(fields), outgoingMessageBodySchema.safeParse(rest));
});

/** The same in bulk. */
export const bulkItemSchema = z.unknown().transform((value, context): BulkItem => {
  const { fields, rest } = split(value, { ...queueShape, ...bulkShape });
  return joined(context, bulkFieldsSchema.safeParse(fields), outgoingMessageBodySchema.safeParse(rest));
});

/** {@link sendRequestSchema} as the API's description shows it. */
export const sendRequestShape = z
  .union(outgoingMessageSchema.options.map((shape) => shape.extend(queueShape)))
  .meta({ id: 'SendMessage' });

/** {@link bulkItemSchema} as the API's description shows it. */
export const bulkItemShape = z
  .union(outgoingMessageSchema.options.map((shape) => shape.extend({ ...queueShape, ...bulkShape })))
  .meta({ id: 'BulkMessage' });

/** Takes some fields out of what may be an object; anything else is left whole, for the message's own check to say so. */
function split(
  value: unknown,
  shape: Record<string, unknown>,
): { fields: Record<string, unknown>; rest: unknown } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { fields: {}, rest: value };
  const fields: Record<string, unknown> = {};
  const rest: Record<string, unknown> = {};
  for (const [name, each] of Object.entries(value)) (Object.hasOwn(shape, name) ? fields : rest)[name] = each;
  return { fields, rest };
}

function joined<Fields>(
  context: z.RefinementCtx,
  fields: z.ZodSafeParseResult<Fields>,
  message: z.ZodSafeParseResult<OutgoingMessage>,
): Fields & { message: OutgoingMessage } {
  if (fields.success && message.success) return { ...fields.data, message: message.data };
  for (const result of [fields, message]) {
    for (const issue of result.error?.issues ?? [])
      context.issues.push({ ...issue, input: undefined } as never);
  }
  return z.NEVER;
}
