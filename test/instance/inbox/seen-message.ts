import type { SeenMessage } from '../../../instance/whatsapp/client.ts';

/** A message from one chat, as a page tells it. */
export function aSeenMessage(id: string, changes: Partial<SeenMessage> & { t?: number } = {}): SeenMessage {
  const { t = Date.UTC(2026, 10, 22) / 1000, ...given } = changes;
  const chat = given.chat_id ?? '491700000002@c.us';
  const fromMe = given.from_me ?? false;
  return {
    whatsapp_id: `${fromMe}_${chat}_${id}`,
    chat_id: chat,
    from: fromMe ? '491700000001@c.us' : chat,
    to: fromMe ? chat : '491700000001@c.us',
    from_me: fromMe,
    type: 'chat',
    text: id,
    timestamp: new Date(t * 1000).toISOString(),
    ack: 1,
    has_media: false,
    author: null,
    reply_to: null,
    media: null,
    location: null,
    contacts: null,
    ...given,
  };
}
