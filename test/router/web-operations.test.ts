import { rm } from 'node:fs/promises';
import type { Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { KeptInstance } from '../helpers/kept-instance.ts';
import { ADMIN_KEY, startFleet, type TestFleet } from '../helpers/router.ts';
import { buildWebPage, openBrowser } from '../helpers/web-page.ts';

const WORKSPACES = Array.from({ length: 12 }, (_, index) => String(2 + 2 * index));

let fleet: TestFleet;
let instances: KeptInstance[];
let page: Page;
let url: string;
let directory: string;
let closeBrowser: () => Promise<void>;

beforeAll(async () => {
  [fleet, directory] = await Promise.all([startFleet(), buildWebPage()]);
  const { coordination } = fleet;
  const storage = new Map(WORKSPACES.map((workspace) => [workspace, ['main']]));
  // Slow enough for a page that looks every two seconds to see moves under way.
  const parts = { fleet, coordination, storage, closeTime: 2500 };
  instances = await Promise.all(
    ['instance-1', 'instance-2'].map((id) => new KeptInstance({ id, ...parts }).start()),
  );
  for (const workspace of WORKSPACES) await instances[0]?.claim(workspace);
  const opened = await openBrowser();
  closeBrowser = opened.close;
  page = await opened.browser.newPage();
  await page.setViewport({ width: 1280, height: 900 });
  url = (await fleet.addRouter({}, { webDirectory: directory })).server.url;
  await page.goto(`${url}/#key=${ADMIN_KEY}`);
});
afterAll(async () => {
  await closeBrowser?.();
  await Promise.all((instances ?? []).map((instance) => instance.stop()));
  await fleet?.close();
  await rm(directory, { recursive: true, force: true });
});

const sees = (selector: string, text: string) =>
  eventually(async () => {
    const shown = await page
      .$eval(selector, (element) => (element as unknown as { textContent: string }).textContent)
      .catch(() => '');
    return shown.includes(text);
  });

async function press(selector: string): Promise<void> {
  const element = await page.waitForSelector(selector);
  await element?.evaluate((each) => (each as unknown as { click(): void }).click());
}

const inDialog = (text: string) => `::-p-xpath(//dialog[@open]//button[normalize-space(.)="${text}"])`;
const panel = (name: string) => `section[aria-labelledby="${name}-title"]`;

describe('the fleet on the page', () => {
  it('is drained after a yes, with its moves and its story shown, and the drain taken back', async () => {
    await press('[aria-label="Drain instance-1"]');
    await sees('dialog[open]', 'Drain instance-1?');
    expect(await page.evaluate('document.activeElement.innerText')).toBe('Cancel');
    await press(inDialog('Drain'));
    await sees('[role=status].toast-place', 'instance-1 is being drained');
    await sees(panel('moves'), 'of 12 moved');
    await sees(panel('moves'), 'Closing');

    await sees(panel('instances'), 'Draining');
    await eventually(() => instances[0]?.workspaces.length === 0);
    await eventually(async () => (await page.$(panel('moves'))) === null);
    await sees(panel('story'), 'moved away from instance-1');

    await press('[aria-label="Take back the drain of instance-1"]');
    await press(inDialog('Take back'));
    await page.waitForSelector('[aria-label="Drain instance-1"]');
  });

  it('shows in the words of the router what is refused', async () => {
    await fleet.ask('POST', '/api/fleet/instances/instance-2/drain');
    await page.waitForSelector('[aria-label="Take back the drain of instance-2"]');
    await press('[aria-label="Drain instance-1"]');
    await press(inDialog('Drain'));
    await sees('dialog[open] [role=alert]', 'last instance');
    await press(inDialog('Cancel'));
    await fleet.ask('DELETE', '/api/fleet/instances/instance-2/drain');
  });
});
