import type { Chat, ChatMessage, Contact } from '../../fleet/messages.ts';

/** What we read of the library's Message. */
interface LibraryMessage {
  id: { _serialized: string; remote?: unknown };
  from: string;
  to: string;
  fromMe: boolean;
  type: string;
  body?: string;
  timestamp: number;
  ack?: number;
  hasMedia?: boolean;
}

/** What we read of the library's Chat. */
interface LibraryChat {
  id: { _serialized: string };
  name?: string;
  isGroup: boolean;
  unreadCount?: number;
  timestamp?: number;
}

/** What we read of the library's Contact. */
interface LibraryContact {
  id: { _serialized: string };
  number?: string | null;
  name?: string | undefined;
  pushname?: string | undefined;
  isMyContact?: boolean;
  isGroup?: boolean;
}

/** A library's message in the API's shape. */
export function toChatMessage(message: LibraryMessage): ChatMessage {
  const fromMe = Boolean(message.fromMe);
  return {
    whatsapp_id: message.id._serialized,
    chat_id: String(fromMe ? message.to : message.from),
    from: String(message.from),
    to: String(message.to),
    from_me: fromMe,
    type: String(message.type),
    text: typeof message.body === 'string' && message.body !== '' ? message.body : null,
    timestamp: isoSeconds(message.timestamp) ?? new Date(0).toISOString(),
    ack: typeof message.ack === 'number' ? message.ack : null,
    has_media: Boolean(message.hasMedia),
  };
}

/** A library's chat in the API's shape. */
export function toChat(chat: LibraryChat): Chat {
  return {
    chat_id: chat.id._serialized,
    name: chat.name ?? null,
    is_group: Boolean(chat.isGroup),
    unread: Math.max(0, chat.unreadCount ?? 0),
    last_activity: isoSeconds(chat.timestamp),
  };
}

/** A library's contact in the API's shape. */
export function toContact(contact: LibraryContact): Contact {
  return {
    contact_id: contact.id._serialized,
    phone_number: contact.number ?? null,
    name: contact.name ?? contact.pushname ?? null,
    is_my_contact: Boolean(contact.isMyContact),
    is_group: Boolean(contact.isGroup),
  };
}

function isoSeconds(seconds: number | undefined): string | null {
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0
    ? new Date(seconds * 1000).toISOString()
    : null;
}
