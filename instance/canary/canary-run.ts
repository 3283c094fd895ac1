import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import type { BrowserSettings, LinkedAccount } from '../whatsapp/client.ts';
import { WATCHED_SOCKETS } from '../whatsapp/dead-mans-timer.ts';
import type { LookFirst } from '../whatsapp/page-client.ts';
import type { Evaluate } from '../whatsapp/page-media.ts';
import { parseGaps, type SurfaceGap, surfaceExpression } from '../whatsapp/surface-look.ts';
import { AUTHORITY, CanaryBrowser } from './canary-browser.ts';
import type { CanaryLine } from './canary-client.ts';
import type { CanaryProfile } from './canary-profile.ts';
import type { CheckBook } from './check-book.ts';
import type { CheckId } from './checks.ts';
import { checkMessages, requireKnown, type SentMessage } from './message-checks.ts';

/** How long somebody may take to scan a QR, and a session to become ready, milliseconds. */
const SCAN_PATIENCE = 300_000;
const READY_PATIENCE = 180_000;
/** How long a page's code may take to be there, milliseconds: the library waits as long at the least. */
const CODE_PATIENCE = 60_000;
/** WhatsApp Web loads some modules a moment later: what is not there is looked for again, so often, after so many milliseconds. */
const LOOKS = 10;
const LOOK_PAUSE = 1000;

/** Waits in the page for its code, and answers its version; null where that does not come. */
const VERSION = `new Promise((resolve) => {
  const began = performance.now();
  const look = () => {
    if (window.Debug?.VERSION !== undefined && typeof window.require === 'function') resolve(String(window.Debug.VERSION));
    else if (performance.now() - began > ${CODE_PATIENCE}) resolve(null);
    else setTimeout(look, 100);
  };
  look();
})`;

/** Waits in the page until its sync has ended. */
const SYNCED = `new Promise((resolve) => {
  const began = performance.now();
  const look = () => {
    const { Socket } = window.require('WAWebSocketModel');
    if (Socket.hasSynced) resolve(true);
    else if (performance.now() - began > ${CODE_PATIENCE}) resolve(false);
    else setTimeout(look, 100);
  };
  look();
})`;

const AFTER_READY: CheckId[] = [
  'sockets',
  'storage',
  'send_text',
  'echo',
  'fate',
  'reply',
  'location',
  'contact',
  'poll',
  'media_up',
  'media_down',
  'chats',
  'history',
  'typing',
  'clean_stop',
];
const AFTER_RESTART: CheckId[] = ['needed_files', 'sync_race', 'kept_history', 'authority'];

/** What a canary is run with. */
export interface CanaryParts {
  profile: CanaryProfile;
  book: CheckBook;
  settings: BrowserSettings;
  clock: Clock;
  log: Logger;
  tell: (line: CanaryLine) => void;
  /** Whether it logs out at the end. */
  logout: boolean;
}

/** Makes all checks, with one account, in two or three lives of one browser: first linked, or as it was; then from a copy of what a session needs; then logging out. */
export class CanaryRun {
  readonly #parts: CanaryParts;
  #version: string | null = null;
  #gaps: SurfaceGap[] | null = null;
  #browser: CanaryBrowser | undefined;

  constructor(parts: CanaryParts) {
    this.#parts = parts;
  }

  /** WhatsApp Web's, once its page was there. */
  get version(): string | null {
    return this.#version;
  }

