import { Collection } from '../core/collection.ts';
import type { Database } from '../storage/database.ts';
import type { MessageRecord } from '../storage/records.ts';
import { MessageModel, messageFromRecord } from './message-model.ts';

/** How many messages `loadEarlierMsgs` brings at once, as WhatsApp Web's own page of history. */
export const HISTORY_PAGE = 50;

/** Every message that is in memory: of each chat the newest, and what was asked for since. The rest is in IndexedDB. */
export class MessageCollection extends Collection<MessageModel> {
  readonly #database: Database;
  readonly #me: () => string;

  constructor(database: Database, me: () => string) {
    super(MessageModel);
    this.#database = database;
    this.#me = me;
  }

  /** The model of a record: the one in memory, or a new one (no `add` is raised: it is not a new message). */
  fromRecord(record: MessageRecord): MessageModel {
    const held = this.get(record.key);
    if (held) return held;
    const model = messageFromRecord(record, this.#me());
    this.add(model, { silent: true });
    return model;
  }

  async getMessagesById(keys: readonly unknown[]): Promise<{ messages: MessageModel[] }> {
    const records = await this.#database.read(['messages'], (transaction) =>
      Promise.all(keys.map((key) => transaction.get('messages', String(key)))),
    );
    return {
      messages: records.filter((record) => record !== undefined).map((record) => this.fromRecord(record)),
    };
  }

  /** Messages whose text contains the query, newest first. `page` counts from 1. */
  async search(
    query: string,
    page = 1,
    count = 20,
    chat?: string,
  ): Promise<{ messages: MessageModel[]; eof: boolean }> {
    const all = await this.#database.read(['messages'], (transaction) => transaction.getAll('messages'));
    const wanted = query.toLowerCase();
    const found = all
      .filter((record) => chat === undefined || record.chat === String(chat))
      .filter((record) => !record.revoked && textOf(record).toLowerCase().includes(wanted))
      .sort((a, b) => b.t - a.t || b.row - a.row);
    const start = (page - 1) * count;
    const messages = found.slice(start, start + count).map((record) => this.fromRecord(record));
    return { messages, eof: found.length <= start + count };
  }
}

function textOf({ content }: MessageRecord): string {
  if (content.type === 'chat') return content.body;
  return 'caption' in content ? (content.caption ?? '') : '';
}
