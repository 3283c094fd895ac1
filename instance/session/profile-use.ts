import { waitForGroupEnd } from '../whatsapp/process-tree.ts';

/** Whether a session's profile is in use by its browser: from before it is opened for a life until the browser has ended. */
export class ProfileUse {
  #lives = 0;
  #inUse = false;
  /** The process group of a browser that was not seen to end. */
  #left: number | undefined;

  /** Lives that began. */
  get lives(): number {
    return this.#lives;
  }

  /** Whether no browser has it open. */
  get isFree(): boolean {
    return !this.#inUse && this.#left === undefined;
  }

  begin(): void {
    this.#lives += 1;
    this.#inUse = true;
  }

  /** A life is over, with the browser it had. */
  async end(browser: number | undefined): Promise<void> {
    this.#left = browser !== undefined && !(await waitForGroupEnd(browser, 0)) ? browser : undefined;
    this.#inUse = false;
  }

  /** Whether its last browser is seen to end within so many milliseconds. */
  async hasEnded(patience: number): Promise<boolean> {
    return this.#left === undefined || (await waitForGroupEnd(this.#left, patience));
  }
}
