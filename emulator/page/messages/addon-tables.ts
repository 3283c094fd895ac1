import type { ModuleTable } from '../core/registry.ts';

/** A table the library wraps to hear of reactions and votes: rows must be written through the object's own member. */
export interface AddonTable {
  bulkUpsert: (rows: readonly object[]) => unknown;
}

/** WhatsApp Web's tables of what is attached to messages. Here the rows are in IndexedDB before these are called. */
export interface AddonTables {
  readonly reactionTableMode: AddonTable;
  readonly pollVoteTableMode: AddonTable;
}

export function createAddonTables(): AddonTables {
  return {
    reactionTableMode: { bulkUpsert: () => undefined },
    pollVoteTableMode: { bulkUpsert: () => undefined },
  };
}

export function addonModules(tables: AddonTables): ModuleTable {
  return {
    WAWebAddonReactionTableMode: { reactionTableMode: tables.reactionTableMode },
    WAWebAddonPollVoteTableMode: { pollVoteTableMode: tables.pollVoteTableMode },
  };
}
