import type { MessageStatus } from '../messages.ts';
import type { MessageId, SessionKey } from '../queue/message-ids.ts';
import type { MessageFault } from '../queue/outgoing.ts';
import { eventId, type WharfEvent } from './event.ts';

/** What became of a message of ours. */
export interface StatusChange {
  message: MessageId;
  whatsappId: string | null;
  chat: string | null;
  status: MessageStatus;
  error: MessageFault | null;
  /** Unix milliseconds. */
  at: number;
}

/** The event that tells it; the same message and status always make the same id, so that telling it again after a crash is telling it once. */
export function statusEvent(
  { workspace, session }: SessionKey,
  { message, whatsappId, chat, status, error, at }: StatusChange,
): WharfEvent<'message.status'> {
  return {
    id: eventId('message.status', workspace, session, message, status),
    type: 'message.status',
    timestamp: new Date(at).toISOString(),
    workspace_id: workspace,
    session_id: session,
    data: { message_id: message, whatsapp_id: whatsappId, chat_id: chat, status, error },
  };
}
