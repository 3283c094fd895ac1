import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SessionStatus } from '../../fleet/records.ts';
import { connectSides, type Sides, sentState, take } from '../fleet/queue/queue-parts.ts';
import { button, type Dashboard, inDialog, panel } from '../helpers/dashboard.ts';
import { eventually } from '../helpers/eventually.ts';
import type { FakeInstance } from '../helpers/fake-instance.ts';
import { useWebScene } from '../helpers/web-scene.ts';
import { receivedEvent } from '../helpers/wharf-events.ts';

// A machine under load takes its time to draw a page; conditions are waited for.
vi.setConfig({ testTimeout: 120_000 });

// What is refused once is given up at once.
const scene = useWebScene({ webhooks: { timeout: 5000, retryTime: 1, addresses: 'any' } });
let instance: FakeInstance;
let sides: Sides;
let dashboard: Dashboard;
let receiver: Server;
/** What the receiver of webhooks answers, and what it was sent. */
let answer = 200;
const delivered: string[] = [];

beforeAll(async () => {
  receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      delivered.push(JSON.parse(body).type);
      response.statusCode = answer;
      response.end();
    });
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  instance = await scene.fleet.addInstance('instance-1', { capacity: 50 });
  sides = await connectSides(scene.fleet.redis.url);
});
afterAll(async () => {
  await sides?.close();
  receiver?.close();
});

beforeEach(async () => {
  dashboard = await scene.open();
});
afterEach(() => dashboard.closeClean());

const createSession = (workspace: string, session: string, status?: SessionStatus) =>
  scene.createSession(instance, workspace, session, status);

const handIn = (workspace: string, session: string, text: string) =>
  scene.fleet.ask('POST', `/api/whatsapp/sessions/${session}/messages?workspace_id=${workspace}`, {
    body: { to: '491701234567', text },
  });

const setWebhook = (workspace: string) =>
  scene.fleet.ask('PUT', `/api/whatsapp/workspaces/${workspace}/webhook`, {
    body: { url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`, events: ['*'] },
  });

describe('the dialog for sending', () => {
  it('hands a message in and follows it until WhatsApp has it', async () => {
    await createSession('41', 'sender');
    await dashboard.signIn('sessions');
    await dashboard.press('[aria-label="Send: sender of workspace 41"]');
    await dashboard.page.waitForSelector('dialog[open]');
    await dashboard.page.keyboard.type('+49 170 1234567');
    await dashboard.page.select('dialog select', 'high');
    await dashboard.press(inDialog('Send'));
    await dashboard.sees('.outcome', 'Queued');
    const queue = sides.open({ workspace: '41', session: 'sender' });
    const held = await take(queue);
    expect(held.message).toMatchObject({
      priority: 'high',
      message: { to: '491701234567@c.us', text: 'Hello from Wharf' },
    });
    await queue.begin(held);
    await dashboard.sees('.outcome', 'Sending');
    await queue.finish(held, sentState(held));
    await dashboard.sees('.outcome', 'Sent');
    expect(await dashboard.textOf('.outcome')).toContain(`true_491701234567@c.us_${held.message.message_id}`);
  });

  it('says why a message failed', async () => {
    await createSession('42', 'sender');
    await dashboard.signIn('sessions');
    await dashboard.press('[aria-label="Send: sender of workspace 42"]');
    await dashboard.page.waitForSelector('dialog[open]');
    await dashboard.page.keyboard.type('491701234567');
    await dashboard.press(inDialog('Send'));
    await dashboard.sees('.outcome', 'Queued');
    const queue = sides.open({ workspace: '42', session: 'sender' });
    const held = await take(queue);
    const error = { code: 'recipient_not_on_whatsapp', detail: 'Nobody has this number.' };
    const ended_at = new Date().toISOString();
    await queue.finish(held, { ...held.state, status: 'failed', error, ended_at });
    await dashboard.sees('.outcome', 'Nobody has this number. (recipient_not_on_whatsapp)');
  });
});

describe('the queues on the page', () => {
  it('are shown by trouble, with what they wait for, as they fill and empty', async () => {
    await createSession('51', 'busy');
    await createSession('51', 'asleep', 'stopped');
    await handIn('51', 'busy', 'one');
    await handIn('51', 'busy', 'two');
    await handIn('51', 'asleep', 'three');
    await dashboard.signIn('queues');
    await dashboard.sees(panel('queues'), 'the session is stopped');
    const rows = await dashboard.page.$$eval(`${panel('queues')} tbody th`, (cells) =>
      cells.map(
        (cell) => (cell as unknown as { firstChild: { textContent: string } }).firstChild.textContent,
      ),
    );
    expect(rows.indexOf('asleep')).toBeLessThan(rows.indexOf('busy'));
    await dashboard.sees('.figures', 'Queued');
    const queue = sides.open({ workspace: '51', session: 'busy' });
    for (let count = 0; count < 2; count++) {
      const held = await take(queue);
      await queue.begin(held);
      await queue.finish(held, sentState(held));
    }
    const busy = `::-p-xpath(//tr[starts-with(normalize-space(.), "busy")][contains(., "Idle")])`;
    await dashboard.page.waitForSelector(busy);
  });

  it('say so while they cannot be read', async () => {
    await dashboard.page.setRequestInterception(true);
    dashboard.page.on('request', (request) => {
      if (request.url().includes('/api/fleet/queues'))
        request.respond({
          status: 503,
          contentType: 'application/problem+json',
          body: JSON.stringify({ detail: 'away', code: 'queue_unavailable' }),
        });
      else request.continue();
    });
    await dashboard.signIn('queues');
    await dashboard.sees(panel('queues'), 'cannot be read now');
    await dashboard.show('fleet');
    await dashboard.sees('main', 'instance-1');
    dashboard.excuse(/status of 503/);
  });
});

