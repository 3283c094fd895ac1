import type { EarlierResult } from '../../protocol/queries.ts';
import type { Ask, ChatService } from '../chats/chat-service.ts';
import type { ModuleTable } from '../core/registry.ts';
import type { Wid } from '../core/wid.ts';
import type { PageState } from '../state.ts';
import { storeHistory } from './history.ts';

/** WhatsApp Web's number for "send me older messages of a chat". */
const HISTORY_ON_DEMAND = 3;
/** How many the phone sends for one request. */
const REQUEST = 50;

/** Asking the phone for what is not on this device. */
export function historyModules(state: PageState, chats: ChatService, ask: Ask): ModuleTable {
  return {
    WAWebSendNonMessageDataRequest: {
      sendPeerDataOperationRequest: async (kind: number, { chatId }: { readonly chatId: Wid }) => {
        if (kind !== HISTORY_ON_DEMAND) throw new Error(`the emulated phone does not know request ${kind}`);
        const chat = chatId._serialized;
        const before = (await chats.oldest(chat))?.t ?? Math.floor(Date.now() / 1000);
        const { messages } = await ask<EarlierResult>({ name: 'earlier', chat, before, count: REQUEST });
        await storeHistory(state, chats, { contacts: [], groups: [], chats: [], messages });
        if (messages.length === 0) state.chats.get(chatId)?.set({ endOfHistoryTransferType: 2 });
      },
    },
  };
}
