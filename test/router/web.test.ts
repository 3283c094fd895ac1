import { rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import type { Browser, Page } from 'puppeteer-core';
import QRCode from 'qrcode';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { aBackupList } from '../helpers/backup-values.ts';
import { eventually } from '../helpers/eventually.ts';
import { FakeBackupService } from '../helpers/fake-backup-service.ts';
import type { FakeInstance } from '../helpers/fake-instance.ts';
import { ADMIN_KEY, startFleet, type TestFleet } from '../helpers/router.ts';
import { buildWebPage, openBrowser } from '../helpers/web-page.ts';

let fleet: TestFleet;
let instance: FakeInstance;
let service: FakeBackupService;
let url: string;
let browser: Browser;
let closeBrowser: () => Promise<void>;
let directory: string;
let page: Page;
/** What the page complained of: errors of its own, and what its policy forbade. */
let complaints: string[];
/** The code an instance shows, or null for none. */
let shownCode: string | null = null;

beforeAll(async () => {
  [fleet, directory] = await Promise.all([startFleet(), buildWebPage()]);
  instance = await fleet.addInstance('instance-1', { capacity: 50 });
  service = await new FakeBackupService(fleet.redis.url, fleet.token).start();
  service.answer('list', { body: aBackupList() });
  service.answer('operations', { body: { operations: [] } });
  instance.intercept = async (request, response) => {
    if (!request.url?.includes('/qr')) return false;
    if (shownCode === null) refuse(response);
    else {
      const image = await QRCode.toDataURL(shownCode);
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ qr: shownCode, expires_at: new Date().toISOString(), image }));
    }
    return true;
  };
  const router = await fleet.addRouter({}, { webDirectory: directory });
  url = router.server.url;
  ({ browser, close: closeBrowser } = await openBrowser());
});
afterAll(async () => {
  await closeBrowser?.();
  await service?.stop();
  await fleet?.close();
  await rm(directory, { recursive: true, force: true });
});

beforeEach(async () => {
  shownCode = null;
  complaints = [];
  // A context of its own: nothing stays in its storage.
  const context = await browser.createBrowserContext();
  page = await context.newPage();
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of (401|409)/.test(message.text()))
      complaints.push(message.text());
  });
});
afterEach(async () => {
  await page.browserContext().close();
  expect(complaints).toEqual([]);
});

function refuse(response: ServerResponse): void {
  const problem = {
    type: 'x',
    title: 'x',
    status: 409,
    detail: 'no QR',
    code: 'not_awaiting_qr',
    request_id: 'r',
  };
  response.writeHead(409, { 'Content-Type': 'application/problem+json' });
  response.end(JSON.stringify(problem));
}

/** Opens the page as the local fleet's printed address does. */
async function signIn(key: string = ADMIN_KEY): Promise<void> {
  await page.goto(`${url}/#key=${key}`);
  await page.waitForSelector('.top');
}

async function createSession(
  workspace: string,
  session: string,
  status: 'qr' | 'ready' | 'stopped' = 'ready',
) {
  await fleet.ask('POST', '/api/whatsapp/sessions', {
    body: { workspace_id: workspace, session_id: session },
  });
  await instance.setStatus(workspace, session, status);
}

const button = (text: string) => `::-p-xpath(//button[normalize-space(.)="${text}"])`;
const inDialog = (text: string) => `::-p-xpath(//dialog[@open]//button[normalize-space(.)="${text}"])`;

async function click(selector: string): Promise<void> {
  const element = await page.waitForSelector(selector);
  // As a press of the mouse does: focus, then click; not at a place on the screen, since the dialog may be moving in still.
  await element?.evaluate((each) => {
    const pressed = each as unknown as { focus(): void; click(): void };
    pressed.focus();
    pressed.click();
  });
}

const textOf = (selector: string) =>
  page
    .$eval(selector, (element) => (element as unknown as { textContent: string }).textContent)
    .catch(() => '');
