import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Restore } from '../../fleet/backup/api.ts';
import { aBackup, aBackupList, aRestore, aRestoreItem, RESTORE_ID } from '../helpers/backup-values.ts';
import { button, type Dashboard, inDialog } from '../helpers/dashboard.ts';
import { eventually } from '../helpers/eventually.ts';
import { serviceProblem } from '../helpers/fake-backup-service.ts';
import { useWebScene } from '../helpers/web-scene.ts';

// A machine under load takes its time to draw a page; conditions are waited for.
vi.setConfig({ testTimeout: 120_000 });

const scene = useWebScene();
let dashboard: Dashboard;

beforeAll(async () => {
  await scene.fleet.addInstance('instance-1');
});

const older = aBackup({ id: '20261122T080003Z', finished_at: '2026-11-22T08:00:41.000Z' });
const WARNING = 'The profiles are up to 30 minutes old. Messages may show as "waiting".';

/** A dry run: one session to replace, one that is refused. */
const plan = (changes: Partial<Restore> = {}) =>
  aRestore({
    id: null,
    state: 'planned',
    warnings: [WARNING],
    request: { at: 'latest', workspace_id: 7, dry_run: true, force: false },
    sessions: [
      aRestoreItem(),
      aRestoreItem({ session_id: 'relinked', state: 'refused', refusal: 'relinked' }),
    ],
    ...changes,
  });

beforeEach(async () => {
  scene.service.reset();
  scene.service.answer('operations', { body: { operations: [] } });
  scene.service.answer('restores', { body: { restores: [] } });
  scene.service.answer('list', {
    body: aBackupList({ backups: [aBackup(), older], last_success: new Date().toISOString() }),
  });
  dashboard = await scene.open();
  await dashboard.signIn('backups');
});
afterEach(() => dashboard.closeClean());

const asked = () => scene.service.askedOf('restore').map(({ body }) => body);
const confirm = 'dialog[open] .button-danger-full';

async function choose(scope: string): Promise<void> {
  await dashboard.press(`::-p-xpath(//dialog[@open]//label[normalize-space(.)="${scope}"]/input)`);
}

async function fill(label: string, text: string): Promise<void> {
  const field = await dashboard.page.waitForSelector(
    `::-p-xpath(//dialog[@open]//input[@id=//label[starts-with(normalize-space(.), "${label}")]/@for])`,
  );
  await field?.focus();
  await dashboard.page.keyboard.type(text);
}

