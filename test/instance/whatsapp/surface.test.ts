import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SURFACE } from '../../../instance/whatsapp/surface.ts';
import { parseGaps, surfaceModules } from '../../../instance/whatsapp/surface-look.ts';

const OURS = fileURLToPath(new URL('../../../instance/whatsapp/', import.meta.url));
const LIBRARY = dirname(createRequire(import.meta.url).resolve('whatsapp-web.js'));

/** Modules that whatsapp-web.js asks for on ways that Wharf does not take: groups, channels, labels, profiles, edits, reactions of one's own, stickers ... */
const LEFT_ALONE = new Set(
  `WADeprecatedSendIq WAJids WAMediaCalculateFilehash WAPhoneFindCC WASmaxGroupsAddParticipantsRPC WASmaxGroupsMembershipRequestsActionRPC WAWap
  WAWebApiDeviceList WAWebApiMembershipApprovalRequestStore WAWebApiMessageInfoStore WAWebBizGatingUtils WAWebBizOrderBridge WAWebBizProductCatalogBridge
  WAWebBlockContactAction WAWebBlockContactUtils WAWebBotMessageSecret WAWebBotProfileCollection WAWebChangeNewsletterOwnerAction WAWebChatClearBridge
  WAWebChatForwardMessage WAWebChatMessageSearch WAWebChatSendMessages WAWebContactCollection WAWebContactProfilePicThumbBridge WAWebContactStatusBridge
  WAWebCountriesNativeCountryNames WAWebDeleteChatAction WAWebDeleteContactAction WAWebDemoteNewsletterAdminAction WAWebDrawerManager
  WAWebEditNewsletterMetadataAction WAWebExitGroupAction WAWebFindCommonGroupsContactAction WAWebFrontendVcardUtils WAWebGenerateEventCallLink
  WAWebGroupCreateJob WAWebGroupInviteJob WAWebGroupInviteV4Job WAWebGroupModifyInfoJob WAWebGroupQueryJob WAWebImageUtils WAWebJidToWid WAWebL10N
  WAWebLoadNewsletterPreviewChatAction WAWebMediaUpdateMsg WAWebMexAcceptNewsletterAdminInviteJob WAWebMexFetchGroupInviteCodeJob
  WAWebMexFetchNewsletterSubscribersJob WAWebMexRevokeNewsletterAdminInviteJob WAWebModifyParticipantsGroupAction WAWebMsgActionCapability
  WAWebMsgDataFromModel WAWebNewsletterCreateQueryJob WAWebNewsletterDeleteAction WAWebNewsletterDemoteAdminJob WAWebNewsletterDirectorySearchAction
  WAWebNewsletterGatingUtils WAWebNewsletterMetadataQueryJob WAWebNewsletterModelUtils WAWebNewsletterSendMessageJob WAWebNewsletterSendMsgAction
  WAWebNewsletterSubscribeAction WAWebNewsletterSubscriberListAction WAWebNewsletterUnsubscribeAction WAWebNewsletterUpdateMsgsRecordsJob
  WAWebNewsletterUpdateUserSettingJob WAWebNoteAction WAWebPhoneUtils WAWebPinInChatSchema WAWebPinMsgConstants WAWebPollsSendVoteMsgAction
  WAWebPollsVotesSchema WAWebPresenceChatAction WAWebQuotedMsgModelUtils WAWebRevokeStatusAction WAWebSaveContactAction WAWebSendEventEditMsgAction
  WAWebSendEventResponseMsgAction WAWebSendMessageEditAction WAWebSendNonMessageDataRequest WAWebSendPinMessageAction WAWebSendReactionMsgAction
  WAWebSendStatusMsgAction WAWebSetPropertyGroupAction WAWebSetPushnameConnAction WAWebStatusGatingUtils WAWebStreamModel
  WAWebUpdateUnreadChatAction WAWebUploadManager WAWebUserPrefsGeneral WAWebUserPrefsNotifications WAWebWidToJid`
    .trim()
    .split(/\s+/),
);

/** Modules that the sources below a directory ask the page for. */
async function askedFor(directory: string, ending: string): Promise<Set<string>> {
  const found = new Set<string>();
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(ending)) continue;
    const text = await readFile(join(entry.parentPath, entry.name), 'utf8');
    for (const [, name] of text.matchAll(/require\(\s*['"](WA[A-Za-z0-9]+)['"]/g)) found.add(name ?? '');
  }
  return found;
}

const listed = new Set(SURFACE.map(({ module }) => module));

describe("the list of what is needed of WhatsApp's page", () => {
  it('names every module that our own expressions ask for', async () => {
    const asked = await askedFor(OURS, '.ts');
    expect(asked.size).toBeGreaterThan(8);
    expect([...asked].filter((name) => !listed.has(name))).toEqual([]);
  });

  it('names every module that the library asks for, or it is known to be left alone', async () => {
    const asked = await askedFor(join(LIBRARY, 'src'), '.js');
    expect(asked.size).toBeGreaterThan(100);
    // After an upgrade of whatsapp-web.js: does Wharf come by where it asks for these? Then they belong into the list.
    expect([...asked].filter((name) => !listed.has(name) && !LEFT_ALONE.has(name))).toEqual([]);
    expect([...LEFT_ALONE].filter((name) => !asked.has(name) || listed.has(name))).toEqual([]);
    const ours = await askedFor(OURS, '.ts');
    expect([...listed].filter((name) => !asked.has(name) && !ours.has(name))).toEqual([]);
  });

  it('tells what a gap breaks: of a module all that it is for, of a member what that is for', () => {
    expect(parseGaps([['WAWebSocketModel', ['Socket.logout']]])).toEqual([
      { module: 'WAWebSocketModel', members: ['Socket.logout'], uses: ['unlink'] },
    ]);
    expect(parseGaps([['WAWebSocketModel', []]])[0]?.uses).toEqual(['start', 'unlink']);
    expect(parseGaps([['WAWebSyncGatingUtils', []]])[0]?.uses).toEqual(['ready']);
    expect(surfaceModules().filter(({ module }) => module === 'WAWebCollections')).toHaveLength(1);
  });
});
