import { describe, expect, it } from 'vitest';
import { useBackupScene } from '../helpers/backup-scene.ts';
import { aRestore, aRestoreItem, RESTORE_ID } from '../helpers/backup-values.ts';
import { serviceProblem } from '../helpers/fake-backup-service.ts';

const scene = useBackupScene();
const { wharf } = scene;

const BACKUP = '20261122T090003Z';

const warnings = ['Messages since then may show as "waiting" until their senders repeat them.'];
const deleted = aRestoreItem({
  session_id: 'old',
  state: 'refused',
  refusal: 'deleted',
  action: 'create',
  status: null,
});
const plan = aRestore({
  id: null,
  state: 'planned',
  warnings,
  fleet_files: ['webhooks/7.json'],
  sessions: [aRestoreItem(), deleted],
});
const begun = aRestore({ sessions: [aRestoreItem(), deleted] });
const restored = aRestoreItem({ state: 'restored', trash: 'workspace_7/trash/x' });
const ended = aRestore({
  state: 'done',
  ended_at: '2026-11-22T09:30:08.000Z',
  done_bytes: 100_000_000,
  sessions: [restored, deleted],
});

/** Plans, begins and ends a restore. */
function answerWell(): void {
  scene.service.answer('restore', { body: plan }, { status: 202, body: begun });
  scene.service.answer('restoreGet', { body: ended });
}

describe('wharf restore --dry-run', () => {
  it('shows what would change, what is refused and why, and what should be known', async () => {
    scene.service.answer('restore', { body: plan });
    const ran = await wharf(['restore', '--workspace', '7', '--dry-run']);
    expect(ran.code).toBe(0);
    expect(ran.out).toBe(
      [
        'From backup 20261122T090003Z (29 min ago):',
        '',
        'WORKSPACE  SESSION  IS NOW  WILL BE                 AS OF                 AGE         SIZE',
        '7          old      -       refused: deleted since  2026-11-22T09:00:05Z  29 min ago  100 MB',
        '7          sales    ready   replaced                2026-11-22T09:00:05Z  29 min ago  100 MB',
        'Also written, since they are not there: webhooks/7.json',
        '',
        '1 session to restore, 100 MB to write where 12 GB are free; 1 refused.',
        `Note: ${warnings[0]}`,
        '',
      ].join('\n'),
    );
    expect(scene.service.asked).toHaveLength(1);
    expect(scene.service.asked[0]?.body).toEqual({
      at: 'latest',
      workspace_id: '7',
      dry_run: true,
      force: false,
    });
  });

  it.each([
    ['latest', 'latest'],
    [BACKUP, BACKUP],
    ['2026-11-22T10:00:00+01:00', '2026-11-22T09:00:00.000Z'],
    ['2026-11-22 09:00Z', '2026-11-22T09:00:00.000Z'],
  ])('takes %s as a time', async (at, asked) => {
    scene.service.answer('restore', { body: plan });
    expect((await wharf(['restore', '--at', at, '--dry-run'])).code).toBe(0);
    expect(scene.service.asked[0]?.body.at).toBe(asked);
  });

  it.each(['yesterday', '2026-11-22', '2026-11-22T09:00', '2026-13-01T09:00Z', '20261122'])(
    'refuses %s as a time, with 2, and says what is one',
    async (at) => {
      const ran = await wharf(['restore', '--at', at, '--dry-run']);
      expect(ran.code).toBe(2);
      expect(ran.err).toContain('a time with its zone, such as 2026-11-22T09:00:00Z');
      expect(scene.service.asked).toEqual([]);
    },
  );

  it('names the nearest times where there is none of that time', async () => {
    const detail = 'No backup was finished by 2026-11-01T00:00:00Z; the oldest is 20261122T080003Z.';
    scene.service.answer('restore', serviceProblem(404, 'backup_not_found', detail));
    const ran = await wharf(['restore', '--at', '2026-11-01T00:00Z', '--dry-run']);
    expect(ran.code).toBe(1);
    expect(ran.err).toContain(detail);
  });

  it('passes 007 on to be refused, with 2', async () => {
    const ran = await wharf(['restore', '-w', '007', '--dry-run']);
    expect([ran.code, scene.service.asked]).toEqual([2, []]);
  });
});

