import type { EarlierResult, Query } from '../protocol/queries.ts';
import type { Directory } from './directory.ts';
import type { Groups } from './groups.ts';
import { isMember } from './history.ts';
import { phoneOf } from './ids.ts';
import type { Account } from './model.ts';

/** An answer to a query, before it is a frame. */
export type Answer = { result: unknown } | { refused: string };

/** Answers what a logged-in device asks. `request_code` is not for these. */
export function answerQuery(directory: Directory, groups: Groups, account: Account, query: Query): Answer {
  switch (query.name) {
    case 'request_code':
      return { refused: 'this device is linked already' };
    case 'exists':
      return { result: directory.exists(query.phone) };
    case 'contact': {
      const phone = phoneOf(query.id);
      if (phone !== undefined && !directory.exists(phone).exists) return { refused: 'not-found' };
      return { result: directory.contact(account, query.id) };
    }
    case 'group': {
      const group = directory.groups.get(query.id);
      if (group === undefined || !isMember(group, account.wid)) return { refused: 'not-found' };
      return { result: group };
    }
    case 'earlier': {
      const messages = account.chats.get(query.chat)?.messages ?? [];
      const older = messages.filter((message) => message.t < query.before);
      const result: EarlierResult = { messages: query.count === 0 ? [] : older.slice(-query.count) };
      return { result };
    }
    case 'create_group':
      return { result: groups.create(account.wid, query.subject, query.participants) };
    case 'change_participants':
      return asAnswer(groups.changeParticipants(account.wid, query.id, query.action, query.participants));
    case 'change_group': {
      const { subject, description } = query;
      const changes = {
        ...(subject === undefined ? {} : { subject }),
        ...(description === undefined ? {} : { description }),
      };
      return asAnswer(groups.change(account.wid, query.id, changes));
    }
    case 'profile_picture':
      // Nobody here has one; an empty answer is what WhatsApp gives where there is none.
      return { result: {} };
  }
}

function asAnswer(outcome: { group: unknown } | { refused: string }): Answer {
  return 'group' in outcome ? { result: outcome.group } : outcome;
}
