import type { Content, Quoted } from '../../protocol/messages.ts';
import { type Attributes, hide, Model } from '../core/model.ts';
import { MsgKey } from '../core/msg-key.ts';
import { createWid, type Wid } from '../core/wid.ts';
import { MediaData } from '../media/media-data.ts';
import type { MessageRecord } from '../storage/records.ts';
import { contentAttributes, isMediaType } from './content.ts';

/** A message as the library reads it. */
export class MessageModel extends Model {
  declare id: MsgKey;
  declare type: string;
  declare body: string | undefined;
  declare caption: string | undefined;
  declare t: number;
  declare ack: number;
  declare from: Wid;
  declare to: Wid;
  declare author: Wid | undefined;
  declare self: 'in' | 'out';
  declare isNewMsg: boolean;
  declare subtype: string | undefined;
  declare directPath: string | undefined;
  declare filehash: string | undefined;
  declare quotedMsg: Attributes | undefined;
  declare quotedStanzaID: string | undefined;
  declare quotedParticipant: Wid | undefined;
  declare pollOptions: readonly { name: string; localId: number }[] | undefined;
  /** No attribute: the library asks it for the state of the download. */
  declare mediaData: MediaData | undefined;
  /** No attribute; where it is set the library reads the caption instead of the body. */
  declare mediaObject: MediaData | undefined;
  /** What went over the wire, from which votes, edits and quotes are made. */
  declare content: Content;

  constructor(attributes: object) {
    super(attributes);
    const mediaData = isMediaType(this.type)
      ? new MediaData({ type: this.type, mediaStage: 'INIT' })
      : undefined;
    hide(this, 'mediaData', mediaData);
    hide(this, 'mediaObject', mediaData);
    hide(this, 'content', undefined);
  }

  get isNotification(): boolean {
    return ['gp2', 'e2e_notification', 'notification_template', 'protocol'].includes(this.type);
  }

  get isEphemeral(): boolean {
    return false;
  }

  get isStatusV3(): boolean {
    return this.id.remote.isStatus();
  }

  /** Real models hide some attributes behind this; here nothing is hidden. */
  unsafe(): this {
    return this;
  }

  canReply(): boolean {
    return this.type !== 'revoked' && this.type !== 'ciphertext';
  }

  /** The attributes of a message that quotes this one. */
  msgContextInfo(chat?: { readonly id: Wid }): Attributes {
    const sender = senderOf(this);
    return {
      quotedMsg: this.serializeForQuote(),
      quotedStanzaID: this.id.id,
      quotedParticipant: sender,
      ...(chat && !chat.id.equals(this.id.remote) ? { quotedRemoteJid: this.id.remote } : {}),
    };
  }

  avParams(): Attributes {
    return {};
  }

  /** Only ever raises the ack, but for a failure. */
  updateAck(ack: number): void {
    if (ack > this.ack || ack === -1) this.set({ ack });
  }

  /** The library calls it before it fetches the bytes itself; here there is nothing to prepare. */
  async downloadMedia(): Promise<void> {
    this.mediaData?.set({ mediaStage: this.directPath ? 'RESOLVED' : 'ERROR_MISSING' });
  }

  private serializeForQuote(): Attributes {
    const { id: _id, quotedMsg: _quotedMsg, from: _from, to: _to, ...rest } = this.serialize();
    return rest;
  }
}

/** Who wrote a message: for one of ours, its `from`. */
export function senderOf(message: MessageModel): Wid {
  return message.author ?? message.from;
}

/** A model's attributes, from the record. */
export function messageFromRecord(record: MessageRecord, me: string): MessageModel {
  const chat = createWid(record.chat);
  const sender = createWid(record.sender);
  const model = new MessageModel({
    id: MsgKey.fromString(record.key),
    ...(record.unreadable ? { type: 'ciphertext', body: '' } : contentAttributes(record.content)),
    t: record.t,
    from: record.fromMe ? sender : chat,
    to: record.fromMe ? chat : createWid(me),
    ...(chat.isGroup() ? { author: sender } : {}),
    self: record.fromMe ? 'out' : 'in',
    ack: record.ack,
    notifyName: record.pushname ?? '',
    isNewMsg: false,
    star: record.starred ?? false,
    broadcast: false,
    isForwarded: record.forwarded ?? false,
    forwardingScore: record.forwarded ? 1 : 0,
    hasReaction: record.hasReaction ?? false,
    mentionedJidList: (record.mentions ?? []).map((id) => createWid(id)),
    groupMentions: [],
    ...(record.quoted ? quoteAttributes(record.quoted) : {}),
    ...(record.editedAt ? { latestEditSenderTimestampMs: record.editedAt } : {}),
    ...(record.revoked ? revokedAttributes(MsgKey.fromString(record.key), record.fromMe) : {}),
  });
  model.content = record.content;
  return model;
}

/** What becomes of a message that was deleted for everyone. */
export function revokedAttributes(key: MsgKey, fromMe: boolean): Attributes {
  return {
    type: 'revoked',
    subtype: fromMe ? 'sender' : 'admin',
    protocolMessageKey: key,
    body: undefined,
    caption: undefined,
    directPath: undefined,
    quotedMsg: undefined,
  };
}

function quoteAttributes(quoted: Quoted): Attributes {
  return {
    quotedMsg: contentAttributes(quoted.content),
    quotedStanzaID: quoted.id,
    quotedParticipant: createWid(quoted.sender),
  };
}

/** The key of a message by what the protocol calls it. */
export function keyOfReference(
  reference: { readonly id: string; readonly sender: string },
  chat: string,
  me: string,
): string {
  const remote = createWid(chat);
  return new MsgKey({
    fromMe: reference.sender === me,
    remote,
    id: reference.id,
    participant: remote.isGroup() ? reference.sender : undefined,
  })._serialized;
}
