import type { AckFrame, DeliverFrame, Envelope } from '../../protocol/frames.ts';
import type { Message } from '../../protocol/messages.ts';
import type { ChatService } from '../chats/chat-service.ts';
import { writeGroup } from '../chats/chat-service.ts';
import { randomKeyId } from '../link/one-time-keys.ts';
import type { PageState } from '../state.ts';
import type { Transaction } from '../storage/database.ts';
import {
  type ChatRecord,
  type Counters,
  type MessageRecord,
  NO_COUNTERS,
  type StoreName,
} from '../storage/records.ts';
import type { AddonTables } from './addon-tables.ts';
import { type Effect, isAmendment, writeAmendment } from './amendments.ts';
import { keyOfReference, messageFromRecord } from './message-model.ts';

const STORES: readonly StoreName[] = [
  'settings',
  'messages',
  'chats',
  'contacts',
  'groups',
  'reactions',
  'votes',
  'oneTimeKeys',
  'sessions',
];

/** How many deliveries share a transaction (and its flush to the disk) at most. */
const BATCH = 64;

/** What one delivery comes to: the answer, and what is shown when it has been stored. */
interface Outcome {
  readonly ack: AckFrame;
  readonly effect: Effect;
}

/**
 * What the server delivers. Each delivery, its sequence number, its session and its chat's unread count are written in one strict
 * transaction; only when that is on the disk does the server get its acknowledgement and the library its event.
 */
export class Inbox {
  readonly #state: PageState;
  readonly #chats: ChatService;
  readonly #tables: AddonTables;
  readonly #acknowledge: (frame: AckFrame) => void;

  constructor(
    state: PageState,
    chats: ChatService,
    tables: AddonTables,
    acknowledge: (frame: AckFrame) => void,
  ) {
    this.#state = state;
    this.#chats = chats;
    this.#tables = tables;
    this.#acknowledge = acknowledge;
  }

