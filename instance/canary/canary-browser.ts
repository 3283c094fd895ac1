import { withDeadline } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import type { BrowserSettings, Happening, LinkedAccount, WhatsAppClient } from '../whatsapp/client.ts';
import { type LookFirst, whatsappWebJsClients } from '../whatsapp/page-client.ts';
import type { Evaluate } from '../whatsapp/page-media.ts';
import { CANARY_CLIENT } from './canary-profile.ts';

/** How long the page may go on without a word from here, and how often it is told, milliseconds. */
export const AUTHORITY = 12_000;
const FEED = 2000;

/** One life of the canary's browser, and what it told. */
export class CanaryBrowser {
  readonly client: WhatsAppClient;
  readonly qrs: string[] = [];
  readonly readies: LinkedAccount[] = [];
  readonly happened: Happening[] = [];
  authenticated = false;
  /** Why it ended by itself. */
  lost: string | null = null;
  #evaluate: Evaluate | undefined;
  #watchers: (() => void)[] = [];
  #until = 0;
  readonly #feeding: NodeJS.Timeout;

  /**
   * @param dataPath LocalAuth's
   * @param look done in each document of WhatsApp's before the library puts itself in
   */
  constructor(
    settings: BrowserSettings,
    dataPath: string,
    log: Logger,
    look: LookFirst,
    told: { qr: (code: string) => void },
  ) {
    const lookFirst: LookFirst = async (evaluate) => {
      this.#evaluate = evaluate;
      if ((await evaluate('location.hostname', settings.timeouts.read)) === 'web.whatsapp.com')
        await look(evaluate);
    };
    const change = (work: () => void) => {
      work();
      for (const watcher of this.#watchers) watcher();
    };
    this.client = whatsappWebJsClients(
      settings,
      log,
      lookFirst,
    )({
      workspace: 'canary',
      session: CANARY_CLIENT,
      dataPath,
      proxy: null,
      authority: { left: () => this.#until - performance.now(), require: () => undefined },
      events: {
        qr: (code) =>
          change(() => {
            this.qrs.push(code);
            told.qr(code);
          }),
        authenticated: () => change(() => (this.authenticated = true)),
        ready: (account) => change(() => this.readies.push(account)),
        happened: (happening) => change(() => this.happened.push(happening)),
        corrupted: () => undefined,
        lost: (reason, detail) => change(() => (this.lost = `${reason}: ${detail}`)),
        loggedOut: () => change(() => (this.lost = 'the device was removed')),
      },
    });
    this.#feeding = setInterval(() => this.#feed(), FEED);
    this.#feed();
  }

  /** Evaluates in the page. Throws where there is none yet. */
  async evaluate(expression: string, milliseconds = 20_000): Promise<unknown> {
    if (!this.#evaluate) throw new Error('there is no page yet');
    return await this.#evaluate(expression, milliseconds);
  }

  /** The page is told of its authority no more. */
  fallSilent(): void {
    clearInterval(this.#feeding);
  }

  /**
   * Resolves with what `look` finds, once it finds something: it looks after everything the page tells.
   *
   * @throws Error where the browser is lost first, or after so many milliseconds
   */
  async until<T>(look: () => T | undefined | false, what: string, milliseconds: number): Promise<T> {
    let watcher = () => {};
    const found = new Promise<T>((resolve, reject) => {
      watcher = () => {
        const value = look();
        if (value !== undefined && value !== false) resolve(value);
        else if (this.lost !== null) reject(new Error(`${what} did not come: ${this.lost}`));
      };
      this.#watchers.push(watcher);
      watcher();
    });
    try {
      const late = () => new Error(`${what} did not come in ${Math.round(milliseconds / 1000)} s`);
      return await withDeadline(found, milliseconds, late);
    } finally {
      this.#watchers = this.#watchers.filter((one) => one !== watcher);
    }
  }

  /** Closes the browser; true when it ended by itself. */
  async stop(): Promise<boolean> {
    clearInterval(this.#feeding);
    return await this.client.stop();
  }

  /** Ends the browser at once. */
  async kill(): Promise<void> {
    clearInterval(this.#feeding);
    await this.client.kill();
  }

  #feed(): void {
    this.#until = performance.now() + AUTHORITY;
    this.client.feed();
  }
}