const sees = (selector: string, text: string) =>
  eventually(async () => (await textOf(selector)).includes(text));
const focused = () =>
  page.evaluate(
    `document.activeElement.labels?.[0]?.innerText ?? document.activeElement.innerText`,
  ) as Promise<string>;

describe('signing in', () => {
  it('asks for a key, refuses a wrong one, and takes a right one', async () => {
    await page.goto(url);
    await page.waitForSelector('.login');
    expect(await focused()).toBe('API key');
    await page.keyboard.type('wrong');
    await page.keyboard.press('Enter');
    await sees('[role=alert]', 'does not know this key');
    await page.$eval('input', (input) => {
      (input as unknown as { select(): void }).select();
    });
    await page.keyboard.type(ADMIN_KEY);
    await page.keyboard.press('Enter');
    await sees('main', 'instance-1');
  });

  it('takes the key out of the address, keeps it for the tab, and forgets it at sign-out', async () => {
    await signIn();
    expect(page.url()).toBe(`${url}/`);
    await page.reload();
    await page.waitForSelector('.top');
    await click(button('Sign out'));
    await page.waitForSelector('.login');
    await page.reload();
    await page.waitForSelector('.login');
  });

  it('goes back to the login when the key is revoked', async () => {
    const made = await fleet.ask('POST', '/api/fleet/keys', { body: { name: 'short-lived' }, url });
    await signIn(made.json.key);
    await sees('main', 'instance-1');
    await fleet.ask('DELETE', `/api/fleet/keys/${made.json.key_id}`, { url });
    await sees('.login', 'does not take this key any more');
  });

  it("shows a workspace's key its own sessions, and no instances", async () => {
    await createSession('own', 'mine');
    await createSession('other', 'theirs');
    const made = await fleet.ask('POST', '/api/fleet/keys', { body: { workspace_id: 'own' }, url });
    await signIn(made.json.key);
    await sees('main', 'mine');
    const text = await textOf('main');
    expect(text).not.toContain('theirs');
    expect(text).not.toContain('Instances');
    // What is refused to such a key is asked for all the same, and Chromium notes it.
    complaints = complaints.filter((each) => !each.includes('status of 403'));
  });
});

describe('the fleet', () => {
  it('shows sessions and their changes without being asked again', async () => {
    await createSession('21', 'live', 'qr');
    await signIn();
    await sees('tbody', 'Waiting for scan');
    await instance.setStatus('21', 'live', 'ready');
    await eventually(async () =>
      (await textOf('[aria-live=polite]')).includes('Session live of workspace 21: Ready.'),
    );
  });

  it('filters by workspace, and says when nothing is like that', async () => {
    await createSession('22', 'wanted');
    await createSession('23', 'unwanted');
    await signIn();
    await page.type('input[type=search]', '22');
    await page.keyboard.press('Enter');
    await eventually(async () => !(await textOf('tbody')).includes('unwanted'));
    expect(await textOf('tbody')).toContain('wanted');
    await page.select('select', 'failed');
    await sees('.empty', 'No session is like that');
    await click(button('Show all sessions'));
    await sees('tbody', 'unwanted');
  });

  it('runs under a policy that allows no inline script and no other host', async () => {
    const policy = (await page.goto(url))?.headers()['content-security-policy'];
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toContain('unsafe');
  });

  it.each([360, 768, 1280])('is no wider than a screen of %i', async (width) => {
    await createSession('24', 'a-session-with-quite-a-long-name-as-they-come');
    await page.setViewport({ width, height: 700 });
    await signIn();
    await sees('tbody', 'a-session-with');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
  });
});

