import { createHash, randomBytes } from 'node:crypto';
import type { SessionId, WorkspaceId } from '../ids.ts';

/** Wharf's id of a message: `msg_`, the tag of its session, and nine random bytes in hexadecimal. */
export type MessageId = string;

/** Which session: ids are only unique within a workspace. */
export interface SessionKey {
  workspace: WorkspaceId;
  session: SessionId;
}

const TAG_DIGITS = 12;
const MESSAGE_ID = /^msg_([0-9a-f]{12})([0-9a-f]{18})$/;

/** True for what {@link newMessageId} makes. */
export function isMessageId(text: string): boolean {
  return MESSAGE_ID.test(text);
}

/** Names a session in the ids of its messages, so that an id alone leads to its queue; `RedisQueues` keeps which session a tag is of. */
export function sessionTag({ workspace, session }: SessionKey): string {
  return createHash('sha256').update(`${workspace}/${session}`).digest('hex').slice(0, TAG_DIGITS);
}

/** A new id for a message of a session; nobody guesses it. */
export function newMessageId(session: SessionKey): MessageId {
  return `msg_${sessionTag(session)}${randomBytes(9).toString('hex')}`;
}

/** The tag in a message's id. */
export function tagOf(message: MessageId): string | undefined {
  return MESSAGE_ID.exec(message)?.[1];
}

/**
 * The id WhatsApp knows a message by: `3EB0` and the random part of ours, which is the form WhatsApp Web gives its own (`WAWebMsgKey.newId`).
 * Every try of a message has the same one, so that the history tells whether an earlier try left, and receivers drop a second copy.
 *
 * @throws RangeError for what is no id of ours
 */
export function whatsappKeyOf(message: MessageId): string {
  const random = MESSAGE_ID.exec(message)?.[2];
  if (random === undefined) throw new RangeError(`${message} is not the id of a message`);
  return `3EB0${random.toUpperCase()}`;
}

/**
 * The id of our message that a serialized WhatsApp id (`true_491701234567@c.us_3EB0...`) may be of; undefined where it cannot be one. Whether there is
 * such a message only the queue knows: WhatsApp Web's own ids have the same form.
 */
export function messageIdOf(session: SessionKey, whatsappId: string): MessageId | undefined {
  const random = /^true_[^_]+_3EB0([0-9A-F]{18})(?:_|$)/.exec(whatsappId)?.[1];
  return random === undefined ? undefined : `msg_${sessionTag(session)}${random.toLowerCase()}`;
}

/** The chat in a serialized WhatsApp id; undefined where there is none. */
export function chatOf(whatsappId: string): string | undefined {
  return whatsappId.split('_')[1];
}
