import { withDeadline } from '../../common/clock.ts';
import { messageOf, WharfError } from '../../common/errors.ts';
import type { Chat, ChatMessage, Contact, PhoneNumber } from '../../fleet/messages.ts';
import type {
  ClientAuthority,
  ClientTimeouts,
  Fate,
  FateQuery,
  Happening,
  HistoryPart,
  HistoryQuery,
  PageActivity,
  PreparedMessage,
  ReceivedMedia,
} from './client.ts';
import { Departures } from './departures.ts';
import { fatesExpression, parseFates } from './page-fates.ts';
import { activityExpression, historyExpression, parseActivity, parseHistory } from './page-history.ts';
import { downloadFromPage, type Evaluate } from './page-media.ts';
import { SEND_HOOK, typingExpression } from './page-send.ts';
import { arrivalOf, readRawMessage } from './raw-message.ts';
import { RecipientCache } from './recipient-cache.ts';
import { toChat, toChatMessage, toContact } from './shapes.ts';
import { type HookedClient, sendThroughLibrary } from './whatsapp-web-js.ts';

/** Calls into a session's page, each with a deadline of its own: a page that hangs answers nothing (facts file, 5). */
export class PageCalls {
  readonly #client: HookedClient;
  readonly #session: string;
  readonly #authority: ClientAuthority;
  readonly #timeouts: ClientTimeouts;
  readonly #recipients = new RecipientCache();
  /** The account's own ids, as far as the page told. */
  readonly #mine = new Set<string>();
  readonly departures: Departures;

  /** @param session its id, for errors */
  constructor(client: HookedClient, session: string, authority: ClientAuthority, timeouts: ClientTimeouts) {
    this.#client = client;
    this.#session = session;
    this.#authority = authority;
    this.#timeouts = timeouts;
    this.departures = new Departures(authority);
  }

  /** Evaluates an expression of `page-scripts.ts`. Throws `timeout`, `session_not_ready` where there is no page yet. */
  async evaluate(expression: string, milliseconds: number): Promise<unknown> {
    const page = this.#client.pupPage;
    if (!page) throw new WharfError('session_not_ready', `Session ${this.#session} has no page yet.`);
    return await this.#within(page.evaluate(expression), milliseconds, 'a call into the page');
  }

