import { Collection } from '../core/collection.ts';
import { type Attributes, Model } from '../core/model.ts';
import type { MsgKey } from '../core/msg-key.ts';
import { createWid, type Wid } from '../core/wid.ts';
import type { GroupMetadataModel } from '../groups/group-metadata.ts';
import { MessageModel } from '../messages/message-model.ts';
import type { ChatRecord } from '../storage/records.ts';

export class MuteModel extends Model {
  /** Unix seconds; 0 not muted, -1 for ever. */
  declare expiration: number;

  async mute({ expiration }: { readonly expiration: number }): Promise<void> {
    this.set({ expiration });
  }

  async unmute(): Promise<void> {
    this.set({ expiration: 0 });
  }
}

export class ChatModel extends Model {
  declare id: Wid;
  declare name: string;
  declare unreadCount: number;
  declare t: number;
  declare archive: boolean;
  /** Unix seconds of the pinning; 0 for not pinned. */
  declare pin: number;
  declare mute: MuteModel;
  declare muteExpiration: number;
  declare isLocked: boolean;
  /** Messages in memory, oldest first. */
  declare msgs: Collection<MessageModel>;
  declare lastReceivedKey: MsgKey | undefined;
  declare groupMetadata: GroupMetadataModel | undefined;
  /** 0 while the phone has older messages to give, 2 at the end. */
  declare endOfHistoryTransferType: number;
  declare labels: readonly string[];

  readonly #me: Wid;

  constructor(attributes: object, me: Wid) {
    super({
      isLocked: false,
      labels: [],
      endOfHistoryTransferType: 0,
      msgs: new Collection<MessageModel>(MessageModel),
      ...attributes,
    });
    this.#me = me;
  }

  get formattedTitle(): string {
    return this.name;
  }

  get isGroup(): boolean {
    return this.id.isGroup();
  }

  iAmAdmin(): boolean {
    return this.groupMetadata?.participants.get(this.#me)?.isAdmin ?? false;
  }

  /** Of the messages only the keys: the library asks for their number alone, and each would be copied out. */
  override serialize(): Attributes {
    const { msgs: _msgs, ...rest } = this as unknown as Attributes;
    const shallow = new Model(rest).serialize();
    return { ...shallow, msgs: this.msgs.map((message) => message.id._serialized) };
  }
}

export function chatAttributes(record: ChatRecord): object {
  return {
    id: createWid(record.id),
    name: record.name,
    unreadCount: record.unreadCount,
    t: record.t,
    archive: record.archived ?? false,
    pin: record.pin ?? 0,
    muteExpiration: record.muteExpiration ?? 0,
    mute: new MuteModel({ expiration: record.muteExpiration ?? 0 }),
  };
}
