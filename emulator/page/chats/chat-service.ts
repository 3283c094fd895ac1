import type { Contact, Group } from '../../protocol/chats.ts';
import type { ExistsResult, Query } from '../../protocol/queries.ts';
import { ContactModel, contactAttributes } from '../contacts/contact-model.ts';
import { createWid, type Wid } from '../core/wid.ts';
import { GroupMetadataModel } from '../groups/group-metadata.ts';
import { HISTORY_PAGE } from '../messages/message-collection.ts';
import type { MessageModel } from '../messages/message-model.ts';
import type { PageState } from '../state.ts';
import type { Transaction } from '../storage/database.ts';
import type { ChatRecord, MessageRecord } from '../storage/records.ts';
import { ChatModel, chatAttributes } from './chat-model.ts';

/** Asks the server. */
export type Ask = <T>(query: Query) => Promise<T>;

/** Chats, contacts and groups: from IndexedDB into memory, from the server when they are not known, and back. */
export class ChatService {
  readonly #state: PageState;
  readonly #ask: Ask;

  constructor(state: PageState, ask: Ask) {
    this.#state = state;
    this.#ask = ask;
  }

  /** Fills the collections from the disk: contacts, groups, chats, and of each chat its newest message. */
  async load(): Promise<void> {
    const stored = await this.#state.database.read(
      ['contacts', 'groups', 'chats', 'messages'],
      async (transaction) => {
        const [contacts, groups, chats] = await Promise.all([
          transaction.getAll('contacts'),
          transaction.getAll('groups'),
          transaction.getAll('chats'),
        ]);
        const last = await Promise.all(
          chats.map(({ lastKey }) =>
            lastKey === undefined ? undefined : transaction.get('messages', lastKey),
          ),
        );
        return { contacts, groups, chats, last };
      },
    );
    for (const contact of stored.contacts) this.showContact(contact);
    for (const group of stored.groups) this.showGroup(group);
    for (const [index, chat] of stored.chats.entries()) this.showChat(chat, stored.last[index]);
    const me = this.#state.requireMe();
    if (!this.#state.contacts.get(me.wid))
      this.showContact({ id: me.wid, lid: me.lid, pushname: me.pushname });
  }

  showContact(contact: Contact): ContactModel {
    const held = this.#state.contacts.get(contact.id);
    if (held) return held.set(contactAttributes(contact));
    const model = new ContactModel(contactAttributes(contact));
    this.#state.contacts.add(model);
    return model;
  }

  showGroup(group: Group): GroupMetadataModel {
    let model = this.#state.groups.get(group.id);
    if (model) model.update(group);
    else {
      model = new GroupMetadataModel(group);
      this.#state.groups.add(model);
    }
    this.#state.chats.get(group.id)?.set({ groupMetadata: model, name: group.subject });
    return model;
  }

