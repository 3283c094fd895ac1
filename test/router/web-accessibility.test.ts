import axe from 'axe-core';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import {
  aBackup,
  aBackupList,
  anOperation,
  aRestore,
  aRestoreItem,
  RESTORE_ID,
} from '../helpers/backup-values.ts';
import { button, type Dashboard, inDialog, panel } from '../helpers/dashboard.ts';
import { useWebScene } from '../helpers/web-scene.ts';
import { receivedEvent } from '../helpers/wharf-events.ts';

// A machine under load takes its time to draw a page; conditions are waited for.
vi.setConfig({ testTimeout: 240_000 });

const scene = useWebScene();

beforeAll(async () => {
  const { fleet, service } = scene;
  const instance = await fleet.addInstance('instance-1', { capacity: 50 });
  await fleet.addInstance('instance-2', { capacity: 50 });
  const failed = anOperation({ id: 'v', kind: 'verify', state: 'failed', findings: ['one'], error: 'no' });
  const done = aRestore({
    state: 'done',
    warnings: ['Old.'],
    sessions: [aRestoreItem({ state: 'restored' })],
  });
  service.answer('list', { body: aBackupList({ backups: [aBackup()], running: anOperation({ done: 3 }) }) });
  service.answer('operations', { body: { operations: [failed] } });
  service.answer('restores', { body: { restores: [done] } });
  service.answer('restoreGet', { body: done });
  service.answer('restore', {
    body: aRestore({
      id: null,
      state: 'planned',
      warnings: ['Old.'],
      request: { at: 'latest', dry_run: true, force: false },
      sessions: [aRestoreItem(), aRestoreItem({ session_id: 'b', state: 'refused', refusal: 'relinked' })],
    }),
  });
  for (const [index, status] of (['ready', 'qr', 'failed', 'stopped', 'disconnected'] as const).entries()) {
    const workspace = 2 * index + 2;
    await scene.createSession(instance, String(workspace), `session-${index}`, status);
    await fleet.ask('POST', `/api/whatsapp/sessions/session-${index}/messages?workspace_id=${workspace}`, {
      body: { to: '491701234567', text: 'hello' },
    });
    await fleet.ask('PUT', `/api/whatsapp/workspaces/${workspace}/webhook`, {
      body: { url: 'https://receiver.example/hook', events: ['*'] },
    });
  }
});

/** What axe finds that keeps people out, as lines. */
async function findings({ page }: Dashboard, where: string): Promise<string[]> {
  // Things that fade in have other colours meanwhile.
  await page.evaluate('Promise.all(document.getAnimations().map((each) => each.finished.catch(() => {})))');
  const { violations } = (await page.evaluate(
    `axe.run(document, { resultTypes: ['violations'] })`,
  )) as axe.AxeResults;
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, help, nodes }) =>
      nodes.map(({ html }) => `${where}: ${id}: ${help}: ${html.slice(0, 200)}`),
    );
}

/** Where each view is, and what shows that it is there. */
const VIEWS: readonly [where: string, selector: string, text: string][] = [
  ['fleet', '.tiles', 'instance-2'],
  ['fleet/instance-1', panel('workspaces'), 'Move'],
  ['sessions', 'tbody', 'session-4'],
  ['sessions?q=nobody', '.empty', 'No session is like that'],
  ['queues', 'tbody', 'session-4'],
  ['webhooks', 'tbody', 'receiver.example'],
  ['backups', panel('operations'), 'finding'],
  ['events', 'main', 'Events'],
];

/** Looks at each dialog in turn. */
async function lookAtDialogs(dashboard: Dashboard, look: (where: string) => Promise<void>): Promise<void> {
  await dashboard.show('sessions/2/session-0');
  await dashboard.sees('dialog[open]', 'Log out');
  await look('session');
  await dashboard.press(inDialog('Move its workspace'));
  await dashboard.sees('dialog[open]', 'room for');
  await look('move');
  await dashboard.press(inDialog('Cancel'));
  await dashboard.show(`backups/${RESTORE_ID}`);
  await dashboard.sees('dialog[open]', 'Undo');
  await look('restoring');
  await dashboard.press(inDialog('Close'));
  await dashboard.press(button('Restore …'));
  await dashboard.sees('dialog[open]', 'Show what would change');
  await look('restore');
  await dashboard.page.type('dialog[open] [data-autofocus]', 'sales');
  await dashboard.press(inDialog('Show what would change'));
  await dashboard.sees('dialog[open] .warnings', 'Old.');
  await look('plan');
}

