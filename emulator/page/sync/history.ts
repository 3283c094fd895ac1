import type { HistoryFrame } from '../../protocol/frames.ts';
import type { ChatService } from '../chats/chat-service.ts';
import { keyOfReference } from '../messages/message-model.ts';
import type { PageState } from '../state.ts';
import type { Transaction } from '../storage/database.ts';
import { type ChatRecord, type MessageRecord, NO_COUNTERS } from '../storage/records.ts';

/** What a frame of history has to store. */
type History = Omit<HistoryFrame, 'type' | 'last'>;

/** Stores what the phone sends after linking or when asked, a frame to a transaction, and shows the chats of it. */
export async function storeHistory(state: PageState, chats: ChatService, frame: History): Promise<void> {
  const stored = await state.database.write(
    ['settings', 'contacts', 'groups', 'chats', 'messages'],
    async (transaction) => {
      for (const contact of frame.contacts) transaction.put('contacts', contact);
      for (const group of frame.groups) transaction.put('groups', group);
      const messages = await writeMessages(transaction, state.requireMe().wid, frame);
      return { messages, chats: await writeChats(transaction, frame, messages) };
    },
  );
  for (const contact of frame.contacts) chats.showContact(contact);
  for (const group of frame.groups) chats.showGroup(group);
  const byKey = new Map(stored.messages.map((message) => [message.key, message]));
  for (const chat of stored.chats) chats.showChat(chat, byKey.get(chat.lastKey ?? ''));
}

async function writeMessages(
  transaction: Transaction,
  me: string,
  { messages }: History,
): Promise<MessageRecord[]> {
  const counters = (await transaction.getSetting('counters')) ?? NO_COUNTERS;
  const records: MessageRecord[] = [];
  for (const message of messages) {
    const key = keyOfReference(message, message.chat, me);
    if (await transaction.get('messages', key)) continue;
    const fromMe = message.sender === me;
    const row = counters.row + records.length + 1;
    const record: MessageRecord = { ...message, key, row, fromMe, ack: message.ack ?? (fromMe ? 3 : 1) };
    transaction.put('messages', record);
    records.push(record);
  }
  transaction.putSetting('counters', { ...counters, row: counters.row + records.length });
  return records;
}

/** A chat's newest message is known when its messages come, which may be in a later frame than the chat. */
async function writeChats(
  transaction: Transaction,
  frame: History,
  messages: readonly MessageRecord[],
): Promise<ChatRecord[]> {
  const chats = new Map<string, ChatRecord>(frame.chats.map((chat) => [chat.id, chat]));
  for (const message of messages) {
    const chat = chats.get(message.chat) ?? (await transaction.get('chats', message.chat));
    if (!chat) continue;
    const last = chat.lastKey === undefined ? undefined : await transaction.get('messages', chat.lastKey);
    chats.set(chat.id, last && last.t > message.t ? chat : { ...chat, lastKey: message.key });
  }
  for (const chat of chats.values()) transaction.put('chats', chat);
  return [...chats.values()];
}
