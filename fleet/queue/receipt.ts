import { z } from 'zod';
import { messageStatusSchema } from '../messages.ts';
import type { MessageId } from './message-ids.ts';
import { type MessageState, type MessageView, messageFaultSchema } from './outgoing.ts';

/** The answer to a message that was handed in, with the reason where it failed or is unknown. */
export const sendReceiptSchema = z
  .object({
    message_id: z.string().describe("Wharf's id of the message"),
    status: messageStatusSchema,
    whatsapp_id: z.string().nullable().describe("WhatsApp's id of the message, once the page has it"),
    error: messageFaultSchema.nullable().describe('Why it failed, or why nobody knows'),
  })
  .meta({ id: 'SendReceipt' });

/** {@link sendReceiptSchema} */
export interface SendReceipt {
  message_id: MessageId;
  status: MessageState['status'];
  whatsapp_id: string | null;
  error: MessageState['error'];
}

/** What a caller is told of a message that is known. */
export function receiptOf({ message_id, status, whatsapp_id, error }: MessageView): SendReceipt {
  return { message_id, status, whatsapp_id, error };
}

/** What a caller is told of a message that was just accepted. */
export function firstReceipt(message_id: MessageId): SendReceipt {
  return { message_id, status: 'queued', whatsapp_id: null, error: null };
}

/** Whether a message has come to an end: then an answer is held no longer, though an ack may still take it further. */
export function hasEnded({ status }: Pick<MessageState, 'status'>): boolean {
  return status !== 'queued' && status !== 'sending';
}
