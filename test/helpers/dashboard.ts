import type { Browser, ElementHandle, Page } from 'puppeteer-core';
import { eventually } from './eventually.ts';
import { ADMIN_KEY } from './router.ts';

/** A button of a text. */
export const button = (text: string) => `::-p-xpath(//button[normalize-space(.)="${text}"])`;

/** A link of a text. */
export const link = (text: string) => `::-p-xpath(//a[normalize-space(.)="${text}"])`;

/** A button of a text in the dialog that is open. */
export const inDialog = (text: string) => `::-p-xpath(//dialog[@open]//button[normalize-space(.)="${text}"])`;

/** A panel by its name. */
export const panel = (name: string) => `section[aria-labelledby="${name}-title"]`;

/** The dashboard in a browser context of its own: nothing stays in its storage. */
export class Dashboard {
  readonly page: Page;
  readonly #url: string;
  readonly #complaints: string[] = [];
  readonly #excused: RegExp[] = [];

  private constructor(page: Page, url: string) {
    this.page = page;
    this.#url = url;
    page.on('pageerror', (error) => this.#complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') this.#complaints.push(message.text());
    });
  }

  /** @param url the router's */
  static async open(browser: Browser, url: string, width = 1280): Promise<Dashboard> {
    const page = await (await browser.createBrowserContext()).newPage();
    await page.setViewport({ width, height: 900 });
    return new Dashboard(page, url);
  }

  /** Opens the page as the local fleet's printed address does, then a view of it. */
  async signIn(view = '', key = ADMIN_KEY): Promise<void> {
    await this.page.goto(`${this.#url}/#key=${key}`);
    await this.page.waitForSelector('.top');
    if (view !== '') await this.show(view);
  }

  /** Goes where an address leads: `sessions/7/sales?status=ready`. */
  async show(view: string): Promise<void> {
    await this.page.evaluate((hash) => {
      (globalThis as unknown as { location: { hash: string } }).location.hash = hash;
    }, `#/${view}`);
  }

  /** What the page complained of: errors of its own, and what its policy forbade; not what was excused. */
  get complaints(): string[] {
    return this.#complaints.filter((each) => !this.#excused.some((pattern) => pattern.test(each)));
  }

  /** Leaves out complaints that a test brings about, also those to come: the page goes on asking until it is closed. */
  excuse(pattern: RegExp): void {
    this.#excused.push(pattern);
  }

  textOf(selector: string): Promise<string> {
    return this.page
      .$eval(selector, (element) => (element as unknown as { textContent: string }).textContent)
      .catch(() => '');
  }

  async sees(selector: string, text: string): Promise<void> {
    await eventually(async () => (await this.textOf(selector)).includes(text), 60_000);
  }

  /** Waits until nothing of a selector is there. */
  async seesNo(selector: string): Promise<void> {
    await eventually(async () => (await this.page.$(selector)) === null, 60_000);
  }

  /** As a press of the mouse does: focus, then click; not at a place on the screen, since a dialog may be moving in still. */
  async press(selector: string): Promise<void> {
    const element = (await this.page.waitForSelector(selector, { timeout: 60_000 })) as ElementHandle;
    await element.evaluate((each) => {
      const pressed = each as unknown as { focus(): void; click(): void };
      pressed.focus();
      pressed.click();
    });
  }

  /** What the focused element is called. */
  async focused(): Promise<string> {
    return (await this.page.evaluate(
      `document.activeElement.getAttribute('aria-label') ?? document.activeElement.labels?.[0]?.innerText ?? document.activeElement.innerText`,
    )) as string;
  }

  async close(): Promise<void> {
    await this.page.browserContext().close();
  }

  /** Closes it. @throws Error where the page complained of what was not excused, neither before nor here */
  async closeClean(...excused: RegExp[]): Promise<void> {
    await this.close();
    for (const pattern of excused) this.excuse(pattern);
    if (this.complaints.length > 0) throw new Error(`the page complained: ${this.complaints.join('; ')}`);
  }
}