  /** Stores, acknowledges and shows deliveries, in their order. */
  async receive(frames: readonly DeliverFrame[]): Promise<void> {
    for (let start = 0; start < frames.length; start += BATCH) {
      const batch = frames.slice(start, start + BATCH);
      const outcomes = await this.#state.database.write(STORES, async (transaction) => {
        const results: Outcome[] = [];
        for (const frame of batch) results.push(await this.#write(transaction, frame));
        return results;
      });
      for (const { ack } of outcomes) this.#acknowledge(ack);
      for (const { effect } of outcomes) effect();
    }
  }

  async #write(transaction: Transaction, frame: DeliverFrame): Promise<Outcome> {
    const { seq, item } = frame;
    const counters = (await transaction.getSetting('counters')) ?? NO_COUNTERS;
    if (seq <= counters.deliverySeq)
      return { ack: await this.#repeatAck(transaction, frame), effect: nothing };
    const stored: AckFrame = { type: 'ack', seq, result: 'stored' };
    const advanced = { ...counters, deliverySeq: seq, row: counters.row + 1 };
    transaction.putSetting('counters', advanced);
    switch (item.kind) {
      case 'message':
        return this.#writeMessage(transaction, item.message, item.envelope, advanced);
      case 'receipt':
        return { ack: stored, effect: await this.#writeReceipt(transaction, item) };
      case 'group': {
        const chat = await writeGroup(transaction, item.group);
        const effect = (): void => {
          this.#chats.showGroup(item.group);
          this.#chats.showChat(chat);
        };
        return { ack: stored, effect };
      }
      case 'contact':
        transaction.put('contacts', item.contact);
        return { ack: stored, effect: () => void this.#chats.showContact(item.contact) };
      case 'chat_read': {
        const chat = await transaction.get('chats', item.chat);
        if (!chat) return { ack: stored, effect: nothing };
        const read = { ...chat, unreadCount: 0 };
        transaction.put('chats', read);
        return { ack: stored, effect: () => void this.#chats.showChat(read) };
      }
    }
  }

  async #writeMessage(
    transaction: Transaction,
    message: Message,
    envelope: Envelope,
    counters: Counters,
  ): Promise<Outcome> {
    const seq = counters.deliverySeq;
    const reading = await openEnvelope(transaction, envelope);
    if (reading === 'duplicate') return { ack: { type: 'ack', seq, result: 'duplicate' }, effect: nothing };
    if (reading === 'unreadable') {
      const effect = isAmendment(message.content)
        ? nothing
        : await this.#writeVisible(transaction, message, counters.row, true);
      return { ack: unreadableAck(transaction, seq), effect };
    }
    const effect = isAmendment(message.content)
      ? await writeAmendment(transaction, this.#state, this.#tables, { ...message, content: message.content })
      : await this.#writeVisible(transaction, message, counters.row, false);
    return { ack: { type: 'ack', seq, result: 'stored' }, effect };
  }

  /** For what is stored already. What could not be read is still waited for, whether or not the server was told. */
  async #repeatAck(transaction: Transaction, { seq, item }: DeliverFrame): Promise<AckFrame> {
    if (item.kind === 'message') {
      const { message } = item;
      const key = keyOfReference(message, message.chat, this.#state.requireMe().wid);
      if ((await transaction.get('messages', key))?.unreadable) return unreadableAck(transaction, seq);
    }
    return { type: 'ack', seq, result: 'duplicate' };
  }

  async #writeVisible(
    transaction: Transaction,
    message: Message,
    row: number,
    unreadable: boolean,
  ): Promise<Effect> {
    const me = this.#state.requireMe().wid;
    const fromMe = message.sender === me;
    const key = keyOfReference(message, message.chat, me);
    const before = await transaction.get('messages', key);
    if (before && !before.unreadable) return nothing;
    const record: MessageRecord = {
      ...message,
      key,
      row: before?.row ?? row,
      fromMe,
      ack: fromMe ? (message.ack ?? 1) : 1,
      ...(unreadable ? { unreadable } : {}),
    };
    transaction.put('messages', record);
    const chat = await this.#writeChat(transaction, record, before !== undefined);
    await writePushname(transaction, record);
    return () => this.#show(record, chat);
  }

  async #writeChat(transaction: Transaction, record: MessageRecord, isRepeat: boolean): Promise<ChatRecord> {
    const before = await transaction.get('chats', record.chat);
    const contact = before ? undefined : await transaction.get('contacts', record.chat);
    const known = before ?? {
      id: record.chat,
      name: contact?.name ?? record.pushname ?? `+${record.chat.split('@')[0]}`,
      unreadCount: 0,
      t: record.t,
    };
    const chat: ChatRecord = {
      ...known,
      t: Math.max(known.t, record.t),
      lastKey: record.key,
      unreadCount: known.unreadCount + (record.fromMe || isRepeat ? 0 : 1),
    };
    transaction.put('chats', chat);
    return chat;
  }

  #show(record: MessageRecord, chatRecord: ChatRecord): void {
    if (record.pushname !== undefined && !record.fromMe && !this.#state.contacts.get(record.sender)) {
      this.#chats.showContact({ id: record.sender, pushname: record.pushname });
    }
    const held = this.#state.messages.get(record.key);
    const model = messageFromRecord(record, this.#state.requireMe().wid);
    if (held) {
      // The repeat of a message that could not be read: it becomes what it should have been.
      held.content = record.content;
      const { id: _id, ...attributes } = model;
      held.set({ ...attributes, isNewMsg: true });
      return;
    }
    model.isNewMsg = true;
    const { unreadCount } = chatRecord;
    const chat = this.#chats.showChat({
      ...chatRecord,
      unreadCount: this.#state.chats.get(record.chat)?.unreadCount ?? 0,
    });
    this.#chats.showMessage(chat, model);
    this.#state.messages.add(model);
    chat.set({ unreadCount });
  }

  async #writeReceipt(
    transaction: Transaction,
    receipt: { readonly ids: readonly string[]; readonly chat: string; readonly ack: MessageRecord['ack'] },
  ): Promise<Effect> {
    const me = this.#state.requireMe().wid;
    const risen: string[] = [];
    for (const id of receipt.ids) {
      const key = keyOfReference({ id, sender: me }, receipt.chat, me);
      const record = await transaction.get('messages', key);
      if (!record || record.ack >= receipt.ack) continue;
      transaction.put('messages', { ...record, ack: receipt.ack });
      risen.push(key);
    }
    return () => {
      for (const key of risen) this.#state.messages.get(key)?.updateAck(receipt.ack);
    };
  }
}

const nothing: Effect = () => undefined;

/** With a new one-time key, for the sender to repeat the message with. */
function unreadableAck(transaction: Transaction, seq: number): AckFrame {
  const key = randomKeyId();
  transaction.put('oneTimeKeys', { id: key });
  return { type: 'ack', seq, result: 'unreadable', key };
}

/** Decides what the protocol's Envelope says the device decides, and writes the session. */
async function openEnvelope(
  transaction: Transaction,
  { peer, session, seq, first }: Envelope,
): Promise<'readable' | 'duplicate' | 'unreadable'> {
  const known = await transaction.get('sessions', [peer, session]);
  if (known) {
    if (seq <= known.lastSeq) return 'duplicate';
    transaction.put('sessions', { peer, session, lastSeq: seq });
    return 'readable';
  }
  if (!first || !(await transaction.get('oneTimeKeys', session))) return 'unreadable';
  transaction.delete('oneTimeKeys', session);
  transaction.put('sessions', { peer, session, lastSeq: seq });
  return 'readable';
}

/** People not in the address book are kept by the name they give themselves. */
async function writePushname(transaction: Transaction, record: MessageRecord): Promise<void> {
  if (record.fromMe || record.pushname === undefined) return;
  const contact = await transaction.get('contacts', record.sender);
  if (contact?.pushname === record.pushname) return;
  transaction.put('contacts', { ...(contact ?? { id: record.sender }), pushname: record.pushname });
}
