import { type EventData, type EventType, eventId, type WharfEvent } from '../../fleet/events/event.ts';
import { mediaIdOf, receivedMediaPath } from '../../fleet/media/media-ids.ts';
import { chatOf, type MessageId, messageIdOf, type SessionKey } from '../../fleet/queue/message-ids.ts';
import type { Ack, Happening, SeenMessage } from '../whatsapp/client.ts';

/** What a happening comes to. */
export interface Told {
  /** Null: there is nothing to tell, only to remember. */
  event: WharfEvent | null;
  /** The event is told only if no message of ours has this id: what becomes of ours its sender tells. */
  unlessOurs?: MessageId;
  /** The message of a chat that it is about. Unix seconds. */
  mark?: { chat: string; time: number };
  /** A message that cannot be read yet. Unix seconds. */
  unreadable?: { whatsappId: string; time: number };
  /** A message that can be read, whether or not it could be before. */
  readable?: string;
}

/**
 * What to tell of a happening. The ids of events are made of what WhatsApp knows it by, so that the same happening has the same id whoever sees it, live or in the
 * history.
 *
 * @param now Unix milliseconds
 * @param late true where it came while the session was not running
 */
export function toldOf(key: SessionKey, happening: Happening, now: number, late: boolean): Told {
  const make = maker(key, now);
  switch (happening.kind) {
    case 'message': {
      const { message } = happening;
      const { whatsapp_id: id, from_me: fromMe, chat_id: chat } = message;
      const type = fromMe ? 'message.sent_elsewhere' : 'message.received';
      return {
        event: make(type, messageData(key, message, late), id),
        ...(fromMe ? maybeOurs(key, id) : {}),
        mark: { chat, time: Math.floor(Date.parse(message.timestamp) / 1000) },
        readable: id,
      };
    }
    case 'unreadable':
      return { event: null, unreadable: { whatsappId: happening.whatsappId, time: happening.sentAt } };
    case 'ack': {
      const { whatsappId, ack } = happening;
      // Acks of what others wrote tell that it was read here.
      if (!whatsappId.startsWith('true_') || ack === 0) return { event: null };
      const error = ack < 0 ? { code: 'send_failed', detail: 'WhatsApp did not take the message.' } : null;
      const status = statusOf(ack);
      const data = {
        message_id: null,
        whatsapp_id: whatsappId,
        chat_id: chatOf(whatsappId) ?? '',
        status,
        error,
      };
      return { event: make('message.status', data, whatsappId, status), ...maybeOurs(key, whatsappId) };
    }
    case 'reaction': {
      const { whatsappId, chatId, from, emoji } = happening;
      const data = { whatsapp_id: whatsappId, chat_id: chatId, from, emoji };
      return { event: make('message.reaction', data, happening.key, emoji) };
    }
    case 'edited': {
      const { whatsappId, chatId, text, editedAt } = happening;
      const data = { whatsapp_id: whatsappId, chat_id: chatId, text };
      // A text may come back: who reads B, A and B again is to end with B.
      return { event: make('message.edited', data, whatsappId, text ?? '', editedAt ?? 0) };
    }
    case 'revoked': {
      const { whatsappId, chatId } = happening;
      const data = { whatsapp_id: whatsappId, chat_id: chatId };
      return { event: make('message.revoked', data, whatsappId), readable: whatsappId };
    }
  }
}

/** Makes an event of a session; `nature` as in {@link eventId}. */
export function maker({ workspace, session }: SessionKey, now: number) {
  return <Type extends EventType>(
    type: Type,
    data: EventData<Type>,
    ...nature: (string | number)[]
  ): WharfEvent<Type> => ({
    id: eventId(type, workspace, session, ...nature),
    type,
    timestamp: new Date(now).toISOString(),
    workspace_id: workspace,
    session_id: session,
    data,
  });
}

function messageData(key: SessionKey, message: SeenMessage, late: boolean): EventData<'message.received'> {
  const { whatsapp_id: id, media } = message;
  return {
    whatsapp_id: id,
    chat_id: message.chat_id,
    from: message.from,
    to: message.to,
    author: message.author,
    kind: message.type,
    text: message.text,
    sent_at: message.timestamp,
    reply_to: message.reply_to,
    media: media && { media_id: mediaIdOf(key, id), ...media, url: receivedMediaPath(key, id) },
    location: message.location,
    contacts: message.contacts,
    late,
  };
}

function maybeOurs(key: SessionKey, whatsappId: string): { unlessOurs?: MessageId } {
  const message = messageIdOf(key, whatsappId);
  return message === undefined ? {} : { unlessOurs: message };
}

function statusOf(ack: Ack): 'failed' | 'sent' | 'delivered' | 'read' {
  if (ack < 0) return 'failed';
  if (ack === 1) return 'sent';
  return ack === 2 ? 'delivered' : 'read';
}
