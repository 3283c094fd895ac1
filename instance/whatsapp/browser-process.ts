import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { withDeadline } from '../../common/clock.ts';
import { killGroup, waitForGroupEnd } from './process-tree.ts';
import type { HookedClient } from './whatsapp-web-js.ts';

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
    if (!browser || !child?.pid || this.#killed) {
      await this.end();
      return false;
    }
    let acknowledged = false;
    const close = browser.close().then(
      () => {
        acknowledged = true;
      },
      () => {},
    );
    const killed = new Promise<void>((resolve) => {
      this.#onKill = resolve;
    });
    await withDeadline(Promise.race([close, killed]), patience, () => new Error('late')).catch(() => {});
    if (acknowledged) await exitSeen(child, 2000);
    const clean = acknowledged && child.exitCode === 0;
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

/** Waits until Node has been told how a child ended, which may be a turn of the event loop after the system knows. */
async function exitSeen(child: ChildProcess, milliseconds: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await once(child, 'exit', { signal: AbortSignal.timeout(milliseconds) }).catch(() => {});
}
