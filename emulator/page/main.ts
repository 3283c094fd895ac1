import type { PageBoot } from '../protocol/boot.ts';
import { createPage } from './context.ts';
import { loadRegistration } from './link/registration.ts';
import { openDatabase } from './storage/database.ts';
import { render } from './ui/view.ts';

declare global {
  interface Window {
    /** Written into index.html by the server. */
    wharfEmulatorBoot?: PageBoot;
    /** The library takes it for the sign that the page has loaded. */
    Debug: { VERSION: string };
  }
}

async function main(root: HTMLElement): Promise<void> {
  const boot = window.wharfEmulatorBoot;
  if (!boot) throw new Error('the server has not written window.wharfEmulatorBoot into index.html');
  const database = await openDatabase();
  const registration = await loadRegistration(database);
  const page = createPage(boot, database, registration, (view) => render(root, view));
  Object.assign(window, { require: (name: string) => page.registry.require(name) });
  window.Debug = { VERSION: boot.version };
  await page.start();
}

const root = document.getElementById('app') ?? document.body;
main(root).catch((error: unknown) => {
  console.error('the page could not start', error);
  root.textContent = `The page could not start: ${String(error)}`;
});
