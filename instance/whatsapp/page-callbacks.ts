import { messageOf } from '../../common/errors.ts';
import type { HookedClient } from './whatsapp-web-js.ts';

type Page = NonNullable<HookedClient['pupPage']>;

/** What a page may call in this process, by name. It gives text. */
export type PageCallbacks = Record<string, (first: string, second: string) => unknown>;

/** Lets a page call functions of this process, in this and in later documents. May be done again after a navigation. */
export async function exposeCallbacks(page: Page, callbacks: PageCallbacks): Promise<void> {
  for (const [name, callback] of Object.entries(callbacks)) {
    const exposed = (first: unknown, second: unknown) => callback(String(first), String(second));
    await page.exposeFunction(name, exposed).catch((error: unknown) => {
      if (!/already exists/.test(messageOf(error))) throw error;
    });
  }
}