describe('wharf restore', () => {
  it('refuses with 2 where nobody can be asked, and asks for nothing', async () => {
    const ran = await wharf(['restore', '--session', 'sales']);
    expect([ran.code, ran.err]).toEqual([2, expect.stringContaining('--yes')]);
    expect(scene.service.asked).toEqual([]);
  });

  it('shows everything first and then asks; a yes restores the very backup that was shown', async () => {
    answerWell();
    const ran = await wharf(['restore', '-w', '7'], { answers: ['yes'] });
    expect(ran.code).toBe(0);
    expect(ran.err).toMatch(
      /^From backup 20261122T090003Z.*Note: Messages since.*Restore workspace 7|everything/s,
    );
    expect(ran.err).toContain('(1 session)? Type yes: ');
    expect(scene.service.askedOf('restore')[1]?.body).toMatchObject({
      at: BACKUP,
      dry_run: false,
      force: false,
    });
    expect(ran.out).toMatch(/^7 +sales +restored/m);
    expect(ran.out).toContain(`wharf restore --undo ${RESTORE_ID}`);
  });

  it.each(['', 'y', 'no', 'yes please'])('takes "%s" for a no', async (answer) => {
    answerWell();
    const ran = await wharf(['restore', '-w', '7'], { answers: [answer] });
    expect([ran.code, ran.err]).toEqual([1, expect.stringContaining('Nothing was done.')]);
    expect(scene.service.askedOf('restore')).toHaveLength(1);
  });

  it('tells what should be known under --yes too, before it begins', async () => {
    answerWell();
    const ran = await wharf(['restore', '-s', 'sales', '--yes', '--force']);
    expect(ran.code).toBe(0);
    expect(ran.err).toBe(
      `Note: ${warnings[0]}\n0/1 session restored, 0 B of 100 MB\n1/1 session restored, 100 MB of 100 MB\n`,
    );
    expect(scene.service.askedOf('restore')[1]?.body).toEqual({
      at: BACKUP,
      session_id: 'sales',
      dry_run: false,
      force: true,
    });
  });

  it('tells of one session in a line', async () => {
    scene.service.answer('restore', { body: plan }, { status: 202, body: begun });
    const request = { at: 'latest', session_id: 'sales', dry_run: false, force: false } as const;
    scene.service.answer('restoreGet', { body: { ...ended, request, sessions: [restored] } });
    const ran = await wharf(['restore', '-s', 'sales', '--yes']);
    expect(ran.out).toBe(
      `Restored session 7/sales as of 2026-11-22T09:00:05Z.\nWhat was there before is kept in the trash. To put it back: wharf restore --undo ${RESTORE_ID}\n`,
    );
  });

  it('prints nothing but JSON under --json', async () => {
    answerWell();
    const ran = await wharf(['restore', '--yes', '--json']);
    expect(ran.err).toBe('');
    expect(JSON.parse(ran.out)).toEqual(ended);
  });

  it('ends with 1 where a session failed, with the reason of each', async () => {
    const failed = aRestoreItem({ session_id: 'torn', state: 'failed', error: 'objects/ab/abcd is damaged' });
    scene.service.answer('restore', { body: plan }, { status: 202, body: begun });
    scene.service.answer('restoreGet', { body: aRestore({ state: 'failed', sessions: [restored, failed] }) });
    const ran = await wharf(['restore', '-w', '7', '--yes']);
    expect(ran.code).toBe(1);
    expect(ran.out).toMatch(/7 +torn +failed.*\n7 +sales +restored/);
    expect(ran.err).toMatch(
      /1 session of 2 failed:\n {2}7\/torn: objects\/ab\/abcd is damaged\n.*\(restore_failed\)/s,
    );
  });

  it('begins nothing where all is refused, and names --force', async () => {
    scene.service.answer('restore', { body: aRestore({ id: null, state: 'planned', sessions: [deleted] }) });
    const ran = await wharf(['restore', '-s', 'old', '--yes']);
    expect(ran.code).toBe(1);
    expect(ran.err).toMatch(/7\/old: it was deleted since\n.*--force.*\(restore_refused\)/s);
    expect(scene.service.askedOf('restore')).toHaveLength(1);
  });

  it('says on Ctrl-C that it goes on, how to look, and how to end it', async () => {
    const stop = new AbortController();
    answerWell();
    scene.service.answer('restoreGet', (response) => {
      response.end(JSON.stringify(begun));
      stop.abort(new Error('Ctrl-C'));
    });
    const ran = await wharf(['restore', '--yes'], { signal: stop.signal });
    expect(ran.code).toBe(1);
    expect(ran.err).toContain(
      `Stopped waiting. The restore goes on: "wharf restores ${RESTORE_ID}" shows it, "wharf restore --cancel ${RESTORE_ID}" ends it.`,
    );
  });

  it('goes on watching while the backup service is away for a moment', async () => {
    answerWell();
    scene.service.answer('restoreGet', (response) => response.destroy(), { body: ended });
    expect((await wharf(['restore', '--yes'])).code).toBe(0);
  });

  it('does not wait under --no-wait', async () => {
    answerWell();
    const ran = await wharf(['restore', '--yes', '--no-wait']);
    expect(ran).toMatchObject({
      code: 0,
      out: `${RESTORE_ID} has begun. Follow with: wharf restores ${RESTORE_ID}\n`,
    });
    expect(scene.service.askedOf('restoreGet')).toEqual([]);
  });

  it('says that no backup service runs, and how one is started', async () => {
    await scene.service.release();
    let ran = await wharf(['restore', '--yes']);
    // Routers believe for a second who holds the lease.
    while (ran.err.includes('not_found')) ran = await wharf(['restore', '--yes']);
    await scene.service.hold();
    expect([ran.code, ran.err]).toEqual([1, expect.stringContaining('node dist/backup/main.js')]);
    expect(ran.err).toContain('(backup_unavailable');
  });
});