  async run(): Promise<void> {
    const { book, clock, logout, profile } = this.#parts;
    try {
      await profile.repair(clock.now());
      const sent = await this.#asItIs();
      book.surface(this.#gaps);
      if (this.#wasReady()) await this.#fromCopy(sent);
      else book.skip(AFTER_RESTART, 'it never became ready');
      if (logout && this.#wasReady()) await this.#logOut();
      else
        book.skip(['logout'], logout ? 'it never became ready' : 'only with --logout: it unlinks the device');
    } finally {
      await this.#browser?.kill();
    }
  }

  #wasReady(): boolean {
    return this.#parts.book.results.some(({ id, status }) => id === 'ready' && status === 'ok');
  }

  async #asItIs(): Promise<SentMessage | null> {
    const { book } = this.#parts;
    const browser = this.#open((evaluate) => this.#look(evaluate));
    await this.#checkPage(browser);
    await this.#checkLink(browser);
    let account: LinkedAccount | undefined;
    const isReady = await book.check(
      'ready',
      async () => {
        account = await this.#ready(browser);
      },
      READY_PATIENCE,
    );
    if (!isReady || account === undefined) {
      book.skip(AFTER_READY, 'it never became ready');
      await browser.kill();
      return null;
    }
    this.#parts.tell({ kind: 'linked' });
    // By now all of it has been loaded.
    await this.#lookAgain(browser);
    await this.#checkSurroundings(browser);
    const sent = await checkMessages(browser, book, account);
    await book.check('clean_stop', async () => {
      if (!(await browser.stop())) throw new Error('it had to be killed');
    });
    await browser.kill();
    return sent;
  }

  async #checkPage(browser: CanaryBrowser): Promise<void> {
    await this.#parts.book.check(
      'page',
      async () => {
        await browser.client.start().catch((error: unknown) => {
          // What the library met, in a page that had loaded, is told by the checks after this one.
          if (this.#version === null) throw error;
          browser.lost ??= error instanceof Error ? error.message : String(error);
        });
        if (this.#version === null) throw new Error(`its code was not there in ${CODE_PATIENCE / 1000} s`);
        return `WhatsApp Web ${this.#version}`;
      },
      READY_PATIENCE,
    );
  }

  /** A session that is linked already shows no QR, and comes to be authenticated by itself. */
  async #checkLink(browser: CanaryBrowser): Promise<void> {
    const { book } = this.#parts;
    const standsLinked = await browser
      .until(
        () => (browser.qrs.length > 0 ? 'qr' : browser.authenticated ? 'linked' : undefined),
        '',
        READY_PATIENCE,
      )
      .catch(() => 'neither');
    if (standsLinked === 'linked') return book.skip(['link'], 'this canary was linked before');
    await book.check(
      'link',
      async () => {
        const [code] = browser.qrs;
        if (code === undefined) throw new Error(browser.lost ?? 'neither a QR came, nor did it connect');
        if (code.split(',').length < 5) throw new Error('the QR has other parts than WhatsApp reads');
        await browser.until(() => browser.authenticated, 'the scan', SCAN_PATIENCE);
      },
      SCAN_PATIENCE + READY_PATIENCE,
    );
  }