describe.each([
  ['light', 1440, true],
  ['dark', 1440, false],
  ['light', 360, false],
  ['dark', 360, true],
] as const)('the dashboard in %s at %i pixels', (theme, width, withDialogs) => {
  it('has no serious finding by axe, and is no wider than the screen', async () => {
    const dashboard = await scene.open(width);
    const { page } = dashboard;
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }]);
    const found: string[] = [];
    const look = async (where: string) => {
      found.push(...(await findings(dashboard, where)));
      const wide = Number(await page.evaluate('document.documentElement.scrollWidth'));
      if (wide > width) found.push(`${where}: is ${wide} pixels wide`);
    };
    await page.goto(scene.url);
    await page.waitForSelector('.login');
    await page.evaluate(axe.source);
    await look('login');

    await dashboard.signIn();
    await page.evaluate(axe.source);
    for (const [where, selector, text] of VIEWS) {
      await dashboard.show(where);
      if (where === 'events') {
        await dashboard.sees(panel('events'), 'Live');
        await scene.fleet.router.services.events.append([receivedEvent(`${theme}${width}`, {}, '2')]);
        await page.waitForSelector(`${panel('events')} ol`);
      } else await dashboard.sees(selector, text);
      await look(where);
    }
    if (withDialogs) await lookAtDialogs(dashboard, look);
    await dashboard.close();
    expect(found).toEqual([]);
    expect(dashboard.complaints).toEqual([]);
  });
});

describe('by keys alone', () => {
  it('a drain is asked for and thought better of, a view chosen, a session opened and left', async () => {
    const dashboard = await scene.open();
    const { page } = dashboard;
    await dashboard.signIn('fleet');
    await dashboard.sees('.tiles', 'instance-2');
    /** Goes on by Tab until something of this name has the focus, and it can be seen that it has. */
    const tabTo = async (name: string) => {
      for (let presses = 0; presses < 80; presses++) {
        await page.keyboard.press('Tab');
        if ((await dashboard.focused()) !== name) continue;
        expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).not.toBe('none');
        return;
      }
      throw new Error(`Tab does not lead to ${name}`);
    };
    await tabTo('Drain instance-2');
    await page.keyboard.press('Enter');
    await dashboard.sees('dialog[open]', 'Drain instance-2?');
    expect(await dashboard.focused()).toBe('Cancel');
    await page.keyboard.press('Escape');
    await dashboard.seesNo('dialog');
    expect(await dashboard.focused()).toBe('Drain instance-2');

    // From the top again: the way past the navigation comes first.
    await page.evaluate('document.activeElement.blur(); getSelection().collapse(document.body, 0)');
    await tabTo('Skip to the content');
    await tabTo('Sessions');
    await page.keyboard.press('Enter');
    await dashboard.sees('tbody', 'session-0');
    expect(await dashboard.focused()).toBe('Sessions');
    await tabTo('session-0');
    await page.keyboard.press('Enter');
    await dashboard.sees('dialog[open]', 'Session session-0');
    await page.keyboard.press('Escape');
    await dashboard.seesNo('dialog');
    expect(await dashboard.focused()).toBe('session-0');
    await dashboard.close();
  });

  it('keeps a chosen theme, and takes what the system has where none was chosen', async () => {
    const dashboard = await scene.open();
    const { page } = dashboard;
    const ground = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'light' }]);
    await dashboard.signIn();
    const light = await ground();
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
    const dark = await ground();
    expect(dark).not.toBe(light);
    await page.select('[aria-label=Theme]', 'light');
    expect(await ground()).toBe(light);
    await page.reload();
    await page.waitForSelector('.top');
    expect(await ground()).toBe(light);
    await dashboard.close();
  });
});
