import type { Clock } from '../../common/clock.ts';
import { messageOf, WharfError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type {
  ClientAuthority,
  ClientFactory,
  Happening,
  LinkedAccount,
  LossReason,
  WhatsAppClient,
} from '../whatsapp/client.ts';

/** How a life of a session's browser ended. */
export type Ending =
  /** It was asked to. `clean`: the browser closed by itself, its files are whole. */
  | { kind: 'stopped'; clean: boolean }
  | { kind: 'lost'; reason: LossReason; detail: string; wasReady: boolean }
  /** The device is no longer linked: the phone removed it. */
  | { kind: 'logged_out'; detail: string }
  /** The account was linked, and the page asks for a QR all the same: the device was removed unseen, or the profile is lost. */
  | { kind: 'link_lost'; detail: string }
  /** Nobody scanned in time. */
  | { kind: 'not_linked'; detail: string; clean: boolean };

/** What a life tells on its way; the same words as a session's states. */
export interface LifeEvents {
  qr(code: string): void;
  authenticated(): void;
  ready(account: LinkedAccount): void;
  happened(happening: Happening): void;
  corrupted(detail: string): void;
}

/** How long a life waits for what, milliseconds. */
export interface LifeTimeouts {
  /** Between two looks whether the page answers. */
  health: number;
  /** From the page's load, or from the link, to ready. */
  ready: number;
  /** For somebody to scan. */
  qr: number;
}

/** What a life is made of. */
export interface LifeOptions {
  workspace: string;
  session: string;
  dataPath: string;
  proxy: string | null;
  /** True when the account was linked before: then a QR means that the link is lost. */
  linked: boolean;
  authority: ClientAuthority;
  clients: ClientFactory;
  events: LifeEvents;
  timeouts: LifeTimeouts;
  clock: Clock;
  log: Logger;
}

/** Two round trips that fail one after the other end a life; one alone may be a busy machine. */
const FAILED_PINGS = 2;

const SILENT: ReadonlySet<LossReason> = new Set([
  'browser_gone',
  'page_crashed',
  'no_answer',
  'start_failed',
]);

/**
 * One life of a session's browser: started, watched, and ended, whatever ends it. Runs once.
 * It decides nothing of what comes after; see `session-round.ts`.
 */
export class SessionLife {
  readonly client: WhatsAppClient;
  readonly #options: LifeOptions;
  readonly #ended: Promise<Ending>;
  #resolve: (ending: Ending) => void = () => {};
  #over = false;
  #stage: 'starting' | 'linking' | 'syncing' | 'ready' = 'starting';
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LifeOptions) {
    this.#options = options;
    this.#ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    const { events } = options;
    this.client = options.clients({
      workspace: options.workspace,
      session: options.session,
      dataPath: options.dataPath,
      proxy: options.proxy,
      authority: options.authority,
      events: {
        qr: this.#whileItLasts((code) => this.#onQr(code)),
        authenticated: this.#whileItLasts(() => {
          this.#stage = 'syncing';
          this.#expectReady();
          events.authenticated();
        }),
        ready: this.#whileItLasts((account) => {
          this.#stage = 'ready';
          clearTimeout(this.#timer);
          events.ready(account);
        }),
        happened: (happening) => events.happened(happening),
        corrupted: (detail) => events.corrupted(detail),
        lost: (reason, detail) => this.#lose(reason, detail),
        loggedOut: () => this.#settle({ kind: 'logged_out', detail: 'the device was removed on the phone' }),
      },
    });
  }

  /**
   * Runs the browser until it is lost, logged out, or `signal` is aborted, and ends it.
   *
   * @param started is called when the page has been looked at, or has failed: another browser may start
   */
  async run(signal: AbortSignal, started: () => void): Promise<Ending> {
    const onAbort = () => this.#settle({ kind: 'stopped', clean: false });
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    const watch = new AbortController();
    try {
      this.#expectReady();
      this.client.start().then(
        () => {
          started();
          return this.#watch(watch.signal);
        },
        (error: unknown) => this.#lose('start_failed', messageOf(error)),
      );
      const ending = await this.#ended;
      return await this.#finish(ending);
    } finally {
      clearTimeout(this.#timer);
      watch.abort();
      started();
      signal.removeEventListener('abort', onAbort);
    }
  }

  async #finish(ending: Ending): Promise<Ending> {
    // A browser that fell silent would not close either; what it had stored is repaired at the next start.
    if (ending.kind === 'lost' && SILENT.has(ending.reason)) {
      await this.client.kill();
      return ending;
    }
    const clean = await this.client.stop();
    return ending.kind === 'stopped' || ending.kind === 'not_linked' ? { ...ending, clean } : ending;
  }

  /** What a client says of itself after its life has ended belongs to no state any more. */
  #whileItLasts<Given extends unknown[]>(handle: (...given: Given) => void): (...given: Given) => void {
    return (...given) => {
      if (!this.#over) handle(...given);
    };
  }

  #settle(ending: Ending): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#resolve(ending);
  }

  #onQr(code: string): void {
    if (this.#options.linked) {
      this.#settle({ kind: 'link_lost', detail: 'the account was linked, and came up asking for a QR' });
      return;
    }
    if (this.#stage !== 'linking') {
      this.#stage = 'linking';
      const { qr } = this.#options.timeouts;
      const minutes = Math.round(qr / 60_000);
      this.#wait(qr, () =>
        this.#settle({
          kind: 'not_linked',
          clean: false,
          detail: `nobody linked the account in ${minutes} minutes; start it again when somebody can`,
        }),
      );
    }
    this.#options.events.qr(code);
  }

  #expectReady(): void {
    const { ready } = this.#options.timeouts;
    this.#wait(ready, () => this.#lose('ready_timeout', `not ready after ${ready} ms`));
  }

  #wait(milliseconds: number, then: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, milliseconds);
  }

  #lose(reason: LossReason, detail: string): void {
    this.#settle({ kind: 'lost', reason, detail, wasReady: this.#stage === 'ready' });
  }

  /** Round trips into the page, for as long as it lives: CONNECTED is no proof of life (facts file, 5). */
  async #watch(signal: AbortSignal): Promise<void> {
    let failed = 0;
    while (!signal.aborted) {
      try {
        await this.#options.clock.sleep(failed === 0 ? this.#options.timeouts.health : 1000, signal);
      } catch {
        return;
      }
      try {
        await this.client.ping();
        failed = 0;
      } catch (error) {
        failed += 1;
        if (failed >= FAILED_PINGS) {
          this.#lose(
            'no_answer',
            error instanceof WharfError ? error.message : `the page does not answer (${messageOf(error)})`,
          );
          return;
        }
      }
    }
  }
}
