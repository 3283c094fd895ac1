import whatsappWebJs from 'whatsapp-web.js';
import { chromiumFlags, proxyCredentials } from './chromium-flags.ts';
import type { BrowserSettings, ClientOptions, PreparedMessage } from './client.ts';
import { timerScript } from './dead-mans-timer.ts';
import { EARLY_NOTES } from './page-history.ts';
import { extraFor } from './page-send.ts';
import { STORAGE_WATCH } from './storage-watch.ts';

const { Client, LocalAuth, Location, MessageMedia, Poll } = whatsappWebJs;

/** The library's version, which its types leave out. */
export const LIBRARY_VERSION = (whatsappWebJs as unknown as { version: string }).version;

/** How long a document waits for its first feed, milliseconds; it sends nothing meanwhile. A machine under load may take long to get to it. */
const FIRST_FEED = 30_000;

/** The library's own user agent names Chrome 72 on a Mac; the browser's own, with its real version, draws less attention. */
const userAgentOf = (version: string) =>
  `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version.split('.')[0]}.0.0.0 Safari/537.36`;

/** What the library's types leave out of its client. */
const LibraryClient = Client as unknown as new (
  options: Omit<whatsappWebJs.ClientOptions, 'evalOnNewDoc'> & {
    /** Puppeteer takes an expression as well as a function. */
    evalOnNewDoc: string;
  },
) => whatsappWebJs.Client & {
  /** Puts the library's functions into the page; called at the start and after every navigation. */
  inject(): Promise<void>;
  /** True between the page's word that it was logged out and its loading itself anew. */
  lastLoggedOut: boolean;
};

/** Keeps the profile on logout, where the library would remove it under the live browser (facts file, 3): Wharf moves it to the trash. */
class KeptLocalAuth extends LocalAuth {
  constructor(options: { clientId: string; dataPath: string }, launched: () => void) {
    super(options);
    this.afterBrowserInitialized = async () => launched();
    this.logout = async () => {};
  }
}

/** The library's client with its two ways of acting on its own taken over: what follows an injection, and ending the browser. */
export class HookedClient extends LibraryClient {
  #inject: (library: () => Promise<void>) => Promise<void> = (library) => library();

  /** Wraps the library's injection. */
  hookInjection(wrapper: (library: () => Promise<void>) => Promise<void>): void {
    this.#inject = wrapper;
  }

  override inject(): Promise<void> {
    return this.#inject(() => super.inject());
  }

  /** The library ends its browser by itself after some events, and lets a failure of that go unhandled; Wharf ends browsers. */
  override async destroy(): Promise<void> {
    // Nothing: `disconnected` was emitted, and what follows is decided there.
  }
}

/**
 * A client of the library, set up as Wharf wants it; nothing is started.
 *
 * @param launched called as soon as the browser runs, before its page is loaded
 */
export function createLibraryClient(
  options: ClientOptions,
  settings: BrowserSettings,
  launched: () => void,
): HookedClient {
  const { chromium, timeouts, webResolve, webSpki } = settings;
  const credentials = proxyCredentials(options.proxy);
  return new HookedClient({
    authStrategy: new KeptLocalAuth({ clientId: options.session, dataPath: options.dataPath }, launched),
    authTimeoutMs: timeouts.start,
    takeoverOnConflict: false,
    evalOnNewDoc: `${timerScript(FIRST_FEED)};${STORAGE_WATCH};${EARLY_NOTES}`,
    // The default writes .wwebjs_cache/ into the working directory.
    webVersionCache: { type: 'none' },
    userAgent: userAgentOf(chromium.version),
    ...(credentials === undefined ? {} : { proxyAuthentication: credentials }),
    puppeteer: {
      executablePath: chromium.path,
      headless: chromium.path.includes('headless') ? 'shell' : true,
      // With pipes a browser dies with its instance, kill -9 included (facts file, 6).
      pipe: true,
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
      // The window's own size; see the flags.
      defaultViewport: null,
      protocolTimeout: timeouts.send,
      timeout: timeouts.start,
      args: chromiumFlags({ sandbox: chromium.sandbox, webResolve, webSpki, proxy: options.proxy }),
    },
  });
}

/** Hands a message to the library, to be sent under our id: {@link SEND_HOOK} must be in the page. What the library answers says nothing. */
export async function sendThroughLibrary(
  client: HookedClient,
  message: PreparedMessage,
  key: string,
): Promise<void> {
  const { content, options } = contentOf(message);
  await client.sendMessage(message.to, content, {
    extra: extraFor(key),
    // Whether a chat counts as read is for the application to say.
    sendSeen: false,
    ignoreQuoteErrors: false,
    ...(message.reply_to === undefined ? {} : { quotedMessageId: message.reply_to }),
    ...options,
  });
}

function contentOf(message: PreparedMessage): {
  content: whatsappWebJs.MessageContent;
  options: whatsappWebJs.MessageSendOptions;
} {
  if ('text' in message) return { content: message.text, options: {} };
  if ('media' in message) {
    const { mimetype, data, filename } = message.media;
    const shown = /^(image|video|audio)\//.test(mimetype);
    return {
      content: new MessageMedia(mimetype, data, filename),
      options: {
        ...(message.caption === undefined ? {} : { caption: message.caption }),
        ...(message.voice ? { sendAudioAsVoice: true } : {}),
        ...(shown ? {} : { sendMediaAsDocument: true }),
      },
    };
  }
  if ('location' in message) {
    const { latitude, longitude, name } = message.location;
    return { content: new Location(latitude, longitude, name === undefined ? {} : { name }), options: {} };
  }
  if ('contact' in message) return { content: vcardOf(message.contact), options: { parseVCards: true } };
  const { question, options, multiple } = message.poll;
  return {
    content: new Poll(question, options, {
      allowMultipleAnswers: multiple ?? false,
      messageSecret: undefined,
    }),
    options: {},
  };
}

/** A vCard 3.0 (RFC 2426) with WhatsApp's own parameter that names the account. */
function vcardOf(contact: { name: string; phone_number: string }): string {
  const name = contact.name.replace(/[\\;,]/g, '\\$&').replace(/\s+/g, ' ');
  const digits = contact.phone_number.replace('+', '');
  return `BEGIN:VCARD\nVERSION:3.0\nN:;${name};;;\nFN:${name}\nTEL;type=CELL;type=VOICE;waid=${digits}:+${digits}\nEND:VCARD`;
}