describe('linking', () => {
  it('creates a session and shows its QR, anew as it rotates, until it is ready', async () => {
    shownCode = 'first code';
    await signIn();
    await click(button('New session'));
    await page.waitForSelector('dialog[open]');
    expect(await focused()).toBe('Workspace');
    await page.keyboard.type('31');
    await click(inDialog('Create and link'));
    await sees('dialog[open]', 'Link 31');
    await instance.setStatus('31', '31', 'qr');
    const shown = () => page.$eval('.qr img', (image) => image.getAttribute('src')).catch(() => null);
    const first = await eventually(shown);
    expect(first).toBe(await QRCode.toDataURL('first code'));

    shownCode = 'second code';
    const second = await QRCode.toDataURL('second code');
    await eventually(async () => (await shown()) === second);

    shownCode = null;
    const session = instance.sessions.get('31/31');
    if (session) session.phone_number = '491701234567';
    await instance.setStatus('31', '31', 'ready');
    await sees('dialog[open]', 'Linked as +491701234567.');
    expect(await focused()).toBe('Send a test message');
  });

  it('gives a pairing code instead', async () => {
    await createSession('32', 'paired', 'qr');
    shownCode = 'code';
    await signIn();
    await click('[aria-label="Link: paired of workspace 32"]');
    await click(inDialog('Link with a code instead'));
    await eventually(async () => (await focused()) === 'Phone number of the account');
    await page.keyboard.type('+49 170 1234567');
    await page.keyboard.press('Enter');
    await sees('.code', 'ABCD-1234');
    const asked = instance.asked.find((each) => each.path.includes('/paired/pairing-code'));
    expect(JSON.parse(asked?.body ?? '')).toEqual({ phone_number: '491701234567' });
  });

  it('shows what the router says of a bad workspace id', async () => {
    await signIn();
    await click(button('New session'));
    await page.waitForSelector('dialog[open]');
    await page.keyboard.type('007');
    await click(inDialog('Create and link'));
    await sees('dialog[open] [role=alert]', 'leading zeros');
    complaints = complaints.filter((each) => !each.includes('status of 400'));
  });
});

describe('a session', () => {
  it('is deleted only after a yes, with the focus on the no', async () => {
    await createSession('42', 'doomed');
    await signIn();
    await click(button('doomed'));
    await click(inDialog('Delete'));
    await sees('dialog[open]', 'Delete doomed?');
    expect(await focused()).toBe('Cancel');
    await page.keyboard.press('Escape');
    await eventually(async () => (await page.$('dialog')) === null);
    expect(await focused()).toBe('doomed');
    expect(instance.sessions.has('42/doomed')).toBe(true);

    await click(button('doomed'));
    await click(inDialog('Delete'));
    await sees('dialog[open]', 'Delete doomed?');
    await click(inDialog('Delete'));
    await eventually(() => !instance.sessions.has('42/doomed'));
    await sees('[role=status]', 'unlinked from the phone');
    await eventually(async () => !(await textOf('tbody')).includes('doomed'));
  });

  it.each([
    ['Restart', 'restart'],
    ['Stop', 'stop'],
    ['Log out', 'logout'],
  ])('is told to %s after a yes', async (label, action) => {
    await createSession('43', `told-to-${action}`);
    await signIn();
    await click(button(`told-to-${action}`));
    await click(inDialog(label));
    await sees('dialog[open]', `${label} told-to-${action}?`);
    await click(inDialog(label));
    await eventually(() => instance.asked.some((each) => each.path.endsWith(`/told-to-${action}/${action}`)));
    await eventually(async () => (await page.$('dialog')) === null);
  });

  it('starts again from its row', async () => {
    await createSession('44', 'resting', 'stopped');
    await signIn();
    await click('[aria-label="Start: resting of workspace 44"]');
    await eventually(() => instance.asked.some((each) => each.path.endsWith('/resting/start')));
  });
});

describe('a router that is away', () => {
  it('is told of, and the page goes on by itself when it is back', async () => {
    await signIn();
    await sees('main', 'instance-1');
    await page.setOfflineMode(true);
    await sees('[role=alert]', 'The router does not answer');
    await page.setOfflineMode(false);
    await eventually(async () => (await page.$('[role=alert]')) === null, 40_000);
    complaints = complaints.filter((each) => !each.includes('ERR_INTERNET_DISCONNECTED'));
  });
});
