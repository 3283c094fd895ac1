import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SessionDetail, SessionStatus } from '../../fleet/records.ts';
import type { Router } from '../../router/context.ts';
import { aBackupList } from '../helpers/backup-values.ts';
import { button, type Dashboard } from '../helpers/dashboard.ts';
import { eventually } from '../helpers/eventually.ts';
import { useWebScene } from '../helpers/web-scene.ts';

// A machine under load takes its time to draw a page; conditions are waited for.
vi.setConfig({ testTimeout: 180_000 });

/** As many as a fleet is made for. */
const SESSIONS = 3000;

/** Sessions on a page of the list. */
const PAGE = 50;

const scene = useWebScene();
let router: Router;
let dashboard: Dashboard;

const STATUSES: readonly SessionStatus[] = ['ready', 'ready', 'ready', 'ready', 'qr', 'disconnected'];

function sessionOf(index: number): SessionDetail {
  const status = STATUSES[index % STATUSES.length] ?? 'ready';
  return {
    session_id: `session-${index}`,
    workspace_id: 2 * index + 2,
    account_id: `account-${index}`,
    status,
    instance: 'instance-1',
    epoch: 1,
    created_at: '2026-11-22T08:00:00.000Z',
    phone_number: status === 'ready' ? `49170${1_000_000 + index}` : null,
    connected_at: null,
    last_activity: null,
    last_error: null,
    reconnects: 0,
  };
}

beforeAll(async () => {
  const { fleet, service } = scene;
  service.answer('list', { body: aBackupList({ last_success: new Date().toISOString() }) });
  const sessions = Array.from({ length: SESSIONS }, (_, index) => sessionOf(index));
  await fleet.addInstance('instance-1', { capacity: SESSIONS, sessions });
  router = scene.router;
});

beforeEach(async () => {
  dashboard = await scene.open();
});
afterEach(() =>
  dashboard.closeClean(/ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|status of 503/),
);

const rows = () => dashboard.page.$$eval('tbody tr', (all) => all.length);

describe(`${SESSIONS} sessions`, () => {
  it('are drawn a page at a time, forth and back', async () => {
    await dashboard.signIn('sessions');
    await dashboard.sees('.pager', `1 to ${PAGE} of ${SESSIONS}`);
    expect(await rows()).toBe(PAGE);
    await dashboard.press(button('Next'));
    await dashboard.sees('.pager', `${PAGE + 1} to ${2 * PAGE} of ${SESSIONS}`);
    await dashboard.sees('tbody', 'session-50');
    expect(await rows()).toBe(PAGE);
    await dashboard.press(button('Previous'));
    await dashboard.sees('.pager', `1 to ${PAGE} of`);
    await dashboard.sees('tbody', 'session-0');
  });

  it('are found by number, by status, and both at once', async () => {
    await dashboard.signIn('sessions');
    await dashboard.sees('.chips', `Ready ${(SESSIONS * 4) / 6}`);
    await dashboard.page.type('input[type=search]', '+49 170 1002');
    await dashboard.sees('.panel .summary', '666 sessions');
    await dashboard.page.type('input[type=search]', '112');
    await eventually(async () => (await rows()) === 1, 60_000);
    await dashboard.sees('tbody', 'session-2112');
    await dashboard.show('sessions?status=disconnected&q=session-29');
    await dashboard.sees('.panel .summary', '20 sessions');
  });

  it('are counted on the map of the fleet', async () => {
    await dashboard.signIn('fleet');
    await dashboard.sees('.tile', `${SESSIONS} of ${SESSIONS} sessions`);
    await dashboard.sees('.tile .legend', `${SESSIONS / 6} waiting for scan`);
  });
});

describe('a router that is stopped and started again', () => {
  it('is told of once, with what was known still shown, and the page goes on by itself', async () => {
    await dashboard.signIn('sessions');
    await dashboard.sees('tbody', 'session-0');
    const { port } = new URL(router.server.url);
    await router.close();
    await dashboard.sees('[role=alert]', 'The router does not answer');
    expect(await dashboard.page.$$eval('[role=alert]', (all) => all.length)).toBe(1);
    expect(await dashboard.textOf('.brand')).toContain('Connecting again');
    expect(await dashboard.textOf('tbody')).toContain('session-0');
    router = await scene.serve({ port: Number(port) });
    await dashboard.seesNo('[role=alert]');
    await dashboard.sees('.brand', 'Live');
  });
});
