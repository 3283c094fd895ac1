/** `{digits}@c.us` for a person, `{digits}@g.us` for a group, `{digits}@lid` for a person's hidden id. */
export type WireId = string;

/** Unix time in whole seconds, as WhatsApp's messages carry it. */
export type UnixSeconds = number;

export interface Contact {
  readonly id: WireId;
  readonly lid?: WireId;
  /** As the address book has it; absent for those who are not in it. */
  readonly name?: string;
  readonly pushname?: string;
  readonly isBusiness?: boolean;
}

export interface Participant {
  readonly id: WireId;
  readonly admin: boolean;
  readonly superAdmin: boolean;
}

export interface Group {
  readonly id: WireId;
  readonly subject: string;
  readonly description?: string;
  readonly owner: WireId;
  readonly createdAt: UnixSeconds;
  readonly participants: readonly Participant[];
}

export interface Chat {
  readonly id: WireId;
  /** The group's subject, or the contact's name. */
  readonly name: string;
  readonly unreadCount: number;
  readonly t: UnixSeconds;
  readonly archived?: boolean;
}