  /** Puts a chat as it is on the disk into memory; its newest message too, where it is given. */
  showChat(record: ChatRecord, last?: MessageRecord): ChatModel {
    let chat = this.#state.chats.get(record.id);
    if (chat) {
      chat.set({
        name: record.name,
        t: record.t,
        unreadCount: record.unreadCount,
        archive: record.archived ?? false,
      });
    } else {
      chat = new ChatModel(
        { ...chatAttributes(record), groupMetadata: this.#state.groups.get(record.id) },
        this.#state.meWid(),
      );
      chat.mute.on('change:expiration', (_mute: unknown, expiration: number) => {
        void this.change(record.id, { muteExpiration: expiration });
      });
      this.#state.chats.add(chat);
    }
    if (last) this.showMessage(chat, this.#state.messages.fromRecord(last));
    return chat;
  }

  /** Adds a message to its chat as the newest one. */
  showMessage(chat: ChatModel, message: MessageModel): void {
    chat.msgs.add(message);
    chat.set({ lastReceivedKey: message.id, t: Math.max(chat.t, message.t) });
  }

  /**
   * The chat with a person or group, made if there is none yet.
   * @throws Error "No LID for user" (the real page's words) when the number is not on WhatsApp.
   */
  async open(id: Wid): Promise<ChatModel> {
    const wid = this.toPhone(id);
    const held = this.#state.chats.get(wid);
    if (held) return held;
    if (wid.isGroup()) {
      await this.fetchGroup(wid);
      const created = this.#state.chats.get(wid);
      if (created) return created;
      throw new Error(`the group ${wid} is not known`);
    }
    const contact = wid.isUser() ? await this.#knownContact(wid) : undefined;
    const record: ChatRecord = {
      id: wid._serialized,
      name: contact?.formattedName ?? wid.user,
      unreadCount: 0,
      t: Math.floor(Date.now() / 1000),
    };
    await this.#state.database.write(['chats'], async (transaction) => transaction.put('chats', record));
    return this.showChat(record);
  }

  /** Messages older than those in memory, oldest first; empty at the end of what there is. */
  async loadEarlier(chat: ChatModel): Promise<MessageModel[]> {
    let oldest = chat.msgs.getModelsArray()[0]?.id._serialized;
    for (;;) {
      const records = await this.#earlierRecords(chat, oldest);
      // What came late, out of the queue, is in memory already though its time is earlier: it is not brought a second time.
      const missing = records.filter((record) => !chat.msgs.get(record.key));
      if (missing.length === 0 && records.length > 0) {
        oldest = records.at(-1)?.key;
        continue;
      }
      const models = missing.map((record) => this.#state.messages.fromRecord(record));
      for (const model of models) chat.msgs.prepend(model);
      return models.reverse();
    }
  }

  /** Changes what is kept of a chat, on the disk first. */
  async change(id: string, change: Partial<ChatRecord>): Promise<void> {
    const record = await this.#state.database.write(['chats'], async (transaction) => {
      const before = await transaction.get('chats', id);
      if (!before) return undefined;
      const after = { ...before, ...change };
      transaction.put('chats', after);
      return after;
    });
    if (!record) return;
    this.#state.chats.get(id)?.set({
      unreadCount: record.unreadCount,
      archive: record.archived ?? false,
      pin: record.pin ?? 0,
      muteExpiration: record.muteExpiration ?? 0,
    });
  }

  /** The messages of other people that a chat counts as unread, newest first. */
  async unread(chat: ChatModel): Promise<MessageRecord[]> {
    if (chat.unreadCount <= 0) return [];
    const latest = await this.#state.database.read(['messages'], (transaction) =>
      transaction.byIndex('messages', 'chat', rangeOf(chat.id._serialized), chat.unreadCount * 2),
    );
    return latest.filter((record) => !record.fromMe).slice(0, chat.unreadCount);
  }

  /** The oldest message of a chat on this device. */
  async oldest(chat: string): Promise<MessageRecord | undefined> {
    return this.#state.database.read(['messages'], async (transaction) => {
      const [first] = await transaction.byIndex('messages', 'chat', rangeOf(chat), 1, 'next');
      return first;
    });
  }

  /** What the server says of a number: undefined where it is not on WhatsApp. */
  async exists(wid: Wid): Promise<ExistsResult | undefined> {
    const phone = this.toPhone(wid);
    const result = await this.#ask<ExistsResult>({ name: 'exists', phone: phone.user });
    if (!result.exists || result.wid === undefined) return undefined;
    if (!this.#state.contacts.get(result.wid)) {
      this.showContact({ id: result.wid, ...(result.lid === undefined ? {} : { lid: result.lid }) });
    }
    return result;
  }

  /** The contact as the server knows it. An id nobody has gives a contact that only has the id. */
  async findContact(key: string): Promise<ContactModel> {
    const wid = this.toPhone(createWid(key));
    const held = this.#state.contacts.get(wid);
    if (held) return held;
    if (!wid.isUser()) return new ContactModel(contactAttributes({ id: wid._serialized }));
    try {
      return this.showContact(await this.#ask<Contact>({ name: 'contact', id: wid._serialized }));
    } catch {
      return new ContactModel(contactAttributes({ id: wid._serialized }));
    }
  }

  async fetchGroup(wid: Wid): Promise<GroupMetadataModel> {
    return this.storeGroup(await this.#ask<Group>({ name: 'group', id: wid._serialized }));
  }

  /** Writes a group, and its chat if it is new, and shows both. */
  async storeGroup(group: Group): Promise<GroupMetadataModel> {
    const record = await this.#state.database.write(['groups', 'chats'], (transaction) =>
      writeGroup(transaction, group),
    );
    const model = this.showGroup(group);
    this.showChat(record);
    return model;
  }

  /** A person's phone number id, where theirs is hidden and known. */
  toPhone(wid: Wid): Wid {
    if (!wid.isLid()) return wid;
    const [contact] = this.#state.contacts.filter((candidate) => candidate.lid?.equals(wid) ?? false);
    return contact?.id ?? wid;
  }

  async #knownContact(wid: Wid): Promise<ContactModel> {
    const held = this.#state.contacts.get(wid);
    if (held) return held;
    const found = await this.exists(wid);
    if (!found) throw new Error('No LID for user');
    return this.findContact(found.wid ?? wid._serialized);
  }

  async #earlierRecords(chat: ChatModel, oldest: string | undefined): Promise<MessageRecord[]> {
    return this.#state.database.read(['messages'], async (transaction) => {
      const boundary = oldest === undefined ? undefined : await transaction.get('messages', oldest);
      const before: [number, number] | undefined = boundary && [boundary.t, boundary.row];
      return transaction.byIndex('messages', 'chat', rangeOf(chat.id._serialized, before), HISTORY_PAGE);
    });
  }
}

/** All of a chat's messages, or those before a time and row. */
function rangeOf(chat: string, before?: readonly [t: number, row: number]): IDBKeyRange {
  return before
    ? IDBKeyRange.bound([chat], [chat, ...before], false, true)
    : IDBKeyRange.bound([chat], [chat, Number.POSITIVE_INFINITY]);
}

/** In a transaction over groups and chats. Returns the group's chat. */
export async function writeGroup(transaction: Transaction, group: Group): Promise<ChatRecord> {
  transaction.put('groups', group);
  const before = await transaction.get('chats', group.id);
  const record = { ...(before ?? { id: group.id, unreadCount: 0, t: group.createdAt }), name: group.subject };
  transaction.put('chats', record);
  return record;
}