describe('the webhooks on the page', () => {
  it('are tested after a yes, with what came back', async () => {
    answer = 200;
    await setWebhook('61');
    await dashboard.signIn('webhooks');
    await dashboard.press('[aria-label="Test: webhook of workspace 61"]');
    await dashboard.sees('dialog[open]', 'Test the webhook of workspace 61?');
    expect(await dashboard.page.evaluate('document.activeElement.innerText')).toBe('Cancel');
    await dashboard.press(inDialog('Send the test'));
    await dashboard.sees('.toast-place', 'The receiver took the test: status 200');
    expect(delivered).toContain('webhook.test');
    answer = 500;
    await dashboard.press('[aria-label="Test: webhook of workspace 61"]');
    await dashboard.press(inDialog('Send the test'));
    await dashboard.sees('dialog[open] [role=alert]', 'The test was not delivered');
  });

  it('have their dead letters replayed after a yes', async () => {
    answer = 500;
    await setWebhook('62');
    await scene.fleet.router.services.events.append([receivedEvent('w1', {}, '62')]);
    await dashboard.signIn('webhooks');
    await dashboard.press('[aria-label="Replay: webhook of workspace 62"]');
    await dashboard.sees('dialog[open]', 'One event is sent');
    await dashboard.press(inDialog('Replay'));
    await dashboard.sees('.toast-place', 'One event is on the way again.');
  });
});

