import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Browser, Page } from 'puppeteer-core';
import { readLocalFleet } from '../../cli/local-fleet/record.ts';
import { eventually } from '../helpers/eventually.ts';
import { openBrowser } from '../helpers/web-page.ts';
import { WatchedFleet } from '../infra/dashboards/watched-fleet.ts';
import { bringToLife, startReceivers, talk } from './life.ts';

/*
 * `npm run screenshots [-- --output DIR]`: pictures of every view of the dashboard, by day and by night, on screens of several sizes, from a
 * fleet that runs for it, with sessions, messages, backups, a drain and a lost instance. To be looked at.
 */

const THEMES = ['light', 'dark'] as const;
const WIDTHS = [360, 1440] as const;
const HEIGHTS: Readonly<Record<number, number>> = { 360: 780, 1440: 900, 2560: 1300 };

/** A picture: where it is, what shows that it is there, and what is pressed one after the other before it is taken. */
interface Picture {
  name: string;
  where: string;
  shows: string;
  presses?: string[];
}

const inDialog = (text: string) => `::-p-xpath(//dialog[@open]//button[normalize-space(.)="${text}"])`;

const PICTURES: readonly Picture[] = [
  { name: 'fleet', where: 'fleet', shows: '.tiles' },
  { name: 'instance', where: 'fleet/instance-2', shows: 'section[aria-labelledby=workspaces-title] tbody' },
  { name: 'sessions', where: 'sessions', shows: 'tbody' },
  { name: 'sessions-none', where: 'sessions?q=nobody', shows: '.empty' },
  { name: 'session', where: 'sessions/3/sales', shows: 'dialog .actions' },
  { name: 'queues', where: 'queues', shows: 'tbody' },
  { name: 'webhooks', where: 'webhooks', shows: 'tbody' },
  { name: 'backups', where: 'backups', shows: 'tbody' },
  { name: 'restore', where: 'backups', shows: 'tbody', presses: ['.panel-actions .button-primary'] },
  {
    name: 'restore-plan',
    where: 'backups',
    shows: 'tbody',
    presses: [
      '.panel-actions .button-primary',
      '::-p-xpath(//dialog//label[normalize-space(.)="Everything"]/input)',
      inDialog('Show what would change'),
      'dialog .warnings',
    ],
  },
  { name: 'events', where: 'events', shows: 'main ol' },
  { name: 'drain', where: 'fleet', shows: '.tiles', presses: ['[aria-label="Drain instance-2"]', 'dialog'] },
  {
    name: 'move',
    where: 'fleet/instance-2',
    shows: 'section[aria-labelledby=workspaces-title] tbody',
    presses: ['section[aria-labelledby=workspaces-title] tbody .button', 'dialog'],
  },
];

const { values } = parseArgs({ options: { output: { type: 'string', default: '.wharf/screenshots' } } });
const output = resolve(values.output);
const data = await mkdtemp(join(tmpdir(), 'wharf-screenshots-'));
const receivers = await startReceivers();
const { browser, close } = await openBrowser();
let fleet: WatchedFleet | undefined;
try {
  await mkdir(output, { recursive: true });
  console.log('A fleet is started, and its sessions are linked …');
  fleet = await WatchedFleet.start(data, 3);
  const key = (await readLocalFleet(data))?.api_key ?? '';
  await picturesOfLogin(browser, fleet.url);
  await bringToLife(fleet, receivers);
  for (const theme of THEMES) for (const width of WIDTHS) await take(browser, fleet, key, theme, width);
  await take(browser, fleet, key, 'light', 2560, ['fleet', 'sessions']);
  await fleet.ask('POST', '/api/fleet/instances/instance-2/drain');
  await take(browser, fleet, key, 'light', 1440, ['fleet'], '-draining');
  await fleet.ask('DELETE', '/api/fleet/instances/instance-2/drain');
  for (const pid of await fleet.processesOf('instance-1')) process.kill(pid, 'SIGKILL');
  await eventually(async () => {
    const { text } = (await fleet?.ask('GET', '/api/fleet')) ?? { text: '' };
    return /"verdict":"dead"|"status":"gone"/.test(text);
  }, 120_000);
  await take(browser, fleet, key, 'dark', 1440, ['fleet'], '-lost');
} finally {
  await fleet?.end();
  await close();
  receivers.closeAllConnections();
  receivers.close();
  await rm(data, { recursive: true, force: true });
}
console.log(`The pictures are in ${output}`);

async function picturesOfLogin(from: Browser, url: string): Promise<void> {
  for (const theme of THEMES) {
    const page = await openPage(from, theme, 1440);
    await page.goto(url);
    await page.waitForSelector('.login');
    await page.screenshot({ path: join(output, `login-${theme}-1440.png`) });
    await page.browserContext().close();
  }
}

async function openPage(from: Browser, theme: (typeof THEMES)[number], width: number): Promise<Page> {
  const page = await (await from.createBrowserContext()).newPage();
  await page.setViewport({ width, height: HEIGHTS[width] ?? 900 });
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }]);
  return page;
}

/** Takes all pictures, or those named. */
async function take(
  from: Browser,
  of: WatchedFleet,
  key: string,
  theme: (typeof THEMES)[number],
  width: number,
  names?: readonly string[],
  suffix = '',
): Promise<void> {
  for (const picture of PICTURES.filter(({ name }) => names === undefined || names.includes(name))) {
    const page = await openPage(from, theme, width);
    await page.goto(`${of.url}/#key=${key}`);
    await page.waitForSelector('.shell');
    await page.evaluate((hash) => {
      (globalThis as unknown as { location: { hash: string } }).location.hash = hash;
    }, `#/${picture.where}`);
    // What is shown live needs something that happens.
    if (picture.name === 'events') {
      await page.waitForSelector('.summary .live-on');
      await talk(of);
    }
    await page.waitForSelector(picture.shows, { timeout: 60_000 });
    for (const selector of picture.presses ?? []) {
      const element = await page.waitForSelector(selector, { timeout: 60_000 });
      await element?.evaluate((each) => (each as unknown as { click(): void }).click());
    }
    await page.evaluate('Promise.all(document.getAnimations().map((each) => each.finished.catch(() => {})))');
    const hasDialog = (await page.$('dialog[open]')) !== null;
    const name = `${picture.name}${suffix}-${theme}-${width}.png`;
    await page.screenshot({ path: join(output, name), fullPage: !hasDialog && width !== 360 });
    await page.browserContext().close();
    console.log(`  ${name}`);
  }
}
