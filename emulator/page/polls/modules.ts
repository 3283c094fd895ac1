import { Collection } from '../core/collection.ts';
import { Model } from '../core/model.ts';
import { MsgKey } from '../core/msg-key.ts';
import type { ModuleTable } from '../core/registry.ts';
import { createWid } from '../core/wid.ts';
import { localIds } from '../messages/amendments.ts';
import type { MessageModel } from '../messages/message-model.ts';
import { referenceOf, type Sender } from '../messages/sender.ts';
import type { PageState } from '../state.ts';
import type { ReactionRecord } from '../storage/records.ts';

/** Reactions to messages, and votes on polls. */
export function reactionAndPollModules(state: PageState, sender: Sender): ModuleTable {
  return {
    WAWebSendReactionMsgAction: {
      sendReactionToMsg: (message: MessageModel, emoji: string) =>
        sender.amend(message, { type: 'reaction', target: referenceOf(message), emoji: emoji ?? '' }),
    },
    WAWebPollsSendVoteMsgAction: {
      sendVote: (message: MessageModel, chosen: ReadonlySet<number>) => {
        const options = (message.pollOptions ?? []).filter(({ localId }) => chosen.has(localId));
        return sender.amend(message, {
          type: 'poll_vote',
          target: referenceOf(message),
          options: options.map(({ name }) => name),
        });
      },
    },
    WAWebPollsVotesSchema: {
      getTable: () => ({ equals: (_columns: readonly string[], parent: string) => votesOf(state, parent) }),
    },
    WAWebPinInChatSchema: { getTable: () => ({ equals: async () => [] }) },
  };
}

/** `WAWebCollections.Reactions`: read from the disk when asked for. */
export class ReactionsLookup {
  readonly #state: PageState;

  constructor(state: PageState) {
    this.#state = state;
  }

  async find(key: unknown): Promise<{ id: string; reactions: Collection<ReactionGroup> }> {
    const parent = String(key);
    const records = await this.#state.database.read(['reactions'], (transaction) =>
      transaction.getAllByIndex('reactions', 'parent', parent),
    );
    const reactions = new Collection<ReactionGroup>(ReactionGroup);
    const me = this.#state.requireMe().wid;
    for (const emoji of new Set(records.map((record) => record.emoji))) {
      if (emoji === '') continue;
      const given = records.filter((record) => record.emoji === emoji);
      const hasReactionByMe = given.some((record) => record.sender === me);
      reactions.add(
        new ReactionGroup({
          id: emoji,
          aggregateEmoji: emoji,
          hasReactionByMe,
          senders: given.map(senderOf),
        }),
      );
    }
    return { id: parent, reactions };
  }
}

/** Everybody who reacted with the same emoji. */
export class ReactionGroup extends Model {
  declare id: string;
  declare aggregateEmoji: string;
  declare hasReactionByMe: boolean;
  declare senders: readonly object[];
}

function senderOf(record: ReactionRecord): object {
  return {
    msgKey: MsgKey.fromString(record.key),
    parentMsgKey: MsgKey.fromString(record.parent),
    senderUserJid: record.sender,
    reactionText: record.emoji,
    timestamp: record.t * 1000,
    orphan: 0,
    orphanReason: null,
    read: true,
    ack: 1,
  };
}

async function votesOf(state: PageState, parent: string): Promise<object[]> {
  const { votes, message } = await state.database.read(['votes', 'messages'], async (transaction) => ({
    votes: await transaction.getAllByIndex('votes', 'parent', parent),
    message: await transaction.get('messages', parent),
  }));
  if (!message) return [];
  return votes.map((vote) => ({
    msgKey: vote.key,
    parentMsgKey: parent,
    sender: createWid(vote.sender),
    senderTimestampMs: vote.t * 1000,
    selectedOptionLocalIds: localIds(message, vote.options),
  }));
}
