/** What of Wharf needs a part of WhatsApp's page. */
export type SurfaceUse =
  | 'start'
  | 'qr'
  | 'pairing_code'
  | 'ready'
  | 'events'
  | 'send'
  | 'media'
  | 'reads'
  | 'inbox'
  | 'unlink';

/** What is at stake where a use does not hold any more, for people. */
export const SURFACE_USES: Readonly<Record<SurfaceUse, string>> = {
  start: 'no session gets anywhere: the library cannot put itself into the page',
  qr: 'no account can be linked by QR',
  pairing_code: 'no account can be linked by a pairing code',
  ready: 'sessions connect and never become ready',
  events: 'incoming messages, acks, edits or reactions are not told',
  send: 'messages cannot be sent, or are sent under ids that are not ours, so that trying again may send twice',
  media: 'files cannot be sent, or those received cannot be fetched',
  reads: 'chats, contacts or numbers cannot be read',
  inbox: 'messages that came while a session was away are not told',
  unlink: 'logging out does not remove the device on the phone',
};

/** A module of WhatsApp's page, by the name `window.require` knows it by, and what one use needs of it. */
export interface SurfaceModule {
  module: string;
  /** Paths of members that must be there: `Socket.on`. None: the module itself, as it is. */
  members: readonly string[];
  use: SurfaceUse;
}

const of = (use: SurfaceUse, modules: Readonly<Record<string, readonly string[]>>): SurfaceModule[] =>
  Object.entries(modules).map(([module, members]) => ({ module, members, use }));

/**
 * Every module and member of WhatsApp's page that Wharf needs: what its own expressions ask for, and what whatsapp-web.js does on the ways that Wharf takes through it
 * (1.34.7, read in its source). `wharf canary` looks for each in the real page, and a test holds the list together with both sources and with the emulator.
 *
 * What is only there at some times (`Conn.ref`, while a QR is shown) stands for itself in a check of behaviour, and not here.
 */
export const SURFACE: readonly SurfaceModule[] = [
  ...of('start', {
    WAWebSocketModel: ['Socket.on', 'Socket.off', 'Socket.state'],
    WAWebCmd: ['Cmd.on'],
    WAWebConnModel: ['Conn.on', 'Conn.serialize'],
    WAWebOfflineHandler: ['OfflineMessageHandler.getOfflineDeliveryProgress'],
    WAWebMiscBrowserUtils: ['info'],
  }),
  ...of('qr', {
    WABase64: ['encodeB64'],
    WAWebCompanionRegClientUtils: ['DEVICE_PLATFORM'],
    WAWebUserPrefsInfoStore: ['waNoiseInfo.get'],
    WAWebSignalStoreApi: ['waSignalStore.getRegistrationInfo'],
    WAWebAdvSignatureApi: [],
    WAWebUserPrefsMultiDevice: ['getADVSecretKey'],
    WAWebLaunchSocketUtils: ['refreshQR'],
  }),
  ...of('pairing_code', {
    WAWebAltDeviceLinkingApi: [
      'setPairingType',
      'initializeAltDeviceLinking',
      'startAltLinkingFlow',
      'initializeQRLinking',
    ],
  }),
  ...of('ready', {
    WAWebUserPrefsMeUser: ['getMaybeMePnUser', 'getMaybeMeLidUser'],
    // The library sets a property of it before it listens to anything.
    WAWebSyncGatingUtils: [],
  }),
  ...of('events', {
    WAWebCollections: ['Msg.on', 'Chat.on'],
    WAWebCallCollection: [],
    WAWebNonMessageDataRequestPlaceholderMessageResendUtils: ['handlePlaceholderMsgsSeen'],
    WAWebAddonReactionTableMode: ['reactionTableMode.bulkUpsert'],
  }),
  ...of('send', {
    WAWebCollections: ['Msg.get', 'Msg.getMessagesById', 'Chat.get', 'Chat.find'],
    WAWebSendMsgChatAction: ['addAndSendMsgToChat'],
    WAWebMsgKey: ['newId'],
    WAWebWidFactory: ['createWid', 'createWidFromWidLike', 'asUserWidOrThrow'],
    WAWebFindChatAction: ['findOrCreateLatestChat'],
    WAWebChatGetters: ['getIsNewsletter', 'getIsBroadcast'],
    WALinkify: ['findLink'],
    WAWebLinkPreviewChatAction: ['getLinkPreview'],
    WAWebGetEphemeralFieldsMsgActionsUtils: ['getEphemeralFields'],
    WAWebMsgReply: ['canReplyMsg'],
    WAWebVcardParsingUtils: ['parseVcard'],
    WAWebVcardGetNameFromParsed: ['vcardGetNameFromParsed'],
    WAWebChatStateBridge: ['sendChatStateComposing'],
  }),
  ...of('media', {
    WAWebMediaOpaqueData: ['createFromData'],
    WAWebPrepRawMedia: ['prepRawMedia'],
    WAWebMediaStorage: ['getOrCreateMediaObject'],
    WAWebMmsMediaTypes: ['msgToMediaType', 'castToV4'],
    WAWebMediaDataUtils: ['shouldUseMediaCache'],
    WAWebMediaInMemoryBlobCache: ['InMemoryMediaBlobCache.put'],
    WAWebMediaMmsV4Upload: ['uploadMedia'],
    WAWebStartMediaUploadQpl: ['startMediaUploadQpl'],
    WAWebDownloadManager: ['downloadManager.downloadAndMaybeDecrypt'],
  }),
  ...of('reads', {
    WAWebQueryExistsJob: ['queryWidExists'],
    WAWebContactGetters: ['getIsMe', 'getIsUser', 'getIsGroup'],
    WAWebFrontendContactGetters: ['getIsMyContact'],
    WAWebApiContact: ['getPhoneNumber', 'getCurrentLid', 'getAlternateUserWid'],
    WAWebLidMigrationUtils: ['toPn'],
  }),
  ...of('reads', {
    WAWebCollections: [
      'Chat.getModelsArray',
      'Contact.get',
      'Contact.getModelsArray',
      'Contact.find',
      'Blocklist.get',
      'GroupMetadata.update',
      'BusinessProfile.find',
    ],
  }),
  ...of('inbox', {
    WAWebChatLoadMessages: ['loadEarlierMsgs'],
    WAWebCollections: ['Chat.get', 'Reactions.find'],
  }),
  ...of('unlink', {
    WAWebSocketModel: ['Socket.logout'],
  }),
];