describe('dead letters', () => {
  it('are listed with why they were given up, at an address of their own, and those chosen replayed', async () => {
    answer = 500;
    await setWebhook('64');
    await scene.fleet.router.services.events.append([
      receivedEvent('d1', {}, '64'),
      receivedEvent('d2', {}, '64'),
    ]);
    await eventually(async () => {
      const { webhooks } = (await scene.fleet.ask('GET', '/api/fleet/webhooks')).json;
      return webhooks.some(
        (each: { workspace_id: number; dead_letters: number }) =>
          each.workspace_id === 64 && each.dead_letters === 2,
      );
    });
    await dashboard.signIn('webhooks/64');
    await dashboard.sees('dialog[open]', 'Dead letters of workspace 64');
    await dashboard.sees('dialog[open] .choices', 'it answered 500');
    await dashboard.press('dialog[open] .choices input');
    answer = 200;
    await dashboard.press(inDialog('Replay 1'));
    await dashboard.sees('.toast-place', '1 event on the way to workspace 64 again.');
    await dashboard.seesNo('dialog');
    expect(dashboard.page.url()).toMatch(/#\/webhooks$/);
  });
});

describe('all of it', () => {
  it.each([360, 768])('is no wider than a screen of %i', async (width) => {
    await dashboard.page.setViewport({ width, height: 700 });
    await createSession('63', 'waiting', 'stopped');
    await handIn('63', 'waiting', 'one');
    await setWebhook('63');
    const widthOf = () => dashboard.page.evaluate('document.documentElement.scrollWidth');
    await dashboard.signIn('queues');
    await dashboard.sees(panel('queues'), 'Workspace');
    expect(await widthOf()).toBe(width);
    await dashboard.show('webhooks');
    await dashboard.page.waitForSelector('[aria-label="Test: webhook of workspace 63"]');
    expect(await widthOf()).toBe(width);
    await dashboard.show('events');
    // The stream shows what comes once it is open.
    await dashboard.sees(panel('events'), 'Live');
    await scene.fleet.router.services.events.append([
      receivedEvent(
        `n${width}`,
        { text: 'x'.repeat(500) },
        '71',
        'a-session-with-quite-a-long-name-as-they-come',
      ),
    ]);
    await dashboard.page.waitForSelector(`${panel('events')} ol li`);
    expect(await widthOf()).toBe(width);
  });
});

describe('the events on the page', () => {
  it('are shown as they happen, and stop while paused', async () => {
    await dashboard.signIn('events');
    await dashboard.sees(panel('events'), 'Live');
    await scene.fleet.router.services.events.append([receivedEvent('l1', { text: 'good morning' }, '71')]);
    await dashboard.sees(`${panel('events')} ol`, 'good morning');
    expect(await dashboard.textOf(`${panel('events')} ol`)).toContain('main of workspace 71');
    await dashboard.press(button('Pause'));
    await dashboard.sees(panel('events'), 'Paused');
    await scene.fleet.router.services.events.append([receivedEvent('l2', { text: 'good evening' }, '71')]);
    await dashboard.press(button('Pause'));
    await dashboard.sees(panel('events'), 'Live');
    await scene.fleet.router.services.events.append([receivedEvent('l3', { text: 'good night' }, '71')]);
    await dashboard.sees(`${panel('events')} ol`, 'good night');
    expect(await dashboard.textOf(`${panel('events')} ol`)).not.toContain('good evening');
  });

  it('are narrowed down by workspace, kind and text, as the address has it too', async () => {
    await dashboard.signIn('events?workspace=73&kind=message&text=night');
    await dashboard.sees(panel('events'), 'Live');
    await scene.fleet.router.services.events.append([
      receivedEvent('f1', { text: 'night one' }, '74'),
      receivedEvent('f2', { text: 'day' }, '73'),
      receivedEvent('f3', { text: 'night two' }, '73'),
    ]);
    await dashboard.sees(`${panel('events')} ol`, 'night two');
    const text = await dashboard.textOf(`${panel('events')} ol`);
    expect(text).not.toContain('night one');
    expect(text).not.toContain('day');
  });

  it('reach an EventSource that has a ticket', async () => {
    const { url: path } = (
      await scene.fleet.ask('POST', '/api/whatsapp/events/tickets', { body: { workspace_id: '72' } })
    ).json;
    await dashboard.signIn();
    await dashboard.page.evaluate(`
      window.heard = [];
      window.source = new EventSource(${JSON.stringify(path)});
      source.addEventListener('message.received', (event) => heard.push([event.lastEventId, JSON.parse(event.data).data.text]));
      new Promise((resolve) => source.addEventListener('open', resolve));
    `);
    await scene.fleet.router.services.events.append([
      receivedEvent('s1', { text: 'not yours' }, '71'),
      receivedEvent('s2', { text: 'yours' }, '72'),
    ]);
    const heard = await eventually(async () => {
      const all = (await dashboard.page.evaluate('heard')) as [string, string][];
      return all.length > 0 && all;
    });
    expect(heard.map(([, text]) => text)).toEqual(['yours']);
    expect(heard[0]?.[0]).toMatch(/^\d+$/);
    await dashboard.page.evaluate('source.close()');
  });
});
