import type { SeenFrame } from '../../protocol/frames.ts';
import type { ModuleTable } from '../core/registry.ts';
import type { Wid } from '../core/wid.ts';
import type { PageState } from '../state.ts';
import type { ChatModel } from './chat-model.ts';
import type { ChatService } from './chat-service.ts';

/** Opening, reading, and tidying chats. */
export function chatModules(
  state: PageState,
  chats: ChatService,
  sendSeen: (frame: SeenFrame) => boolean,
): ModuleTable {
  return {
    WAWebFindChatAction: {
      findOrCreateLatestChat: async (id: Wid) => ({ chat: await chats.open(id), created: false }),
    },
    WAWebChatGetters: {
      getIsNewsletter: (chat: ChatModel) => chat.id.isNewsletter(),
      getIsBroadcast: (chat: ChatModel) => chat.id.isBroadcast(),
      getIsGroup: (chat: ChatModel) => chat.id.isGroup(),
      getIsUser: (chat: ChatModel) => chat.id.isUser(),
    },
    WAWebChatLoadMessages: {
      loadEarlierMsgs: ({ chat }: { readonly chat: ChatModel }) => chats.loadEarlier(chat),
    },
    WAWebUpdateUnreadChatAction: {
      sendSeen: async ({ chat }: { readonly chat: ChatModel }) => {
        const unread = await chats.unread(chat);
        if (chat.unreadCount !== 0) await chats.change(chat.id._serialized, { unreadCount: 0 });
        if (unread.length === 0) return;
        const messages = unread.map(({ id, sender }) => ({ id, sender }));
        sendSeen({ type: 'seen', chat: chat.id._serialized, messages });
      },
    },
    WAWebChatClearBridge: { sendClear: (chat: ChatModel) => clear(state, chat) },
    WAWebDeleteChatAction: {
      sendDelete: async (chat: ChatModel) => {
        await clear(state, chat);
        await state.database.write(['chats'], async (transaction) =>
          transaction.delete('chats', chat.id._serialized),
        );
        state.chats.remove(chat.id);
      },
    },
    WAWebChatStateBridge: {
      sendChatStateComposing: async () => undefined,
      sendChatStateRecording: async () => undefined,
      sendChatStatePaused: async () => undefined,
    },
    WAWebStreamModel: { Stream: { markAvailable: () => undefined, markUnavailable: () => undefined } },
    WAWebPresenceChatAction: {
      sendPresenceAvailable: async () => undefined,
      sendPresenceUnavailable: async () => undefined,
    },
  };
}

/** The chat commands of `WAWebCmd.Cmd`. */
export function chatCommands(chats: ChatService): object {
  return {
    archiveChat: (chat: ChatModel, archived: boolean) => chats.change(chat.id._serialized, { archived }),
    pinChat: (chat: ChatModel, pinned: boolean) =>
      chats.change(chat.id._serialized, { pin: pinned ? Math.floor(Date.now() / 1000) : 0 }),
    markChatUnread: (chat: ChatModel, unread: boolean) =>
      // WhatsApp's mark for a chat that a person wants to come back to.
      chats.change(chat.id._serialized, { unreadCount: unread ? -1 : 0 }),
  };
}

async function clear(state: PageState, chat: ChatModel): Promise<void> {
  const id = chat.id._serialized;
  await state.database.write(['messages', 'chats'], async (transaction) => {
    const range = IDBKeyRange.bound([id], [id, Number.POSITIVE_INFINITY]);
    const records = await transaction.byIndex('messages', 'chat', range, Number.POSITIVE_INFINITY);
    for (const { key } of records) transaction.delete('messages', key);
    const record = await transaction.get('chats', id);
    if (!record) return;
    const { lastKey: _lastKey, ...rest } = record;
    transaction.put('chats', { ...rest, unreadCount: 0 });
  });
  for (const message of chat.msgs.getModelsArray()) {
    chat.msgs.remove(message.id);
    state.messages.remove(message.id, { silent: true });
  }
  chat.set({ unreadCount: 0, lastReceivedKey: undefined });
}
