import { setImmediate as nextTurn } from 'node:timers/promises';
import { withDeadline } from '../../common/clock.ts';
import { messageOf, WharfError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { BrowserProcess } from './browser-process.ts';
import type {
  BrowserSettings,
  ClientFactory,
  ClientOptions,
  FateQuery,
  HistoryQuery,
  LossReason,
  PreparedMessage,
  WhatsAppClient,
} from './client.ts';
import { PageAuthority } from './page-authority.ts';
import { exposeCallbacks } from './page-callbacks.ts';
import { PageCalls } from './page-calls.ts';
import { READABLE_CALLBACK } from './page-history.ts';
import { listenToAccount } from './page-listeners.ts';
import type { Evaluate } from './page-media.ts';
import {
  LOGOUT,
  LOOK,
  type PageState,
  REFRESH_QR,
  STATE_CALLBACK,
  SYNC_ENDED,
  WATCH_STATE,
} from './page-scripts.ts';
import { LEAVE_CALLBACK } from './page-send.ts';
import { PING } from './storage-watch.ts';
import { createLibraryClient, type HookedClient } from './whatsapp-web-js.ts';

/** While a page is on its way to ready, how often its state is looked at (facts file, 1 and 17). */
const LOOK_INTERVAL = 2000;

/** How long after ready a page has done with starting. */
const REST_AFTER = 3000;

/** A device that was removed says UNPAIRED, and LOGOUT a moment before or after; so long is waited for the second. */
const LOGOUT_FOLLOWS = 3000;

/** Asked of each document of a page before the library puts anything into it. What it throws is thrown as if the library had. */
export type LookFirst = (evaluate: Evaluate) => Promise<void>;

/** Makes clients of the unmodified whatsapp-web.js. */
export function whatsappWebJsClients(
  settings: BrowserSettings,
  log: Logger,
  lookFirst: LookFirst = async () => {},
): ClientFactory {
  return (options) => new PageClient(options, settings, log, lookFirst);
}

class PageClient implements WhatsAppClient {
  readonly #options: ClientOptions;
  readonly #settings: BrowserSettings;
  readonly #log: Logger;
  readonly #lookFirst: LookFirst;
  readonly #client: HookedClient;
  readonly #browser: BrowserProcess;
  readonly #calls: PageCalls;
  readonly #authority: PageAuthority;
  #phase: 'new' | 'starting' | 'running' | 'ended' = 'new';
  #ready = false;
  #authenticated = false;
  #lookTimer: NodeJS.Timeout | undefined;
  #restTimer: NodeJS.Timeout | undefined;

  constructor(options: ClientOptions, settings: BrowserSettings, log: Logger, lookFirst: LookFirst) {
    this.#options = options;
    this.#settings = settings;
    this.#lookFirst = lookFirst;
    this.#log = log.child({ workspace: options.workspace, session: options.session });
    this.#client = createLibraryClient(options, settings, () => this.#onLaunched());
    this.#browser = new BrowserProcess(this.#client);
    this.#calls = new PageCalls(this.#client, options.session, options.authority, settings.timeouts);
    this.#authority = new PageAuthority(() => options.authority.left(), this.#log);
    this.#client.hookInjection((library) => this.#inject(library));
    this.#listen();
  }

  get browserPid(): number | undefined {
    return this.#browser.pid;
  }

  async start(): Promise<void> {
    this.#phase = 'starting';
    const initialized = this.#client.initialize();
    this.#browser.begin(initialized);
    try {
      await withDeadline(
        initialized,
        this.#settings.timeouts.start,
        () => new Error(`the page was not there after ${this.#settings.timeouts.start} ms`),
      );
    } catch (error) {
      await this.#browser.end();
      if (this.#hasEnded())
        throw new WharfError('browser_failed', 'The browser was ended while it started.', { cause: error });
      this.#phase = 'ended';
      throw new WharfError(
        'browser_failed',
        `The browser of session ${this.#options.session} did not get to WhatsApp's page: ${firstLine(messageOf(error))}`,
        { cause: error },
      );
    }
    if (this.#phase === 'starting') this.#phase = 'running';
  }

  stop(): Promise<boolean> {
    this.#end();
    return this.#browser.close(this.#settings.timeouts.stop);
  }

  async kill(): Promise<void> {
    this.#end();
    await this.#browser.kill();
  }

  async logout(): Promise<boolean> {
    let told = false;
    if (this.#ready && !this.#hasEnded()) {
      this.#end();
      told = await this.#calls.evaluate(LOGOUT, this.#settings.timeouts.read).then(
        () => true,
        // The page loads itself anew while the call is under way; that is how it says that it is done.
        (error: unknown) => /context was destroyed|navigat/i.test(messageOf(error)),
      );
    }
    await this.stop();
    return told;
  }

  feed(): void {
    if (!this.#hasEnded()) this.#authority.feed();
  }

  async ping(): Promise<void> {
    await this.#calls.evaluate(PING, this.#settings.timeouts.ping);
  }

  requestPairingCode(phoneNumber: string): Promise<string> {
    return this.#calls.requestPairingCode(phoneNumber);
  }

  async requireRecipient(to: string) {
    await this.#readyCalls().requireRecipient(to);
  }

  async showTyping(to: string) {
    await this.#readyCalls().showTyping(to);
  }

  async send(message: PreparedMessage, key: string, begin: () => Promise<boolean>) {
    return await this.#readyCalls().send(message, key, begin);
  }

  async fates(queries: readonly FateQuery[]) {
    return await this.#readyCalls().fates(queries);
  }

  async media(whatsappId: string) {
    return await this.#readyCalls().media(whatsappId);
  }

  async activity(unreadable: readonly string[]) {
    return await this.#readyCalls().activity(unreadable);
  }

  async history(queries: readonly HistoryQuery[]) {
    return await this.#readyCalls().history(queries);
  }

  async chats(limit: number) {
    return await this.#readyCalls().chats(limit);
  }

  async contacts(limit: number) {
    return await this.#readyCalls().contacts(limit);
  }

  async messages(chatId: string, limit: number) {
    return await this.#readyCalls().messages(chatId, limit);
  }

  async number(phoneNumber: string) {
    return await this.#readyCalls().number(phoneNumber);
  }

  #listen(): void {
    const client = this.#client;
    const { events } = this.#options;
    const whileRunning =
      <Given extends unknown[]>(handle: (...given: Given) => void) =>
      (...given: Given) => {
        if (!this.#hasEnded()) handle(...given);
      };
    client.on(
      'qr',
      whileRunning((code: string) => events.qr(code)),
    );
    client.on(
      'authenticated',
      whileRunning(() => {
        this.#authenticated = true;
        events.authenticated();
      }),
    );
    client.on(
      'ready',
      whileRunning(() => {
        if (this.#ready) return;
        this.#ready = true;
        clearTimeout(this.#lookTimer);
        this.#restTimer = setTimeout(() => this.#rest(), REST_AFTER);
        this.#restTimer.unref();
        events.ready({ phoneNumber: client.info?.wid?.user ?? null, name: client.info?.pushname ?? null });
      }),
    );
    listenToAccount(
      client,
      (wid) => this.#calls.isMine(wid),
      whileRunning((happening) => events.happened(happening)),
    );
    client.on(
      'disconnected',
      whileRunning((reason) => this.#onDisconnected(String(reason))),
    );
  }

  /** The browser runs; from here on its end and the page's crash are noticed, neither of which the library tells (facts file, 5). */
  #onLaunched(): void {
    const process = this.#browser.launched();
    if (this.#hasEnded() && process?.pid !== undefined) {
      this.#browser.killLate();
      return;
    }
    this.#client.pupBrowser?.on('disconnected', () =>
      this.#lose(
        'browser_gone',
        `the browser ended (${process?.signalCode ?? process?.exitCode ?? 'closed'})`,
      ),
    );
    if (this.#client.pupPage) this.#authority.attach(this.#client.pupPage);
    this.#client.pupPage?.on('error', (error: Error) => this.#lose('page_crashed', error.message));
    process?.stderr?.on('data', (chunk: Buffer) => {
      const text = chunk.toString('utf8');
      if (/corrupted \(and deleted\)|checksum mismatch/i.test(text))
        this.#options.events.corrupted(text.slice(0, 500));
    });
  }

  /** The library's injection, then ours; after a navigation there is nobody to reject to, so a failure is a loss. */
  async #inject(library: () => Promise<void>): Promise<void> {
    if (this.#hasEnded()) return;
    const first = this.#phase === 'starting';
    if (!first) {
      this.#ready = false;
      this.#authenticated = false;
      if (this.#client.lastLoggedOut) return;
    }
    try {
      await this.#lookFirst((expression, milliseconds) => this.#calls.evaluate(expression, milliseconds));
      await library();
      await this.#watchState();
      await this.#look();
    } catch (error) {
      if (first) throw error instanceof Error ? error : new Error(String(error));
      if (!/context was destroyed|detached|Target closed/i.test(messageOf(error)))
        this.#lose('disconnected', `the page loaded itself anew and could not be used: ${messageOf(error)}`);
    }
  }

  async #watchState(): Promise<void> {
    const page = this.#client.pupPage;
    if (!page) return;
    await exposeCallbacks(page, {
      [STATE_CALLBACK]: (state) => this.#onState(state),
      [READABLE_CALLBACK]: (message) => this.#onReadable(message),
      [LEAVE_CALLBACK]: (key, whatsappId) => this.#calls.departures.ask(key, whatsappId),
    });
    await page.evaluate(WATCH_STATE);
  }

  /** A message that came before the library listened, and could not be read then. */
  #onReadable(message: string): void {
    if (this.#hasEnded()) return;
    for (const happening of this.#calls.readable(message)) this.#options.events.happened(happening);
  }

  #onState(state: string): void {
    if (this.#hasEnded() || state !== 'UNPAIRED_IDLE') return;
    // The library's own handler for this calls `window` in Node (facts file, 4).
    this.#calls
      .evaluate(REFRESH_QR, this.#settings.timeouts.read)
      .catch((error: unknown) => this.#log.warn({ reason: messageOf(error) }, 'the QR could not be renewed'));
  }

  /**
   * Where the page's sync ended before the library listened, `ready` would never come (facts file, 1): the library's handler is called for it.
   * A handler that has begun has told `authenticated` by the time the look is answered, and one turn of the event loop later at the latest.
   */
  async #look(): Promise<void> {
    clearTimeout(this.#lookTimer);
    if (this.#ready || this.#hasEnded()) return;
    const page = (await this.#calls.evaluate(LOOK, this.#settings.timeouts.read)) as PageState;
    await nextTurn();
    if (page.hasSynced && !page.injected && !this.#authenticated) {
      this.#log.info('the sync had ended before it was listened for');
      await this.#calls.evaluate(SYNC_ENDED, this.#settings.timeouts.start);
    }
    if (page.state === 'UNPAIRED_IDLE') this.#onState(page.state);
    if (this.#ready || this.#hasEnded()) return;
    this.#lookTimer = setTimeout(() => {
      this.#look().catch((error: unknown) =>
        this.#log.debug({ reason: messageOf(error) }, 'the page could not be looked at'),
      );
    }, LOOK_INTERVAL);
    this.#lookTimer.unref();
  }

  /** Start-up leaves garbage that a page at rest would keep for hours: it is collected once, which gives back a tenth of the browser's memory. */
  async #rest(): Promise<void> {
    try {
      const devtools = await this.#client.pupPage?.createCDPSession();
      await devtools?.send('HeapProfiler.collectGarbage');
      await devtools?.send('Memory.simulatePressureNotification', { level: 'critical' });
      await devtools?.detach();
    } catch (error) {
      this.#log.debug({ reason: messageOf(error) }, "the page's garbage could not be collected");
    }
  }

  #onDisconnected(reason: string): void {
    if (reason === 'LOGOUT') {
      this.#end();
      this.#options.events.loggedOut();
    } else if (reason === 'UNPAIRED' || reason === 'UNPAIRED_IDLE') {
      setTimeout(
        () => this.#lose('unpaired', 'WhatsApp says that this device is not linked'),
        LOGOUT_FOLLOWS,
      ).unref();
    } else {
      this.#lose(reason === 'CONFLICT' ? 'conflict' : 'disconnected', `WhatsApp's page says ${reason}`);
    }
  }

  #lose(reason: LossReason, detail: string): void {
    if (this.#hasEnded()) return;
    // While it starts, the rejection of start() tells.
    if (this.#phase === 'starting') return;
    this.#end();
    this.#options.events.lost(reason, detail);
  }

  #hasEnded(): boolean {
    return this.#phase === 'ended';
  }

  #end(): void {
    this.#phase = 'ended';
    clearTimeout(this.#lookTimer);
    clearTimeout(this.#restTimer);
  }

  #readyCalls(): PageCalls {
    if (this.#ready && !this.#hasEnded()) return this.#calls;
    throw new WharfError('session_not_ready', `Session ${this.#options.session} is not ready.`, {
      retryAfter: 5,
    });
  }
}

/** What puppeteer says of a fault in the page goes on with its stack, which is for the log and no caller. */
function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