  async #ready(browser: CanaryBrowser): Promise<LinkedAccount> {
    const account = await browser.until(() => browser.readies[0], 'ready', READY_PATIENCE);
    if (account.phoneNumber === null) throw new Error('it does not tell its number');
    return account;
  }

  async #checkSurroundings(browser: CanaryBrowser): Promise<void> {
    const { book } = this.#parts;
    await book.check('sockets', async () => {
      const count = Number(await browser.evaluate(`window.${WATCHED_SOCKETS}`));
      if (count < 1)
        throw new Error('the page is connected, and has no WebSocket of its own: a worker may have it');
    });
    await book.check('storage', async () => {
      const names = await browser.evaluate(
        'indexedDB.databases().then((all) => all.map(({ name }) => name))',
      );
      if (!Array.isArray(names) || names.length === 0) throw new Error('there is no IndexedDB database');
      await browser.client.ping();
      return `${names.length} databases`;
    });
  }

  async #fromCopy(sent: SentMessage | null): Promise<void> {
    const { book, profile } = this.#parts;
    await profile.reduce();
    let synced = false;
    const browser = this.#open(async (evaluate) => {
      await evaluate(VERSION, CODE_PATIENCE * 2);
      synced = (await evaluate(SYNCED, CODE_PATIENCE * 2)) === true;
    });
    const isGood = await book.check(
      'needed_files',
      async () => {
        await browser.client.start();
        const first = await browser.until(
          () => (browser.qrs.length > 0 ? 'qr' : browser.readies.length > 0 ? 'ready' : undefined),
          'ready',
          READY_PATIENCE,
        );
        if (first === 'qr') throw new Error('it asks for a QR');
      },
      READY_PATIENCE * 2,
    );
    if (isGood) {
      // At once: were the run cut off below, what has been connected since would be thrown away.
      await profile.settle(true);
      await this.#checkRestarted(browser, synced, sent);
    } else book.skip(AFTER_RESTART, 'it did not come up');
    await browser.kill();
    if (!isGood) await profile.settle(false);
  }

  async #checkRestarted(browser: CanaryBrowser, synced: boolean, sent: SentMessage | null): Promise<void> {
    const { book } = this.#parts;
    await book.check('sync_race', async () => {
      if (!synced)
        throw new Error('the page did not sync before the library was there, so it could not be tried');
      if (browser.readies.length !== 1) throw new Error(`it became ready ${browser.readies.length} times`);
    });
    if (sent === null) book.skip(['kept_history'], 'no text was sent');
    else await book.check('kept_history', () => requireKnown(browser, sent));
    await book.check(
      'authority',
      async () => {
        browser.fallSilent();
        await this.#left(browser);
      },
      AUTHORITY * 5,
    );
  }

  /** Resolves when the page has left WhatsApp. */
  async #left(browser: CanaryBrowser): Promise<void> {
    const { clock } = this.#parts;
    for (;;) {
      // While it leaves there is nothing to ask.
      const host = await browser.evaluate('location.hostname', 5000).catch(() => undefined);
      if (host !== undefined && host !== 'web.whatsapp.com') return;
      await clock.sleep(LOOK_PAUSE);
    }
  }

  async #logOut(): Promise<void> {
    const { book, profile } = this.#parts;
    const browser = this.#open(async () => undefined);
    let told = false;
    await book.check(
      'logout',
      async () => {
        await browser.client.start();
        await browser.until(() => browser.readies[0], 'ready', READY_PATIENCE);
        told = await browser.client.logout();
        if (!told) throw new Error('WhatsApp was not told');
        const again = this.#open(async () => undefined);
        await again.client.start();
        await again.until(() => again.qrs[0], 'a QR', READY_PATIENCE);
      },
      READY_PATIENCE * 2,
    );
    await this.#browser?.kill();
    if (told) await profile.forget();
  }

  async #look(evaluate: Evaluate): Promise<void> {
    const version = await evaluate(VERSION, CODE_PATIENCE * 2);
    if (typeof version !== 'string') return;
    this.#version = version;
    for (let look = 1; look <= LOOKS; look += 1) {
      this.#gaps = parseGaps(await evaluate(surfaceExpression(), CODE_PATIENCE));
      if (this.#gaps.length === 0) return;
      await this.#parts.clock.sleep(LOOK_PAUSE);
    }
  }

  async #lookAgain(browser: CanaryBrowser): Promise<void> {
    const gaps = await browser.evaluate(surfaceExpression()).then(parseGaps, () => null);
    this.#gaps = gaps ?? this.#gaps;
  }

  #open(look: LookFirst): CanaryBrowser {
    const { log, profile, settings, tell } = this.#parts;
    const told = { qr: (qr: string) => (this.#isLinking() ? tell({ kind: 'qr', qr }) : undefined) };
    this.#browser = new CanaryBrowser(settings, profile.dataPath, log, look, told);
    return this.#browser;
  }

  /** A QR that shows later is none to scan: it says that something was lost. */
  #isLinking(): boolean {
    return !this.#wasReady();
  }
}
