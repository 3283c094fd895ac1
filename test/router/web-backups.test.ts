import { rm } from 'node:fs/promises';
import type { Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aBackup, aBackupList, anOperation } from '../helpers/backup-values.ts';
import { eventually } from '../helpers/eventually.ts';
import { FakeBackupService } from '../helpers/fake-backup-service.ts';
import { ADMIN_KEY, startFleet, type TestFleet } from '../helpers/router.ts';
import { buildWebPage, openBrowser } from '../helpers/web-page.ts';

let fleet: TestFleet;
let service: FakeBackupService;
let page: Page;
let url: string;
let directory: string;
let closeBrowser: () => Promise<void>;

beforeAll(async () => {
  [fleet, directory] = await Promise.all([startFleet(), buildWebPage()]);
  service = await new FakeBackupService(fleet.redis.url, fleet.token).start();
  await fleet.addInstance('instance-1');
  const opened = await openBrowser();
  closeBrowser = opened.close;
  page = await opened.browser.newPage();
  await page.setViewport({ width: 1280, height: 900 });
  url = (await fleet.addRouter({}, { webDirectory: directory })).server.url;
});
afterAll(async () => {
  await closeBrowser?.();
  await service?.stop();
  await fleet?.close();
  await rm(directory, { recursive: true, force: true });
});

const PANEL = 'section[aria-labelledby="backups-title"]';

/** What the panel shows, when it shows this. */
async function panelWith(text: string): Promise<string> {
  return await eventually(async () => {
    const shown = await page
      .evaluate(`document.querySelector('${PANEL}').innerText`)
      .then(String)
      .catch(() => '');
    return shown.includes(text) && shown;
  });
}

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000 - 5000).toISOString();
/** Opens the page anew: it looks at backups every quarter of a minute only. */
async function open(key = ADMIN_KEY): Promise<void> {
  await page.goto('about:blank');
  await page.goto(`${url}/#key=${key}`);
}

const backups = [
  aBackup({ finished_at: minutesAgo(12) }),
  aBackup({ id: '20261122T080003Z', finished_at: minutesAgo(72), state: 'partial', carried: 2, missed: 1 }),
  aBackup({ id: '20261122T070003Z', finished_at: minutesAgo(132), state: 'damaged', kept_as: ['damaged'] }),
  aBackup({ id: '20261122T060003Z', finished_at: minutesAgo(192) }),
];
const next_run = new Date(Date.now() + 48 * 60_000).toISOString();

describe('backups on the page', () => {
  it('are shown with their age, their size, what they lack, and when the next is made', async () => {
    service.answer('list', { body: aBackupList({ backups, next_run, last_success: minutesAgo(12) }) });
    service.answer('operations', { body: { operations: [] } });
    await open();
    const shown = await panelWith('12 min ago');
    expect(shown).toMatch(/Last 12 min ago, next in 4[78] min; 4 kept/);
    expect(shown).toMatch(/20261122T090003Z\s+Complete\s+25\s+2\.5 GB\s+34 MB/);
    expect(shown).toMatch(/Partial\s+2 as they were before\s+1 missing/);
    expect(shown).toContain('1 of 4 cannot be read');
    expect(shown).not.toContain('20261122T060003Z');
  });

  it('are shown while one is made, and again when it is made', async () => {
    const running = anOperation({ done: 12 });
    service.answer(
      'list',
      { body: aBackupList({ backups, running }) },
      { body: aBackupList({ backups, last_success: minutesAgo(0) }) },
    );
    await open();
    await panelWith('Backing up sessions: 12 of 25');
    expect(await page.$eval(`${PANEL} progress`, (bar) => bar.getAttribute('aria-label'))).toBe(
      'How far the run has come',
    );
    await panelWith('Last ');
  });

  it('say why the last run failed, and how the first one is made', async () => {
    service.answer('list', { body: aBackupList({ last_success: null }) });
    await open();
    expect(await panelWith('There is none yet')).toContain('wharf backup run');
    const failed = anOperation({
      state: 'failed',
      error: 'The bucket refuses (403).',
      ended_at: minutesAgo(3),
    });
    service.answer('operations', { body: { operations: [anOperation({ kind: 'verify' }), failed] } });
    await open();
    await panelWith('The last run failed 3 min ago: The bucket refuses (403).');
  });

  it('say that no service runs, and are no matter of a workspace key', async () => {
    await service.release();
    await open();
    await panelWith('No backup service runs');
    const made = await fleet.ask('POST', '/api/fleet/keys', { body: { workspace_id: 7 } });
    await open(made.json.key);
    await page.waitForSelector('section[aria-labelledby="sessions-title"]');
    await eventually(async () => (await page.$('section[aria-labelledby="queues-title"]')) !== null);
    expect(await page.$(PANEL)).toBeNull();
    await service.hold();
  });
});
