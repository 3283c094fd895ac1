import type { ServerResponse } from 'node:http';
import QRCode from 'qrcode';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SessionStatus } from '../../fleet/records.ts';
import { button, type Dashboard, inDialog, link } from '../helpers/dashboard.ts';
import { eventually } from '../helpers/eventually.ts';
import type { FakeInstance } from '../helpers/fake-instance.ts';
import { ADMIN_KEY } from '../helpers/router.ts';
import { useWebScene } from '../helpers/web-scene.ts';

// A machine under load takes its time to draw a page; conditions are waited for.
vi.setConfig({ testTimeout: 120_000 });

const scene = useWebScene();
let instance: FakeInstance;
let dashboard: Dashboard;
/** The code an instance shows, or null for none. */
let shownCode: string | null = null;

beforeAll(async () => {
  instance = await scene.fleet.addInstance('instance-1', { capacity: 50 });
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
});

beforeEach(async () => {
  shownCode = null;
  dashboard = await scene.open();
});
afterEach(() => dashboard.closeClean(/status of (401|409)/));

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

const createSession = (workspace: string, session: string, status?: SessionStatus) =>
  scene.createSession(instance, workspace, session, status);

describe('signing in', () => {
  it('asks for a key, refuses a wrong one, and takes a right one', async () => {
    await dashboard.page.goto(scene.url);
    await dashboard.page.waitForSelector('.login');
    expect(await dashboard.focused()).toBe('API key');
    await dashboard.page.keyboard.type('wrong');
    await dashboard.page.keyboard.press('Enter');
    await dashboard.sees('[role=alert]', 'does not know this key');
    await dashboard.page.$eval('input', (input) => {
      (input as unknown as { select(): void }).select();
    });
    await dashboard.page.keyboard.type(ADMIN_KEY);
    await dashboard.page.keyboard.press('Enter');
    await dashboard.sees('main', 'instance-1');
  });

  it('takes the key out of the address, keeps it for the tab, and forgets it at sign-out', async () => {
    await dashboard.signIn();
    expect(dashboard.page.url()).toBe(`${scene.url}/`);
    await dashboard.page.reload();
    await dashboard.page.waitForSelector('.top');
    await dashboard.press(button('Sign out'));
    await dashboard.page.waitForSelector('.login');
    await dashboard.page.reload();
    await dashboard.page.waitForSelector('.login');
  });

  it('goes back to the login when the key is revoked', async () => {
    const made = await scene.fleet.ask('POST', '/api/fleet/keys', {
      body: { name: 'short-lived' },
      url: scene.url,
    });
    await dashboard.signIn('', made.json.key);
    await dashboard.sees('main', 'instance-1');
    await scene.fleet.ask('DELETE', `/api/fleet/keys/${made.json.key_id}`, { url: scene.url });
    await dashboard.sees('.login', 'does not take this key any more');
  });

  it("shows a workspace's key its own sessions, and no instances", async () => {
    await createSession('own', 'mine');
    await createSession('other', 'theirs');
    const made = await scene.fleet.ask('POST', '/api/fleet/keys', {
      body: { workspace_id: 'own' },
      url: scene.url,
    });
    await dashboard.signIn('', made.json.key);
    await dashboard.sees('main', 'mine');
    const text = await dashboard.textOf('main');
    expect(text).not.toContain('theirs');
    expect(text).not.toContain('Instances');
    expect(await dashboard.textOf('.navigation')).not.toContain('Fleet');
    expect(await dashboard.textOf('.account')).toContain('Key of workspace own');
    // What is the fleet's leads nowhere, and is not asked for.
    await dashboard.show('fleet');
    await dashboard.sees('main', 'mine');
    // It has no webhook, which the router answers with 404.
    dashboard.excuse(/status of 404/);
  });
});

describe('sessions', () => {
  it('shows sessions and their changes without being asked again', async () => {
    await createSession('21', 'live', 'qr');
    await dashboard.signIn('sessions');
    await dashboard.sees('tbody', 'Waiting for scan');
    await instance.setStatus('21', 'live', 'ready');
    await eventually(async () =>
      (await dashboard.textOf('[aria-live=polite]')).includes('Session live of workspace 21: Ready.'),
    );
  });

  it('finds sessions as somebody types, and says when none is like that', async () => {
    await createSession('22', 'wanted');
    await createSession('23', 'unwanted');
    await dashboard.signIn('sessions');
    await dashboard.sees('tbody', 'unwanted');
    await dashboard.page.type('input[type=search]', '22');
    await eventually(async () => !(await dashboard.textOf('tbody')).includes('unwanted'));
    expect(await dashboard.textOf('tbody')).toContain('wanted');
    expect(dashboard.page.url()).toContain('#/sessions?q=22');
    await dashboard.page.type('input[type=search]', ' nothing is like this');
    await dashboard.sees('.empty', 'No session is like that');
    await dashboard.press(button('Show all sessions'));
    await dashboard.sees('tbody', 'unwanted');
  });

  it('shows only those of a status, as the address has it too', async () => {
    await createSession('25', 'asleep', 'stopped');
    await createSession('25', 'awake');
    await dashboard.signIn('sessions?status=stopped&workspace=25');
    await dashboard.sees('tbody', 'asleep');
    expect(await dashboard.textOf('tbody')).not.toContain('awake');
    await dashboard.press('[aria-pressed=true]');
    await dashboard.sees('tbody', 'awake');
    expect(dashboard.page.url()).not.toContain('status');
  });

  it('runs under a policy that allows no inline script and no other host', async () => {
    const policy = (await dashboard.page.goto(scene.url))?.headers()['content-security-policy'];
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toContain('unsafe');
  });

  it.each([360, 768, 1280])('is no wider than a screen of %i', async (width) => {
    await createSession('24', 'a-session-with-quite-a-long-name-as-they-come');
    await dashboard.page.setViewport({ width, height: 700 });
    await dashboard.signIn('sessions');
    await dashboard.sees('tbody', 'a-session-with');
    expect(await dashboard.page.evaluate('document.documentElement.scrollWidth')).toBe(width);
  });
});

