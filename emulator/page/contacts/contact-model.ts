import type { Contact } from '../../protocol/chats.ts';
import { Model } from '../core/model.ts';
import { createWid, type Wid } from '../core/wid.ts';

/** A person (or, as in WhatsApp Web, a group) that messages can come from. */
export class ContactModel extends Model {
  declare id: Wid;
  declare name: string | undefined;
  declare shortName: string | undefined;
  declare pushname: string | undefined;
  declare isBusiness: boolean;
  declare isEnterprise: boolean;
  declare isContactBlocked: boolean;
  declare statusMute: boolean;
  declare type: 'in' | 'out';
  /** Hidden number, where it is known. */
  declare lid: Wid | undefined;
  declare phoneNumber: Wid | undefined;
  declare businessProfile: Model | undefined;

  get isGroup(): boolean {
    return this.id.isGroup();
  }

  /** What a chat list shows: the address book's name, the person's own, or the number. */
  get formattedName(): string {
    return this.name ?? this.pushname ?? `+${this.id.user}`;
  }
}

export function contactAttributes(contact: Contact): object {
  return {
    id: createWid(contact.id),
    name: contact.name,
    shortName: contact.name?.split(' ')[0],
    pushname: contact.pushname,
    isBusiness: contact.isBusiness ?? false,
    isEnterprise: false,
    isContactBlocked: false,
    statusMute: false,
    type: 'in',
    lid: contact.lid === undefined ? undefined : createWid(contact.lid),
    phoneNumber: undefined,
  };
}
