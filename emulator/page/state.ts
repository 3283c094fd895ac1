import type { Me } from '../protocol/frames.ts';
import type { ChatModel } from './chats/chat-model.ts';
import { ContactModel } from './contacts/contact-model.ts';
import { Collection } from './core/collection.ts';
import { Events } from './core/events.ts';
import { createWid, type Wid } from './core/wid.ts';
import type { GroupMetadataModel } from './groups/group-metadata.ts';
import { MessageCollection } from './messages/message-collection.ts';
import type { Database } from './storage/database.ts';

/** What the page has in memory: the collections the library reads, and who the device belongs to. */
export class PageState {
  readonly database: Database;
  readonly messages: MessageCollection;
  readonly chats = new Collection<ChatModel>();
  readonly contacts = new Collection<ContactModel>(ContactModel);
  readonly groups = new Collection<GroupMetadataModel>();
  /** WhatsApp Web's own commands (`WAWebCmd`), which the library listens to. */
  readonly commands = new Events();
  me: Me | undefined;

  constructor(database: Database) {
    this.database = database;
    this.messages = new MessageCollection(database, () => this.requireMe().wid);
  }

  /** @throws Error while the device is not linked. */
  requireMe(): Me {
    if (!this.me) throw new Error('this device is not linked');
    return this.me;
  }

  meWid(): Wid {
    return createWid(this.requireMe().wid);
  }
}