describe('linking', () => {
  it('creates a session and shows its QR, anew as it rotates, until it is ready', async () => {
    shownCode = 'first code';
    await dashboard.signIn('sessions');
    await dashboard.press(button('New session'));
    await dashboard.page.waitForSelector('dialog[open]');
    expect(await dashboard.focused()).toBe('Workspace');
    await dashboard.page.keyboard.type('31');
    await dashboard.press(inDialog('Create and link'));
    await dashboard.sees('dialog[open]', 'Link 31');
    await instance.setStatus('31', '31', 'qr');
    const shown = () =>
      dashboard.page.$eval('.qr img', (image) => image.getAttribute('src')).catch(() => null);
    const first = await eventually(shown);
    expect(first).toBe(await QRCode.toDataURL('first code'));

    shownCode = 'second code';
    const second = await QRCode.toDataURL('second code');
    await eventually(async () => (await shown()) === second);

    shownCode = null;
    const session = instance.sessions.get('31/31');
    if (session) session.phone_number = '491701234567';
    await instance.setStatus('31', '31', 'ready');
    await dashboard.sees('dialog[open]', 'Linked as +491701234567.');
    expect(await dashboard.focused()).toBe('Send a test message');
  });

  it('gives a pairing code instead', async () => {
    await createSession('32', 'paired', 'qr');
    shownCode = 'code';
    await dashboard.signIn('sessions');
    await dashboard.press('[aria-label="Link: paired of workspace 32"]');
    await dashboard.press(inDialog('Link with a code instead'));
    await eventually(async () => (await dashboard.focused()) === 'Phone number of the account');
    await dashboard.page.keyboard.type('+49 170 1234567');
    await dashboard.page.keyboard.press('Enter');
    await dashboard.sees('.code', 'ABCD-1234');
    const asked = instance.asked.find((each) => each.path.includes('/paired/pairing-code'));
    expect(JSON.parse(asked?.body ?? '')).toEqual({ phone_number: '491701234567' });
  });

  it('shows what the router says of a bad workspace id', async () => {
    await dashboard.signIn('sessions');
    await dashboard.press(button('New session'));
    await dashboard.page.waitForSelector('dialog[open]');
    await dashboard.page.keyboard.type('007');
    await dashboard.press(inDialog('Create and link'));
    await dashboard.sees('dialog[open] [role=alert]', 'leading zeros');
    dashboard.excuse(/status of 400/);
  });
});

describe('a session', () => {
  it('is deleted only after a yes, with the focus on the no', async () => {
    await createSession('42', 'doomed');
    await dashboard.signIn('sessions');
    await dashboard.press(link('doomed'));
    await dashboard.press(inDialog('Delete'));
    await dashboard.sees('dialog[open]', 'Delete doomed?');
    expect(await dashboard.focused()).toBe('Cancel');
    await dashboard.page.keyboard.press('Escape');
    await dashboard.seesNo('dialog');
    expect(await dashboard.focused()).toBe('doomed');
    expect(instance.sessions.has('42/doomed')).toBe(true);

    await dashboard.press(link('doomed'));
    await dashboard.press(inDialog('Delete'));
    await dashboard.sees('dialog[open]', 'Delete doomed?');
    await dashboard.press(inDialog('Delete'));
    await eventually(() => !instance.sessions.has('42/doomed'));
    await dashboard.sees('.toast', 'unlinked from the phone');
    await eventually(async () => !(await dashboard.textOf('tbody')).includes('doomed'));
  });

  it.each([
    ['Restart', 'restart'],
    ['Stop', 'stop'],
    ['Log out', 'logout'],
  ])('is told to %s after a yes', async (label, action) => {
    await createSession('43', `told-to-${action}`);
    await dashboard.signIn('sessions');
    await dashboard.press(link(`told-to-${action}`));
    await dashboard.press(inDialog(label));
    await dashboard.sees('dialog[open]', `${label} told-to-${action}?`);
    await dashboard.press(inDialog(label));
    await eventually(() => instance.asked.some((each) => each.path.endsWith(`/told-to-${action}/${action}`)));
    await dashboard.seesNo('dialog');
  });

  it('starts again from its row', async () => {
    await createSession('44', 'resting', 'stopped');
    await dashboard.signIn('sessions');
    await dashboard.press('[aria-label="Start: resting of workspace 44"]');
    await eventually(() => instance.asked.some((each) => each.path.endsWith('/resting/start')));
  });
});

describe('a router that is away', () => {
  it('is told of, and the page goes on by itself when it is back', async () => {
    await dashboard.signIn();
    await dashboard.sees('main', 'instance-1');
    await dashboard.page.setOfflineMode(true);
    await dashboard.sees('[role=alert]', 'The router does not answer');
    await dashboard.page.setOfflineMode(false);
    await dashboard.seesNo('[role=alert]');
    dashboard.excuse(/ERR_INTERNET_DISCONNECTED/);
  });
});
