import type { ChatModel } from '../chats/chat-model.ts';
import type { Attributes } from '../core/model.ts';
import { MsgKey } from '../core/msg-key.ts';
import type { ModuleTable } from '../core/registry.ts';
import type { PageState } from '../state.ts';
import { MessageModel as Message, type MessageModel, senderOf } from './message-model.ts';
import { referenceOf, type Sender, type SendResult } from './sender.ts';

/** How long a text can be edited after it was sent, as in WhatsApp: 15 minutes. */
const EDIT_WINDOW_S = 15 * 60;
/** How long it can be deleted for everyone: two days and 12 hours. */
const REVOKE_WINDOW_S = 60 * 60 * 60;

interface MessageList {
  readonly list: readonly MessageModel[];
}

/** Sending, editing, deleting, quoting. */
export function messageModules(state: PageState, sender: Sender): ModuleTable {
  return {
    WAWebMsgKey: MsgKey,
    WAWebSendMsgChatAction: {
      addAndSendMsgToChat: (chat: ChatModel, attributes: Attributes) => sender.send(chat, attributes),
    },
    WAWebSendMessageEditAction: {
      sendMessageEdit: (message: MessageModel, body: string) =>
        sender.amend(message, { type: 'edit', target: referenceOf(message), body }),
    },
    WAWebMsgReply: { canReplyMsg: (message: MessageModel) => message.canReply() },
    WAWebMsgActionCapability: {
      canSenderRevokeMsg: (message: MessageModel) =>
        message.id.fromMe && message.type !== 'revoked' && ageOf(message) < REVOKE_WINDOW_S,
      canAdminRevokeMsg: (message: MessageModel) => state.chats.get(message.id.remote)?.iAmAdmin() ?? false,
      canStarMsg: (message: MessageModel) => message.type !== 'revoked',
      canEditText: (message: MessageModel) =>
        message.id.fromMe && message.type === 'chat' && ageOf(message) < EDIT_WINDOW_S,
      canEditCaption: (message: MessageModel) =>
        message.id.fromMe && message.mediaData !== undefined && ageOf(message) < EDIT_WINDOW_S,
    },
    WAWebQuotedMsgModelUtils: { getQuotedMsgObj: (message: MessageModel) => quotedMessage(state, message) },
    WAWebChatForwardMessage: {
      forwardMessages: ({ chat, msgs }: { chat: ChatModel; msgs: readonly MessageModel[] }) =>
        forward(state, sender, chat, msgs),
    },
    WAWebApiMessageInfoStore: { queryMsgInfo: async (key: MsgKey) => messageInfo(state, key) },
    WAWebGetEphemeralFieldsMsgActionsUtils: { getEphemeralFields: () => ({}) },
    WAWebSyncGatingUtils: { isPlaceholderMessageResendEnabled: () => false },
    // The emulated senders repeat what could not be read by themselves.
    WAWebNonMessageDataRequestPlaceholderMessageResendUtils: { handlePlaceholderMsgsSeen: () => undefined },
    WAWebBackendJobsCommon: { mediaTypeFromProtobuf: () => null },
    WAWebE2EProtoUtils: { typeAttributeFromProtobuf: () => 'text' },
  };
}

/** The message commands of `WAWebCmd.Cmd`. */
export function messageCommands(state: PageState, sender: Sender): object {
  return {
    sendRevokeMsgs: async (_chat: ChatModel, messages: MessageList) => {
      for (const message of messages.list) {
        await sender.amend(message, { type: 'revoke', target: referenceOf(message) });
      }
    },
    sendDeleteMsgs: async (chat: ChatModel, messages: MessageList) => {
      await state.database.write(['messages'], async (transaction) => {
        for (const message of messages.list) transaction.delete('messages', message.id._serialized);
      });
      for (const message of messages.list) {
        chat.msgs.remove(message.id);
        state.messages.remove(message.id);
      }
    },
    sendStarMsgs: (_chat: ChatModel, messages: readonly MessageModel[]) => star(state, messages, true),
    sendUnstarMsgs: (_chat: ChatModel, messages: readonly MessageModel[]) => star(state, messages, false),
  };
}

async function star(state: PageState, messages: readonly MessageModel[], starred: boolean): Promise<void> {
  await state.database.write(['messages'], async (transaction) => {
    for (const message of messages) {
      const record = await transaction.get('messages', message.id._serialized);
      if (record) transaction.put('messages', { ...record, starred });
    }
  });
  for (const message of messages) message.set({ star: starred });
}

/** The quoted message itself if it is in memory, else one made of what the quote says. */
function quotedMessage(state: PageState, message: MessageModel): MessageModel | undefined {
  if (!message.quotedMsg || message.quotedStanzaID === undefined) return undefined;
  const me = state.meWid();
  const from = message.quotedParticipant ?? message.id.remote;
  const remote = message.id.remote;
  const key = new MsgKey({
    fromMe: from.equals(me),
    remote,
    id: message.quotedStanzaID,
    participant: remote.isGroup() ? from : undefined,
  });
  const held = state.messages.get(key);
  return (
    held ??
    new Message({ ...message.quotedMsg, id: key, from, to: from.equals(me) ? remote : me, t: message.t })
  );
}

function forward(
  state: PageState,
  sender: Sender,
  chat: ChatModel,
  messages: readonly MessageModel[],
): Promise<SendResult[]> {
  const me = state.meWid();
  return Promise.all(
    messages.map(async (message) => {
      const id = await MsgKey.newId();
      const participant = chat.id.isGroup() ? me : undefined;
      const {
        quotedMsg: _quoted,
        quotedStanzaID: _stanza,
        quotedParticipant: _participant,
        ...rest
      } = message.serialize();
      const key = new MsgKey({ from: me, to: chat.id, id, participant, selfDir: 'out' });
      const t = Math.floor(Date.now() / 1000);
      const [, result] = sender.send(chat, { ...rest, id: key, t, isForwarded: true });
      return result;
    }),
  );
}

/** Who has received and read a message of ours: in a chat of two that is one person. */
function messageInfo(state: PageState, key: MsgKey): object {
  const message = state.messages.get(key);
  const person = message && { id: key.remote, t: message.t };
  const ack = message?.ack ?? 0;
  return {
    delivery: person && ack >= 2 ? [person] : [],
    deliveryRemaining: ack >= 2 ? 0 : 1,
    read: person && ack >= 3 ? [person] : [],
    readRemaining: ack >= 3 ? 0 : 1,
    played: person && ack >= 4 ? [person] : [],
    playedRemaining: ack >= 4 ? 0 : 1,
    author: message && senderOf(message),
  };
}

function ageOf(message: MessageModel): number {
  return Date.now() / 1000 - message.t;
}