describe('the restore dialog', () => {
  it('shows what would change and what should be known before it asks for the yes', async () => {
    scene.service.answer(
      'restore',
      { body: plan() },
      { status: 202, body: aRestore({ warnings: [WARNING] }) },
    );
    scene.service.answer(
      'restoreGet',
      { body: aRestore({ done_bytes: 40_000_000 }) },
      { body: aRestore({ state: 'done', sessions: [aRestoreItem({ state: 'restored' })] }) },
    );
    await dashboard.press(button('Restore …'));
    await choose('One workspace');
    await fill('Workspace', '7');
    await dashboard.page.select('#restore-at', older.id);
    await dashboard.press(inDialog('Show what would change'));

    await dashboard.sees('dialog[open]', 'Restore workspace 7?');
    expect(asked()).toEqual([{ at: older.id, workspace_id: '7', dry_run: true, force: false }]);
    expect(await dashboard.textOf('dialog[open] .warnings')).toContain(WARNING);
    const table = await dashboard.textOf('dialog[open] tbody');
    expect(table).toContain('Refused: it was linked anew since');
    expect(table).toContain('Replaced');
    await dashboard.sees(confirm, 'Restore 1 session');

    await dashboard.press(confirm);
    await dashboard.sees('dialog[open]', '40 MB of 100 MB');
    // What was shown is what is restored, whatever is the latest by now.
    expect(asked()[1]).toEqual({ at: plan().backup, workspace_id: '7', force: false, dry_run: false });
    await dashboard.sees('dialog[open]', 'Undo: put back what was there');
  });

  it('looks again before it restores what is refused', async () => {
    const forced = plan({
      sessions: [aRestoreItem(), aRestoreItem({ session_id: 'b', refusal: 'relinked' })],
    });
    scene.service.answer('restore', { body: plan() }, { body: forced });
    await dashboard.press(button('Restore …'));
    await fill('Session', 'sales');
    await dashboard.press(inDialog('Show what would change'));
    await dashboard.sees(confirm, 'Restore 1 session');
    await dashboard.press('dialog[open] .check input');
    await dashboard.sees(confirm, 'Restore 2 sessions');
    expect(asked()[1]).toMatchObject({ session_id: 'sales', dry_run: true, force: true });
    expect(asked()).toHaveLength(2);
  });

  it('wants the word typed before everything is restored', async () => {
    const all = plan({ request: { at: 'latest', dry_run: true, force: false } });
    scene.service.answer('restore', { body: all });
    await dashboard.press(button('Restore …'));
    await choose('Everything');
    await dashboard.press(inDialog('Show what would change'));
    await dashboard.sees('dialog[open]', 'Restore everything?');
    const isDisabled = () => dashboard.page.$eval(confirm, (each) => each.hasAttribute('disabled'));
    expect(await isDisabled()).toBe(true);
    await fill('Type “everything”', 'everything');
    await eventually(async () => !(await isDisabled()));
    await dashboard.press(inDialog('Back'));
    await dashboard.sees('dialog[open]', 'Show what would change');
    expect(asked()).toHaveLength(1);
  });

  it('says in the words of the service why nothing can be restored', async () => {
    scene.service.answer(
      'restore',
      serviceProblem(404, 'backup_not_found', 'No backup was finished by then.'),
    );
    await dashboard.press(button('Restore …'));
    await fill('Session', 'sales');
    await dashboard.page.select('#restore-at', 'time');
    await dashboard.page.$eval('#restore-time', (input) => {
      const field = input as unknown as { value: string; dispatchEvent(event: object): void };
      field.value = '2026-11-20T10:30';
      field.dispatchEvent(new Event('input', { bubbles: true }));
    });
    await dashboard.press(inDialog('Show what would change'));
    await dashboard.sees('dialog[open] [role=alert]', 'No backup was finished by then.');
    expect(asked()[0].at).toMatch(/^2026-11-\d\dT\d\d:30:00\.000Z$/);
    dashboard.excuse(/status of 404/);
  });
});

describe('a restore', () => {
  it('is opened from its address and ended by button', async () => {
    scene.service.answer('restoreGet', { body: aRestore() });
    scene.service.answer('restoreCancel', { status: 202, body: aRestore({ state: 'cancelled' }) });
    await dashboard.show(`backups/${RESTORE_ID}`);
    await dashboard.sees('dialog[open]', 'It goes on when this is closed');
    await dashboard.press(inDialog('End it'));
    await dashboard.sees('.toast-place', 'what was restored stays');
    expect(scene.service.askedOf('restoreCancel')).toHaveLength(1);
    await dashboard.page.keyboard.press('Escape');
    await dashboard.seesNo('dialog');
    expect(dashboard.page.url()).toMatch(/#\/backups$/);
  });

  it('is listed, and undone by button', async () => {
    const done = aRestore({ state: 'done', sessions: [aRestoreItem({ state: 'restored', trash: 't' })] });
    scene.service.answer('restores', { body: { restores: [done] } });
    scene.service.answer('restoreGet', { body: done });
    scene.service.answer('restoreUndo', { status: 202, body: aRestore({ state: 'undoing' }) });
    await dashboard.press('::-p-xpath(//a[starts-with(normalize-space(.), "Restore of")])');
    await dashboard.press(inDialog('Undo: put back what was there'));
    await dashboard.sees('.toast-place', 'put back');
    expect(scene.service.askedOf('restoreUndo')).toHaveLength(1);
  });
});
