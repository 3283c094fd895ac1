import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { aBackup, aBackupList, anOperation } from '../helpers/backup-values.ts';
import { button, type Dashboard, panel } from '../helpers/dashboard.ts';
import { eventually } from '../helpers/eventually.ts';
import { useWebScene } from '../helpers/web-scene.ts';

// A machine under load takes its time to draw a page; conditions are waited for.
vi.setConfig({ testTimeout: 120_000 });

const scene = useWebScene();
let dashboard: Dashboard;

beforeAll(async () => {
  await scene.fleet.addInstance('instance-1');
});

beforeEach(async () => {
  scene.service.reset();
  scene.service.answer('operations', { body: { operations: [] } });
  scene.service.answer('restores', { body: { restores: [] } });
  dashboard = await scene.open();
});
// A workspace whose webhook is asked for, and which has none.
afterEach(() => dashboard.closeClean(/status of 404/));

const shownBy = (selector: string) =>
  dashboard.page
    .evaluate(`document.querySelector('${selector}').innerText`)
    .then(String)
    .catch(() => '');

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000 - 5000).toISOString();

const backups = [
  aBackup({ finished_at: minutesAgo(12) }),
  aBackup({ id: '20261122T080003Z', finished_at: minutesAgo(72), state: 'partial', carried: 2, missed: 1 }),
  aBackup({ id: '20261122T070003Z', finished_at: minutesAgo(132), state: 'damaged', kept_as: ['damaged'] }),
  aBackup({ id: '20261122T060003Z', finished_at: minutesAgo(192) }),
];
const next_run = new Date(Date.now() + 48 * 60_000).toISOString();

describe('backups on the page', () => {
  it('are shown with their age, their size, what they lack, and when the next is made', async () => {
    scene.service.answer('list', { body: aBackupList({ backups, next_run, last_success: minutesAgo(12) }) });
    await dashboard.signIn('backups');
    await dashboard.sees(panel('backups'), '20261122T060003Z');
    expect(await shownBy('.figures')).toMatch(/\d+ min ago\s+Next\s+in 4\d min\s+at 0 \* \* \* \*/);
    const table = await shownBy(panel('backups'));
    expect(table).toMatch(/\d+ min ago · 20261122T090003Z\s+Complete\s+25\s+2\.5 GB\s+34 MB/);
    expect(table).toMatch(/Partial\s+2 as they were before\s+1 missing/);
    expect(await shownBy('.alarms')).toContain('1 backup cannot be read');
  });

  it('are shown while one is made, and again when it is made', async () => {
    const running = anOperation({ done: 12 });
    scene.service.answer(
      'list',
      { body: aBackupList({ backups, running }) },
      { body: aBackupList({ backups, running }) },
      { body: aBackupList({ backups, last_success: minutesAgo(0) }) },
    );
    await dashboard.signIn('backups');
    await dashboard.sees(panel('backups'), 'Backing up sessions: 12 of 25');
    expect(
      await dashboard.page.$eval(`${panel('backups')} progress`, (bar) => bar.getAttribute('aria-label')),
    ).toBe('How far the run has come');
    await eventually(async () => !(await dashboard.textOf(panel('backups'))).includes('12 of 25'));
  });

  it('raise an alarm on every view when the last run failed, or is old', async () => {
    scene.service.answer('list', { body: aBackupList({ last_success: minutesAgo(200) }) });
    await dashboard.signIn('events');
    await dashboard.sees('.alarms', 'The last backup is old');
    const failed = anOperation({
      state: 'failed',
      error: 'The bucket refuses (403).',
      ended_at: minutesAgo(3),
    });
    scene.service.answer('operations', { body: { operations: [anOperation({ kind: 'verify' }), failed] } });
    await dashboard.show('backups');
    await dashboard.sees('.alarms', '3 min ago: The bucket refuses (403).');
    await dashboard.sees(panel('backups'), 'There is no backup yet');
    await dashboard.sees(panel('operations'), 'The bucket refuses (403).');
  });

  it.each([
    ['Back up now', 'run', undefined, 'The backup has begun.'],
    ['Verify', 'verify', { backup: 'all' }, 'The verification has begun.'],
  ] as const)('are made and checked by button, after a yes: %s', async (label, route, body, said) => {
    scene.service.answer('list', { body: aBackupList({ backups, last_success: minutesAgo(12) }) });
    scene.service.answer(route, { status: 202, body: anOperation() });
    await dashboard.signIn('backups');
    await dashboard.press(button(label));
    await dashboard.sees('dialog[open]', `${label}`);
    expect(await dashboard.focused()).toBe('Cancel');
    expect(scene.service.askedOf(route)).toHaveLength(0);
    await dashboard.press('dialog[open] .button-primary');
    await dashboard.sees('.toast-place', said);
    if (body !== undefined) expect(scene.service.askedOf(route)[0]?.body).toEqual(body);
    expect(scene.service.askedOf(route)).toHaveLength(1);
  });

  it('say that no service runs, and are no matter of a workspace key', async () => {
    await scene.service.release();
    await dashboard.signIn('backups');
    await dashboard.sees(panel('backups'), 'No backup service runs');
    const made = await scene.fleet.ask('POST', '/api/fleet/keys', { body: { workspace_id: 7 } });
    const other = await scene.open();
    await other.signIn('backups', made.json.key);
    await other.sees('main', 'There is no session yet');
    expect(await other.textOf('.navigation')).not.toContain('Backups');
    await other.close();
    await scene.service.hold();
    dashboard.excuse(/status of 503/);
    expect(other.complaints.filter((each) => !/status of 404/.test(each))).toEqual([]);
  });
});
