import type { Group, UnixSeconds, WireId } from './chats.ts';
import type { Message } from './messages.ts';

export type Query =
  /** Before linking: -> RequestCodeResult. */
  | { readonly name: 'request_code'; readonly phone: string }
  /** Is the number on WhatsApp? -> ExistsResult. Digits only. */
  | { readonly name: 'exists'; readonly phone: string }
  /** -> Contact (also for those who are not in the address book); refused when not on WhatsApp. */
  | { readonly name: 'contact'; readonly id: WireId }
  /** -> Group; refused when the account is not in it. */
  | { readonly name: 'group'; readonly id: WireId }
  /** Older messages of a chat from the phone, newest last -> EarlierResult. */
  | { readonly name: 'earlier'; readonly chat: WireId; readonly before: UnixSeconds; readonly count: number }
  /** Makes a group with this account as its owner -> CreateGroupResult. The other members' devices get it as a `group` item. */
  | { readonly name: 'create_group'; readonly subject: string; readonly participants: readonly WireId[] }
  /** By an admin (all but `remove` of oneself, which leaves) -> Group, as it is afterwards; participants not on WhatsApp are left out. */
  | {
      readonly name: 'change_participants';
      readonly id: WireId;
      readonly action: 'add' | 'remove' | 'promote' | 'demote';
      readonly participants: readonly WireId[];
    }
  /** Changes what is given -> Group. */
  | {
      readonly name: 'change_group';
      readonly id: WireId;
      readonly subject?: string;
      readonly description?: string;
    }
  /** -> ProfilePictureResult. */
  | { readonly name: 'profile_picture'; readonly id: WireId };

export interface RequestCodeResult {
  /** 8 characters of 1-9 and A-Z without O, 0, I, U. */
  readonly code: string;
  readonly ttlMs: number;
}

export interface ExistsResult {
  readonly exists: boolean;
  readonly wid?: WireId;
  readonly lid?: WireId;
}

export interface EarlierResult {
  readonly messages: readonly Message[];
}

export interface CreateGroupResult {
  readonly group: Group;
  /** Those asked for who are not on WhatsApp, and so not in the group. */
  readonly absent: readonly WireId[];
}

export interface ProfilePictureResult {
  /** Absent where there is none, or privacy hides it. */
  readonly url?: string;
}