  async requestPairingCode(phoneNumber: string): Promise<string> {
    try {
      const code = await this.#within(
        this.#client.requestPairingCode(phoneNumber),
        this.#timeouts.read,
        'a pairing code',
      );
      if (typeof code !== 'string' || code === '') throw new Error('WhatsApp gave none');
      return code;
    } catch (error) {
      throw new WharfError(
        'pairing_refused',
        `WhatsApp gave no pairing code for this number: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  async send(message: PreparedMessage, key: string, begin: () => Promise<boolean>): Promise<string> {
    this.#authority.require();
    await this.#read(this.evaluate(SEND_HOOK, this.#timeouts.read), 'how it sends');
    const departure = this.departures.open(key, begin);
    try {
      const sending = sendThroughLibrary(this.#client, message, key);
      await this.#within(sending, this.#timeouts.send, 'handing over a message');
    } catch (error) {
      if (departure.whatsappId === undefined) throw departure.refusal ?? this.#notSent(error, message);
      throw new WharfError(
        'send_unknown',
        `The message to ${message.to} was handed to WhatsApp's page, which did not say that it has it (${messageOf(error)}). It may or may not have been sent.`,
        { cause: error },
      );
    } finally {
      this.departures.close(key, departure);
    }
    if (departure.whatsappId === undefined)
      throw new WharfError('send_failed', `WhatsApp's page has no chat for ${message.to}.`);
    return departure.whatsappId;
  }

  async fates(queries: readonly FateQuery[]): Promise<{ connected: boolean; fates: Fate[] }> {
    return parseFates(
      await this.#read(this.evaluate(fatesExpression(queries), this.#timeouts.read), 'messages'),
    );
  }

  async activity(unreadable: readonly string[]): Promise<PageActivity> {
    const asked = this.evaluate(activityExpression(unreadable), this.#timeouts.read);
    const { mine, ...activity } = parseActivity(await this.#read(asked, 'what happened'));
    for (const wid of mine) this.#mine.add(wid);
    return activity;
  }

  async history(queries: readonly HistoryQuery[]): Promise<HistoryPart[]> {
    const asked = this.evaluate(historyExpression(queries), this.#timeouts.read);
    return parseHistory(await this.#read(asked, "chats' histories"), (wid) => this.isMine(wid));
  }

  /** What a message is that the page says can be read now, as JSON. */
  readable(message: string): Happening[] {
    const raw = readRawMessage(JSON.parse(message));
    return raw ? arrivalOf(raw, (wid) => this.isMine(wid)) : [];
  }

  isMine(wid: string): boolean {
    return this.#mine.has(wid) || wid === this.#client.info?.wid?._serialized;
  }

  async showTyping(to: string): Promise<void> {
    this.#authority.require();
    await this.#read(this.evaluate(typingExpression(to), this.#timeouts.read), 'who types');
  }

  async media(whatsappId: string): Promise<ReceivedMedia> {
    const { send: download, read } = this.#timeouts;
    const evaluate: Evaluate = (expression, milliseconds) =>
      this.evaluate(expression, milliseconds).catch((error: unknown) => {
        throw this.#lost(error, 'media');
      });
    return await downloadFromPage(evaluate, whatsappId, { download, read });
  }

  async chats(limit: number): Promise<Chat[]> {
    const chats = await this.#read(this.#client.getChats(), 'the chats');
    return chats
      .map(toChat)
      .sort((a, b) => (b.last_activity ?? '').localeCompare(a.last_activity ?? ''))
      .slice(0, limit);
  }

  async contacts(limit: number): Promise<Contact[]> {
    const contacts = await this.#read(this.#client.getContacts(), 'the contacts');
    return contacts.slice(0, limit).map(toContact);
  }

  async messages(chatId: string, limit: number): Promise<ChatMessage[]> {
    const chat = await this.#read(this.#client.getChatById(chatId), 'a chat').catch((error: unknown) => {
      if (error instanceof WharfError) throw error;
      return undefined;
    });
    if (!chat) throw new WharfError('chat_not_found', `Session ${this.#session} has no chat ${chatId}.`);
    const messages = await this.#read(chat.fetchMessages({ limit }), "a chat's messages");
    // The library sorts only where it cuts off; what came late, out of the queue, stands at the end.
    return messages.map(toChatMessage).sort((a, b) => a.timestamp.localeCompare(b.timestamp));
  }

  async number(phoneNumber: string): Promise<PhoneNumber> {
    const id = await this.#read(this.#client.getNumberId(phoneNumber), 'a number');
    return { phone_number: phoneNumber, on_whatsapp: id !== null, whatsapp_id: id?._serialized ?? null };
  }

  async requireRecipient(to: string): Promise<void> {
    if (!to.endsWith('@c.us') || this.#recipients.has(to)) return;
    const id = await this.#read(this.#client.getNumberId(to), 'the recipient');
    if (id === null)
      throw new WharfError('recipient_not_on_whatsapp', `${to.replace('@c.us', '')} is not on WhatsApp.`);
    this.#recipients.add(to);
  }

  /** Why a message was not sent, where the page did not get to asking whether it may leave. */
  #notSent(error: unknown, message: PreparedMessage): WharfError {
    if (error instanceof WharfError) return error;
    const reason = messageOf(error);
    if (/quoted message/i.test(reason)) {
      return new WharfError(
        'message_not_found',
        `The message ${message.reply_to} to reply to is not in the session's history.`,
        { cause: error },
      );
    }
    if (/timed out/i.test(reason)) return this.#late(this.#timeouts.send, 'handing over a message');
    if (PAGE_GONE.test(reason)) return this.#pageGone('a message was being sent', error);
    return new WharfError('send_failed', `WhatsApp's page refused the message to ${message.to}: ${reason}`, {
      cause: error,
    });
  }

  #pageGone(doing: string, cause: unknown): WharfError {
    return new WharfError(
      'browser_failed',
      `The browser of session ${this.#session} was closed while ${doing}. Nothing was done; try again.`,
      { cause },
    );
  }

  async #read<T>(answer: Promise<T>, what: string): Promise<T> {
    try {
      return await this.#within(answer, this.#timeouts.read, `reading ${what}`);
    } catch (error) {
      throw this.#lost(error, what);
    }
  }

  /** Why a read failed: an error for people where the page is gone, else as it is. */
  #lost(error: unknown, what: string): unknown {
    if (error instanceof WharfError || !PAGE_GONE.test(messageOf(error))) return error;
    return this.#pageGone(`${what} were read`, error);
  }

  async #within<T>(answer: Promise<T>, milliseconds: number, what: string): Promise<T> {
    answer.catch(() => {});
    return await withDeadline(answer, milliseconds, () => this.#late(milliseconds, what));
  }

  #late(milliseconds: number, what: string): WharfError {
    return new WharfError(
      'timeout',
      `WhatsApp's page of session ${this.#session} did not answer in ${milliseconds} ms (${what}).`,
    );
  }
}

/** What puppeteer says of a page that is gone, or does not answer. */
const PAGE_GONE = /Target closed|Session closed|context was destroyed|detached|Connection closed|timed out/i;
