import type {
  Content,
  EditContent,
  PollVoteContent,
  ReactionContent,
  RevokeContent,
} from '../../protocol/messages.ts';
import { MsgKey } from '../core/msg-key.ts';
import { createWid } from '../core/wid.ts';
import type { PageState } from '../state.ts';
import type { Transaction } from '../storage/database.ts';
import type { MessageRecord, StoreName } from '../storage/records.ts';
import type { AddonTables } from './addon-tables.ts';
import { editContent } from './content.ts';
import { keyOfReference, type MessageModel, revokedAttributes } from './message-model.ts';

/** What changes another message instead of being one. */
export type AmendmentContent = ReactionContent | PollVoteContent | EditContent | RevokeContent;

export interface Amendment {
  readonly id: string;
  readonly chat: string;
  readonly sender: string;
  /** Unix seconds. */
  readonly t: number;
  readonly content: AmendmentContent;
}

/** Shows in memory, and tells the library, what has been written. */
export type Effect = () => void;

/** The stores `writeAmendment` needs in its transaction. */
export const AMENDMENT_STORES: readonly StoreName[] = ['messages', 'reactions', 'votes'];

export function isAmendment(content: Content): content is AmendmentContent {
  return ['reaction', 'poll_vote', 'edit', 'revoke'].includes(content.type);
}

/**
 * Writes what an amendment does to the message it names. The effect is for after the commit. An amendment of a
 * message that is not known here does nothing.
 */
export async function writeAmendment(
  transaction: Transaction,
  state: PageState,
  tables: AddonTables,
  amendment: Amendment,
): Promise<Effect> {
  const { content, chat, sender } = amendment;
  const me = state.requireMe().wid;
  const parentKey = keyOfReference(content.target, chat, me);
  const parent = await transaction.get('messages', parentKey);
  if (!parent) return () => undefined;
  const key = keyOfReference({ id: amendment.id, sender }, chat, me);
  switch (content.type) {
    case 'reaction':
      transaction.put('reactions', { parent: parentKey, sender, key, emoji: content.emoji, t: amendment.t });
      return writeReaction(transaction, state, tables, parent, {
        key,
        sender,
        emoji: content.emoji,
        t: amendment.t,
      });
    case 'poll_vote':
      transaction.put('votes', { parent: parentKey, sender, key, options: content.options, t: amendment.t });
      return voteEffect(tables, parent, { key, sender, options: content.options, t: amendment.t });
    case 'edit':
      return writeEdit(transaction, state, parent, { key, body: content.body, editedAt: amendment.t * 1000 });
    case 'revoke':
      transaction.put('messages', { ...parent, revoked: true });
      return () =>
        modelOf(state, parent).set(revokedAttributes(MsgKey.fromString(parent.key), parent.fromMe));
  }
}

async function writeReaction(
  transaction: Transaction,
  state: PageState,
  tables: AddonTables,
  parent: MessageRecord,
  reaction: { readonly key: string; readonly sender: string; readonly emoji: string; readonly t: number },
): Promise<Effect> {
  const all = await transaction.getAllByIndex('reactions', 'parent', parent.key);
  const hasReaction = all.some(({ emoji }) => emoji !== '');
  transaction.put('messages', { ...parent, hasReaction });
  return () => {
    tables.reactionTableMode.bulkUpsert([
      {
        id: MsgKey.fromString(reaction.key),
        reactionParentKey: MsgKey.fromString(parent.key),
        reactionText: reaction.emoji,
        reactionTimestamp: reaction.t * 1000,
        author: createWid(reaction.sender),
        from: createWid(reaction.sender),
        read: false,
        orphan: 0,
        orphanReason: null,
        ack: 1,
      },
    ]);
    modelOf(state, parent).set({ hasReaction });
  };
}

function voteEffect(
  tables: AddonTables,
  parent: MessageRecord,
  vote: {
    readonly key: string;
    readonly sender: string;
    readonly options: readonly string[];
    readonly t: number;
  },
): Effect {
  return () => {
    tables.pollVoteTableMode.bulkUpsert([
      {
        id: MsgKey.fromString(vote.key),
        pollUpdateParentKey: MsgKey.fromString(parent.key),
        selectedOptionLocalIds: localIds(parent, vote.options),
        t: vote.t * 1000,
        senderTimestampMs: vote.t * 1000,
        author: createWid(vote.sender),
        from: createWid(vote.sender),
      },
    ]);
  };
}

function writeEdit(
  transaction: Transaction,
  state: PageState,
  parent: MessageRecord,
  { key, body, editedAt }: { readonly key: string; readonly body: string; readonly editedAt: number },
): Effect {
  const content = editContent(parent.content, body);
  transaction.put('messages', { ...parent, content, editedAt });
  return () => {
    const model = modelOf(state, parent);
    model.content = content;
    model.set({
      ...(content.type === 'chat' ? { body } : { caption: body }),
      latestEditMsgKey: MsgKey.fromString(key),
      latestEditSenderTimestampMs: editedAt,
    });
  };
}

/** Positions of the chosen options: what WhatsApp Web calls their local ids. */
export function localIds({ content }: MessageRecord, options: readonly string[]): number[] {
  if (content.type !== 'poll_creation') return [];
  return options.map((name) => content.options.indexOf(name)).filter((position) => position >= 0);
}

/** The model in memory; one that has been on the disk only is made as it was before the change, so that the change shows. */
function modelOf(state: PageState, before: MessageRecord): MessageModel {
  return state.messages.fromRecord(before);
}
