import type { ProfilePictureResult } from '../../protocol/queries.ts';
import type { Ask, ChatService } from '../chats/chat-service.ts';
import type { ModuleTable } from '../core/registry.ts';
import { createWid, tryCreateWid, type Wid } from '../core/wid.ts';
import type { PageState } from '../state.ts';
import type { ContactModel } from './contact-model.ts';
import { nameOfVcard, vcardOf } from './vcard.ts';

/** People: who they are, what their numbers and names are. */
export function contactModules(state: PageState, chats: ChatService, ask: Ask): ModuleTable {
  const lidOf = (wid: Wid): Wid | undefined => {
    if (state.me && wid._serialized === state.me.wid) return createWid(state.me.lid);
    return state.contacts.get(wid)?.lid;
  };
  const phoneOf = (wid: Wid): Wid | undefined => {
    if (!wid.isLid()) return wid;
    if (state.me && wid._serialized === state.me.lid) return createWid(state.me.wid);
    const phone = chats.toPhone(wid);
    return phone.isLid() ? undefined : phone;
  };
  const isMe = (contact: ContactModel): boolean => contact.id._serialized === state.me?.wid;

  return {
    WAWebQueryExistsJob: {
      queryWidExists: async (wid: Wid) => {
        const found = await chats.exists(wid);
        return found?.wid === undefined ? null : { wid: createWid(found.wid), biz: false };
      },
    },
    WAWebApiContact: {
      getCurrentLid: lidOf,
      getPhoneNumber: phoneOf,
      getAlternateUserWid: (wid: Wid) => (wid.isLid() ? phoneOf(wid) : lidOf(wid)),
    },
    WAWebLidMigrationUtils: { toPn: phoneOf, toLid: lidOf },
    WAWebContactGetters: {
      getIsMe: isMe,
      getIsUser: (contact: ContactModel) => contact.id.isUser(),
      getIsGroup: (contact: ContactModel) => contact.id.isGroup(),
      getIsWAContact: (contact: ContactModel) => contact.id.isUser(),
      getUserid: (contact: ContactModel) => contact.id.user,
      getVerifiedName: () => undefined,
      getVerifiedLevel: () => undefined,
      getStatusMute: (contact: ContactModel) => contact.statusMute,
      getName: (contact: ContactModel) => contact.name,
      getShortName: (contact: ContactModel) => contact.shortName,
      getPushname: (contact: ContactModel) => contact.pushname,
      getIsEnterprise: (contact: ContactModel) => contact.isEnterprise,
    },
    WAWebFrontendContactGetters: {
      getIsMyContact: (contact: ContactModel) => contact.name !== undefined && !isMe(contact),
    },
    WAWebContactCollection: { getMeContact: () => state.me && state.contacts.get(state.me.wid) },
    WAWebContactProfilePicThumbBridge: {
      requestProfilePicFromServer: async (target: unknown) => {
        const wid = widOf(target);
        if (!wid) return undefined;
        const { url } = await ask<ProfilePictureResult>({ name: 'profile_picture', id: wid._serialized });
        return url === undefined ? undefined : { id: wid, eurl: url, img: url };
      },
    },
    WAWebFrontendVcardUtils: {
      vcardFromContactModel: (contact: ContactModel) => ({
        displayName: contact.formattedName,
        vcard: vcardOf(contact.formattedName, contact.id.user),
      }),
    },
    WAWebVcardParsingUtils: { parseVcard: (text: string) => ({ text }) },
    WAWebVcardGetNameFromParsed: {
      vcardGetNameFromParsed: ({ text }: { text: string }) => nameOfVcard(text),
    },
    WAWebUserPrefsMeUser: {
      getMaybeMePnUser: () => state.me && createWid(state.me.wid),
      getMaybeMeLidUser: () => state.me && createWid(state.me.lid),
      getMe: () => state.meWid(),
    },
    WAWebFindCommonGroupsContactAction: {
      findCommonGroups: async (contact: ContactModel) => {
        const groups = state.groups.filter(({ participants }) => participants.get(contact.id) !== undefined);
        const common = groups.map(({ id }) => ({ id }));
        contact.set({ commonGroups: { serialize: () => common } });
        return common;
      },
    },
    WAWebContactStatusBridge: { getStatus: async () => ({ status: '' }), setMyStatus: async () => undefined },
    WAWebPhoneUtils: { formattedPhoneNumber: (id: string) => `+${id.split('@')[0]}` },
  };
}

/** The id of whatever the library hands over: a model, its serialized form, or an id. */
function widOf(target: unknown): Wid | undefined {
  if (typeof target === 'object' && target !== null && 'id' in target) return tryCreateWid(target.id);
  return tryCreateWid(target);
}
