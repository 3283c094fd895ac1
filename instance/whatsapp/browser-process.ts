import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { withDeadline } from '../../common/clock.ts';
import { killGroup, waitForGroupEnd } from './process-tree.ts';
import type { HookedClient } from './whatsapp-web-js.ts';

/** Milliseconds that a browser's pages may take to close; one that hangs is ended with its browser. */
const PAGES_PATIENCE = 2000;

/** The process group of one client's browser, from before it is there until it was seen to end. */
export class BrowserProcess {
  readonly #client: HookedClient;
  #pid: number | undefined;
  #killed = false;
  #onPid: () => void = () => {};
  #onKill: () => void = () => {};
  /** Settles when the browser's pid is known, or there will be none. */
  #launching: Promise<void> | undefined;

  constructor(client: HookedClient) {
    this.#client = client;
  }

  get pid(): number | undefined {
    return this.#pid;
  }

  /** It is about to be launched. @param initialized settles when the library has done with that, well or not */
  begin(initialized: Promise<void>): void {
    const launched = new Promise<void>((resolve) => {
      this.#onPid = resolve;
    });
    this.#launching = Promise.race([launched, initialized]);
    this.#launching.catch(() => {});
  }

  /** It runs. */
  launched(): ChildProcess | null {
    const child = this.#client.pupBrowser?.process() ?? null;
    this.#pid = child?.pid ?? undefined;
    this.#onPid();
    return child;
  }

  /**
   * Asks the browser to close, and ends its group where it does not in time.
   *
   * @returns whether it ended by itself, with its profile whole
   */
  async close(patience: number): Promise<boolean> {
    const browser = this.#client.pupBrowser;
    const child = browser?.process();
    if (!browser || !child?.pid || this.#killed || hasExited(child)) {
      await this.end();
      return false;
    }
    const killed = new Promise<void>((resolve) => {
      this.#onKill = resolve;
    });
    const ended = askToClose(browser, child);
    await withDeadline(Promise.race([ended, killed]), patience, () => new Error('late')).catch(() => {});
    const clean = !this.#killed && child.exitCode === 0;
    await this.end();
    return clean;
  }

  /** Ends the group, also where it is being asked to close. */
  async kill(): Promise<void> {
    this.#killed = true;
    this.#onKill();
    await this.end();
  }

  /** Ends the whole process group and waits until it has ended, also when it is only about to begin. */
  async end(): Promise<void> {
    if (this.#pid === undefined) await this.#launching?.catch(() => {});
    if (this.#pid === undefined) return;
    killGroup(this.#pid);
    await waitForGroupEnd(this.#pid, 5000);
  }

  /** Sends the signal to a browser that came too late, and waits for nothing. */
  killLate(): void {
    if (this.#pid !== undefined) killGroup(this.#pid);
  }
}

/**
 * Asks a browser to close and waits until it has ended. Its pages are closed first: of 125 browsers that were asked with their page open 17 crashed while they ended
 * (SIGTRAP, `npm run bench:stops`), which makes a clean stop look like a crash; of 125 whose page was closed before, none. And it is asked over a session of ours: puppeteer's own
 * `close()` kills a browser that ends before its answer was read.
 *
 * @throws what puppeteer says where it could not be asked
 */
async function askToClose(
  browser: NonNullable<HookedClient['pupBrowser']>,
  child: ChildProcess,
): Promise<void> {
  const exited = once(child, 'exit');
  await withDeadline(closePages(browser), PAGES_PATIENCE, () => new Error('late')).catch(() => {});
  const devtools = await browser.target().createCDPSession();
  devtools.send('Browser.close').catch(() => {});
  await exited;
}

async function closePages(browser: NonNullable<HookedClient['pupBrowser']>): Promise<void> {
  const pages = await browser.pages();
  await Promise.all(pages.map((page) => page.close()));
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
