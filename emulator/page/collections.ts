import type { ChatService } from './chats/chat-service.ts';
import { Collection } from './core/collection.ts';
import { Events } from './core/events.ts';
import { Model } from './core/model.ts';
import type { ModuleTable } from './core/registry.ts';
import { createWid, type Wid } from './core/wid.ts';
import { ReactionsLookup } from './polls/modules.ts';
import type { PageState } from './state.ts';

class IdentifiedModel extends Model {
  declare id: string;
}

/** `WAWebCollections`, the library's way to everything that is in memory, and the collections that stand apart. */
export function collectionModules(state: PageState, chats: ChatService): ModuleTable {
  const empty = (): Collection<IdentifiedModel> => new Collection<IdentifiedModel>(IdentifiedModel);
  const chatCollection = Object.assign(state.chats, {
    find: (id: string) => chats.open(createWid(id)),
  });
  const contactCollection = Object.assign(state.contacts, {
    find: (id: unknown) => chats.findContact(String(id)),
    gadd: (id: Wid) => chats.showContact({ id: id._serialized }),
  });
  const groupCollection = Object.assign(state.groups, {
    find: (id: unknown) => chats.fetchGroup(createWid(String(id))),
    // What changes in a group is delivered: what is held is up to date.
    update: async (id: Wid) => state.groups.get(id) ?? (await chats.fetchGroup(id)),
  });
  return {
    WAWebCollections: {
      Msg: state.messages,
      Chat: chatCollection,
      Contact: contactCollection,
      GroupMetadata: groupCollection,
      WAWebGroupMetadataCollection: groupCollection,
      Reactions: new ReactionsLookup(state),
      Blocklist: empty(),
      BusinessProfile: { find: async () => ({ profileOptions: undefined, serialize: () => ({}) }) },
      ProfilePicThumb: { get: () => undefined, find: async () => undefined },
      Label: empty(),
      Status: empty(),
      WAWebNewsletterCollection: empty(),
      NewsletterMetadataCollection: empty(),
    },
    WAWebCallCollection: new CallCollection(),
  };
}

/** Incoming calls; the library hears of them through the map's `set`. */
class CallCollection extends Events {
  readonly _models = new Map<string, object>();
}
