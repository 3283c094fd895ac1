import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { feedExpression, parseFed } from './dead-mans-timer.ts';
import type { HookedClient } from './whatsapp-web-js.ts';

type Page = NonNullable<HookedClient['pupPage']>;
type DevTools = Awaited<ReturnType<Page['createCDPSession']>>;

/**
 * Feeds the dead man's timer of a page (`dead-mans-timer.ts`) at each proof of authority, and each new document as it comes.
 *
 * The page's clock counts from the beginning of its document, and runs as this process's monotonic clock does. A document's beginning is
 * reckoned from its answers: it lies before the moment an answer came by at least what the document's clock showed. So it is taken to be later than
 * it was, if anything, and the page stops a little too soon, never too late.
 */
export class PageAuthority {
  readonly #left: () => number;
  readonly #log: Logger;
  #devtools: DevTools | undefined;
  #document = '';
  /** When the document began, on this process's clock, as far as is known. */
  #began = Number.POSITIVE_INFINITY;
  #asking = false;
  #again = false;

  /** @param left milliseconds that remain of the authority */
  constructor(left: () => number, log: Logger) {
    this.#left = left;
    this.#log = log;
  }

  /** Begins, with a page that has not been loaded yet. */
  attach(page: Page): void {
    page.on('framenavigated', (frame) => {
      if (frame === page.mainFrame()) this.feed();
    });
    page.createCDPSession().then(
      (devtools) => {
        this.#devtools = devtools;
        this.feed();
      },
      (error: unknown) => this.#log.debug({ reason: messageOf(error) }, 'the page cannot be fed'),
    );
  }

  /** Tells the page until when the authority holds now. One question at a time: a page that does not answer is not asked on and on. */
  feed(): void {
    if (this.#asking || !this.#devtools) {
      this.#again = true;
      return;
    }
    this.#asking = true;
    this.#again = false;
    const until = performance.now() + this.#left() - this.#began;
    const expression = feedExpression(this.#document, Math.floor(until));
    this.#devtools
      .send('Runtime.evaluate', { expression, returnByValue: true, silent: true })
      .then(
        ({ result }) => this.#answered(result.value),
        // The page loads itself anew, or its browser is gone.
        () => {},
      )
      .finally(() => {
        this.#asking = false;
        if (this.#again) this.feed();
      });
  }

  #answered(answer: unknown): void {
    const fed = parseFed(answer);
    if (!fed) return;
    const began = performance.now() - fed.clock;
    if (fed.document === this.#document) {
      this.#began = Math.min(this.#began, began);
    } else {
      this.#document = fed.document;
      this.#began = began;
      this.#again = true;
    }
  }
}