describe('wharf restore --undo', () => {
  it('asks first, and follows it to its end', async () => {
    const undone = aRestore({
      state: 'undone',
      request: { at: 'latest', session_id: 'sales', dry_run: false, force: false },
      sessions: [aRestoreItem({ state: 'undone' })],
    });
    scene.service.answer('restoreUndo', {
      status: 202,
      body: { ...ended, state: 'undoing', sessions: [restored] },
    });
    scene.service.answer('restoreGet', { body: undone });
    expect((await wharf(['restore', '--undo', RESTORE_ID])).code).toBe(2);
    expect((await wharf(['restore', '--undo', RESTORE_ID], { answers: ['n'] })).code).toBe(1);
    expect(scene.service.asked).toEqual([]);
    const ran = await wharf(['restore', '--undo', RESTORE_ID, '--yes']);
    expect(ran).toMatchObject({ code: 0, out: `Put back session 7/sales as it was before ${RESTORE_ID}.\n` });
    expect(ran.err).toBe('0/1 session put back\n1/1 session put back\n');
  });

  it('that is refused tells of no session that it was restored, ends with 1, and says why', async () => {
    const refused = aRestoreItem({
      state: 'restored',
      error: 'Restore r-1 is not undone: it was linked anew since.',
    });
    const request = { at: 'latest', session_id: 'sales', dry_run: false, force: false } as const;
    scene.service.answer('restoreUndo', { status: 202, body: aRestore({ state: 'undoing', request }) });
    scene.service.answer('restoreGet', { body: aRestore({ state: 'failed', request, sessions: [refused] }) });
    const ran = await wharf(['restore', '--undo', RESTORE_ID, '--yes']);
    expect(ran.code).toBe(1);
    expect(ran.out).not.toContain('Restored');
    expect(ran.out).toMatch(/^7 +sales +restored .*linked anew since/m);
    expect(ran.err).toMatch(
      /1 session of 1 not put back:\n {2}7\/sales: Restore r-1 is not undone: it was linked anew since\.\nEach stays as it was.*--undo r-.*\(restore_failed\)/s,
    );
    expect(ran.err).not.toContain('log of the backup service');
  });

  it('ends well where all is put back that there was to put back, whatever had failed before', async () => {
    const failed = aRestoreItem({ session_id: 'torn', state: 'failed', error: 'objects/ab/abcd is damaged' });
    const sessions = [aRestoreItem({ state: 'undone' }), failed];
    scene.service.answer('restoreUndo', { status: 202, body: aRestore({ state: 'undoing' }) });
    scene.service.answer('restoreGet', { body: aRestore({ state: 'undone', sessions }) });
    const ran = await wharf(['restore', '--undo', RESTORE_ID, '--yes']);
    expect([ran.code, ran.err]).toEqual([0, expect.not.stringContaining('failed:')]);
  });

  it.each([
    ['--undo', '1'],
    ['--cancel', 'latest'],
    ['--undo', RESTORE_ID, '--session', 'sales'],
    ['--undo', RESTORE_ID, '--cancel', RESTORE_ID],
    ['--cancel', RESTORE_ID, '--at', 'latest'],
  ])('ends with 2 for %s %s %s', async (...words) => {
    expect((await wharf(['restore', ...words])).code).toBe(2);
    expect(scene.service.asked).toEqual([]);
  });
});

describe('wharf restore --cancel', () => {
  it('ends a restore, and says what stays', async () => {
    scene.service.answer('restoreCancel', { status: 202, body: begun });
    const ran = await wharf(['restore', '--cancel', RESTORE_ID]);
    expect([ran.code, ran.out]).toEqual([0, expect.stringContaining('what was restored already stays so')]);
    expect(scene.service.asked[0]?.url).toBe(`/api/restores/${RESTORE_ID}/cancel`);
  });
});

describe('wharf restores', () => {
  it('lists them, and shows one with how it is undone', async () => {
    scene.service.answer('restores', { body: { restores: [begun, ended] } });
    const listed = await wharf(['restores']);
    expect(listed.out).toMatch(
      /^r-20261122T093000Z-1a2b3c +0 s ago +everything +20261122T090003Z +running +0\/1 session restored/m,
    );
    scene.service.answer('restoreGet', { body: ended });
    const shown = await wharf(['restores', RESTORE_ID]);
    expect(shown.out).toContain(`Restore ${RESTORE_ID} of everything from backup ${BACKUP}: done`);
    expect(shown.out).toMatch(/^7 +old +refused .* it was deleted since$/m);
    expect(shown.out).toContain(`wharf restore --undo ${RESTORE_ID}`);
  });

  it('says what the service says of one that is not there: it names the newest', async () => {
    scene.service.answer('restoreGet', serviceProblem(404, 'restore_not_found', 'There is no such restore.'));
    const ran = await wharf(['restores', RESTORE_ID]);
    expect([ran.code, ran.err]).toEqual([1, expect.stringContaining('There is no such restore.')]);
  });
});

describe('their help', () => {
  it.each(['restore', 'restores'])('of %s has examples', async (name) => {
    const ran = await wharf([name, '--help']);
    expect([ran.code, ran.out]).toEqual([0, expect.stringMatching(/Examples?:\n {2}\$ wharf /)]);
  });
});
