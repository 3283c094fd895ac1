import { z } from 'zod';
import { TRACEPARENT } from '../../common/tracing/tracer.ts';
import { sessionIdSchema, workspaceIdSchema } from '../ids.ts';
import { messageStatusSchema, type OutgoingMessage, outgoingMessageSchema } from '../messages.ts';
import { isMessageId } from './message-ids.ts';

/** Priorities from first to last; a session sends what is more urgent first, and within a priority in the order accepted. */
export const PRIORITIES = ['critical', 'high', 'normal', 'low'] as const;
export const prioritySchema = z.enum(PRIORITIES).meta({ id: 'Priority' });
export type Priority = z.infer<typeof prioritySchema>;

/** What is done with a message that may have left and of which the session's history knows nothing: told, or sent again under the same WhatsApp id. */
export const onUnknownSchema = z.enum(['report', 'resend']).meta({ id: 'OnUnknown' });

export const messageIdSchema = z
  .string()
  .refine(isMessageId, 'must be the message_id of a message, as msg_...');

/** A message as it lies in its session's queue: the data of its job. */
export const queuedMessageSchema = z.object({
  message_id: messageIdSchema,
  workspace_id: workspaceIdSchema,
  session_id: sessionIdSchema,
  priority: prioritySchema,
  on_unknown: onUnknownSchema,
  accepted_at: z.iso.datetime(),
  /** Not before then; null: at once. */
  send_at: z.iso.datetime().nullable(),
  /** The router that holds an answer until the message has ended, and wants to be told; null: none does. */
  waiter: z.string().nullable(),
  /** Of the trace in which it was accepted, where traces are made. */
  traceparent: z.string().regex(TRACEPARENT).optional(),
  /** Null once it has ended and bodies are not kept. Media is an address or a stored file, never the bytes. */
  message: outgoingMessageSchema.nullable(),
});
export type QueuedMessage = z.infer<typeof queuedMessageSchema>;

/** {@link QueuedMessage} that has not ended. */
export type AcceptedMessage = QueuedMessage & { message: OutgoingMessage };

/** Why a message failed or is unknown. */
export const messageFaultSchema = z.object({ code: z.string(), detail: z.string() });
export type MessageFault = z.infer<typeof messageFaultSchema>;

const time = z.iso.datetime().nullable();

/** What became of a message so far. It only ever goes forward: see `message-state.ts`. */
export const messageStateSchema = z.object({
  status: messageStatusSchema,
  whatsapp_id: z.string().nullable(),
  /** Times it was handed to the page. */
  attempts: z.number().int(),
  error: messageFaultSchema.nullable(),
  /** When it was first handed to the page. */
  sending_at: time,
  /** When the server had it. */
  sent_at: time,
  delivered_at: time,
  read_at: time,
  /** When it failed, was cancelled, or its fate became unknown. */
  ended_at: time,
});
export type MessageState = z.infer<typeof messageStateSchema>;

/** A message and what became of it, as GET `/api/whatsapp/messages/{message_id}` shows it. */
export const messageViewSchema = queuedMessageSchema
  .omit({ waiter: true, traceparent: true })
  .extend(messageStateSchema.shape)
  .meta({ id: 'Message' });
export type MessageView = z.infer<typeof messageViewSchema>;
