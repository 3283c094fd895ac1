import type { SendAckFrame } from '../../protocol/frames.ts';
import type { Content, OutgoingMessage, Quoted } from '../../protocol/messages.ts';
import type { ChatModel } from '../chats/chat-model.ts';
import type { ChatService } from '../chats/chat-service.ts';
import type { Attributes } from '../core/model.ts';
import { MsgKey, newMessageId } from '../core/msg-key.ts';
import type { Wid } from '../core/wid.ts';
import type { PageState } from '../state.ts';
import type { Transaction } from '../storage/database.ts';
import type { ChatRecord, MessageRecord } from '../storage/records.ts';
import type { AddonTables } from './addon-tables.ts';
import { AMENDMENT_STORES, type AmendmentContent, type Effect, writeAmendment } from './amendments.ts';
import { contentFromAttributes } from './content.ts';
import { type MessageModel, messageFromRecord, senderOf } from './message-model.ts';
import type { Outbox, SendNumbers } from './outbox.ts';

/** What WhatsApp Web says of a finished send. */
export interface SendResult {
  readonly messageSendResult: 'OK' | 'ERROR_UNKNOWN';
  /** Unix seconds. */
  readonly t: number;
}

/** Sends messages, and what changes messages. */
export class Sender {
  readonly #state: PageState;
  readonly #chats: ChatService;
  readonly #outbox: Outbox;
  readonly #tables: AddonTables;

  constructor(state: PageState, chats: ChatService, outbox: Outbox, tables: AddonTables) {
    this.#state = state;
    this.#chats = chats;
    this.#outbox = outbox;
    this.#tables = tables;
  }

  /**
   * WhatsApp Web's pair of promises: the first resolves when the message is stored and shown here (ack 0), the
   * second when the server has answered, which may be never.
   */
  send(chat: ChatModel, attributes: Attributes): [Promise<MessageModel>, Promise<SendResult>] {
    const sent = this.#send(chat, attributes);
    const result = sent.then(({ acknowledged, t }) => acknowledged.then((frame) => resultOf(frame, t)));
    // The library does not always wait for the second: an error is told by the first.
    result.catch(() => undefined);
    return [sent.then(({ model }) => model), result];
  }

  /** Sends a reaction, vote, edit or deletion, and shows it here. Resolves when the server has it. */
  async amend(target: MessageModel, content: AmendmentContent): Promise<SendResult> {
    const me = this.#state.requireMe().wid;
    const message: OutgoingMessage = {
      id: newMessageId(),
      chat: target.id.remote._serialized,
      t: Math.floor(Date.now() / 1000),
      content,
    };
    let effect: Effect = () => undefined;
    const { acknowledged } = await this.#outbox.enqueue(message, AMENDMENT_STORES, async (transaction) => {
      effect = await writeAmendment(transaction, this.#state, this.#tables, {
        ...message,
        sender: me,
        content,
      });
    });
    effect();
    return resultOf(await acknowledged, message.t);
  }

  async #send(
    chat: ChatModel,
    attributes: Attributes,
  ): Promise<{ model: MessageModel; acknowledged: Promise<SendAckFrame>; t: number }> {
    const key = attributes['id'];
    if (!(key instanceof MsgKey)) throw new Error('a message needs a message key as its id');
    const content = contentFromAttributes(attributes);
    const message: OutgoingMessage = {
      id: key.id,
      chat: key.remote._serialized,
      t: Number(attributes['t']),
      content,
      ...quoteOf(attributes, chat),
      ...mentionsOf(attributes),
      ...(attributes['isForwarded'] ? { forwarded: true } : {}),
    };
    const written: { record?: MessageRecord; chat?: ChatRecord } = {};
    const { acknowledged } = await this.#outbox.enqueue(message, ['chats'], async (transaction, numbers) => {
      written.record = this.#recordOf(message, key, content, numbers);
      transaction.put('messages', written.record);
      written.chat = await writeLastMessage(transaction, chat, written.record);
    });
    if (!written.record || !written.chat) throw new Error(`the message ${key._serialized} was not stored`);
    return { model: this.#show(chat, written.record, attributes), acknowledged, t: message.t };
  }

  #recordOf(message: OutgoingMessage, key: MsgKey, content: Content, numbers: SendNumbers): MessageRecord {
    const me = this.#state.requireMe();
    return {
      ...message,
      content,
      key: key._serialized,
      sender: me.wid,
      fromMe: true,
      ack: 0,
      row: numbers.row,
      seq: numbers.seq,
      peerSeq: numbers.peerSeq,
      pushname: me.pushname,
    };
  }

  #show(chat: ChatModel, record: MessageRecord, attributes: Attributes): MessageModel {
    const held = this.#state.messages.get(record.key);
    if (held) return held;
    const model = messageFromRecord(record, this.#state.requireMe().wid);
    // What only this page knows of it (the waveform, a secret) stays on the model while it is in memory.
    for (const [name, value] of Object.entries(attributes)) {
      if (!(name in model) && isPlain(value)) model.set({ [name]: value });
    }
    model.isNewMsg = true;
    this.#chats.showMessage(chat, model);
    this.#state.messages.add(model);
    return model;
  }
}

async function writeLastMessage(
  transaction: Transaction,
  chat: ChatModel,
  record: MessageRecord,
): Promise<ChatRecord> {
  const before = await transaction.get('chats', record.chat);
  const known = before ?? { id: record.chat, name: chat.name, unreadCount: 0, t: record.t };
  const after = { ...known, t: Math.max(known.t, record.t), lastKey: record.key };
  transaction.put('chats', after);
  return after;
}

function resultOf(frame: SendAckFrame, t: number): SendResult {
  return { messageSendResult: frame.ack === 1 ? 'OK' : 'ERROR_UNKNOWN', t };
}

function quoteOf(attributes: Attributes, chat: ChatModel): { quoted?: Quoted } {
  const { quotedMsg, quotedStanzaID, quotedParticipant } = attributes;
  if (typeof quotedStanzaID !== 'string' || typeof quotedMsg !== 'object' || quotedMsg === null) return {};
  const sender = (quotedParticipant as Wid | undefined)?._serialized ?? chat.id._serialized;
  return { quoted: { id: quotedStanzaID, sender, content: contentFromAttributes(quotedMsg as Attributes) } };
}

function mentionsOf(attributes: Attributes): { mentions?: string[] } {
  const mentioned = attributes['mentionedJidList'];
  if (!Array.isArray(mentioned) || mentioned.length === 0) return {};
  return { mentions: mentioned.map(String) };
}

/** What survives being copied out of the page. */
function isPlain(value: unknown): boolean {
  if (typeof value === 'function') return false;
  if (typeof value !== 'object' || value === null) return true;
  return (
    Array.isArray(value) || value instanceof Uint8Array || Object.getPrototypeOf(value) === Object.prototype
  );
}

/** Names a message for the protocol. */
export function referenceOf(message: MessageModel): { id: string; sender: string } {
  return { id: message.id.id, sender: senderOf(message)._serialized };
}
