import { describe, expect, it } from 'vitest';
import { useBackupScene } from '../helpers/backup-scene.ts';
import { aBackup, aBackupList, anOperation } from '../helpers/backup-values.ts';
import { serviceProblem } from '../helpers/fake-backup-service.ts';

const scene = useBackupScene();
const { wharf } = scene;

const BACKUP = '20261122T090003Z';

const list = aBackupList({
  backups: [
    aBackup(),
    aBackup({
      id: '20261122T080003Z',
      started_at: '2026-11-22T08:00:03.000Z',
      finished_at: '2026-11-22T08:00:51.000Z',
      state: 'partial',
      carried: 2,
      missed: 1,
      restore_bytes: null,
      kept_as: ['hourly'],
    }),
    aBackup({
      id: '20261122T070003Z',
      started_at: '2026-11-22T07:00:03.000Z',
      state: 'damaged',
      kept_as: ['damaged'],
    }),
  ],
});

describe('wharf backup list', () => {
  it('shows times, sizes and why each is kept; where they are, and when the next is made', async () => {
    scene.service.answer('list', { body: list });
    const ran = await wharf(['backup', 'list']);
    expect(ran.code).toBe(0);
    expect(ran.out).toBe(
      [
        'BACKUP            FINISHED              AGE         SESSIONS  SIZE    SENT   RESTORE  STATE                         KEPT AS',
        '20261122T090003Z  2026-11-22T09:00:41Z  29 min ago  25        2.5 GB  34 MB  900 MB   complete                      hourly, daily',
        '20261122T080003Z  2026-11-22T08:00:51Z  1 h ago     25        2.5 GB  34 MB  -        partial, 2 carried, 1 missed  hourly',
        '20261122T070003Z  2026-11-22T07:00:03Z  2 h ago     -         -       -      -        DAMAGED                       damaged',
        '',
        'Kept in s3://company/backups/, made at "0 * * * *" (UTC) by backup-1 (process 7 on host-a).',
        'The last one that succeeded is from 29 min ago; the next in 30 min.',
        '1 backup cannot be read. "wharf backup verify --all" says what else is damaged.',
        '',
      ].join('\n'),
    );
  });

  it('makes a damaged one stand out', async () => {
    scene.service.answer('list', { body: list });
    expect((await wharf(['backup', 'list'], { color: true })).out).toContain('\u001b[31mDAMAGED\u001b[39m');
  });

  it('gives all of it under --json', async () => {
    scene.service.answer('list', { body: list });
    expect(JSON.parse((await wharf(['backup', 'list', '--json'])).out)).toEqual(list);
  });

  it('says how to begin where there is none, and tells of a run that goes on', async () => {
    const running = anOperation({ done: 3, bytes: 2_000_000, left_seconds: 95 });
    scene.service.answer('list', { body: { ...list, backups: [], last_success: null, running } });
    const { out } = await wharf(['backup', 'list']);
    expect(out).toContain('There is no backup yet. Make one: wharf backup run');
    expect(out).toContain('None has succeeded yet; the next in 30 min.');
    expect(out).toContain('A run goes on: 3/25 sessions, 2.0 MB, about 1 min 35 s left');
  });
});

describe('wharf backup show', () => {
  const contents = [
    {
      workspace_id: 7,
      session_id: 'sales',
      taken_at: '2026-11-22T09:00:05.000Z',
      carried: null,
      linked: true,
      phone_number: '491701234567',
      epoch: 3,
      generation: 3,
      chromium: '140.0.1',
      files: 312,
      bytes: 104_000_000,
      frozen_ms: 61.4,
      archive: 'a'.repeat(64),
    },
    {
      workspace_id: 7,
      session_id: 'new',
      taken_at: '2026-11-22T08:00:05.000Z',
      carried: 'its owner did\nnot answer',
      linked: false,
      phone_number: null,
      epoch: 3,
      generation: 3,
      chromium: null,
      files: 0,
      bytes: 0,
      frozen_ms: null,
      archive: null,
    },
  ];
  const not_in_it = [{ workspace_id: '8', session_id: 'lost', reason: 'no instance owns it' }];

  it('shows the sessions, which of them are older, and what is missing', async () => {
    scene.service.answer('get', { body: { ...aBackup(), contents, not_in_it } });
    const ran = await wharf(['backup', 'show', BACKUP, '-w', '7']);
    expect(ran.code).toBe(0);
    expect(scene.service.asked[0]?.url).toBe(`/api/backups/${BACKUP}?workspace_id=7`);
    expect(ran.out).toMatch(/^backup +20261122T090003Z$/m);
    expect(ran.out).toMatch(
      /^7 +sales +491701234567 +2026-11-22T09:00:05Z +29 min ago +104 MB +312 +61 ms$/m,
    );
    expect(ran.out).toMatch(/^7 +new +not linked .* from an earlier backup: its owner did not answer$/m);
    expect(ran.out).toContain('Not in it: 8/lost: no instance owns it');
  });

  it('says what the service says of a backup that is not there: it names the nearest', async () => {
    const detail = 'There is no backup 20261122T090003Z. The nearest: 20261122T080003Z.';
    scene.service.answer('get', serviceProblem(404, 'backup_not_found', detail));
    const ran = await wharf(['backup', 'show', BACKUP]);
    expect([ran.code, ran.err]).toEqual([1, expect.stringContaining(detail)]);
  });
});

describe('wharf backup run', () => {
  const done = anOperation({
    state: 'done',
    done: 25,
    bytes: 34_000_000,
    ended_at: '2026-11-22T09:00:41.000Z',
    backup: BACKUP,
  });

  it('follows it to its end, and says what was made', async () => {
    scene.service.answer('run', { status: 202, body: anOperation() });
    scene.service.answer('operation', { body: anOperation({ done: 12, left_seconds: 20 }) }, { body: done });
    scene.service.answer('get', { body: { ...aBackup(), contents: [], not_in_it: [] } });
    const ran = await wharf(['backup', 'run']);
    expect(ran.code).toBe(0);
    expect(ran.err).toBe('0/25 sessions\n25/25 sessions, 34 MB\n');
    expect(ran.out).toBe('Backup 20261122T090003Z complete: 25 sessions, 2.5 GB; 34 MB sent in 38 s.\n');
  });

  it('draws a bar where a person watches', async () => {
    scene.service.answer('run', { status: 202, body: anOperation() });
    const half = anOperation({ done: 12, bytes: 5_000_000, left_seconds: 20, doing: '7/sales' });
    scene.service.answer('operation', { body: half }, { body: done });
    scene.service.answer('get', { body: { ...aBackup(), contents: [], not_in_it: [] } });
    const { err } = await wharf(['backup', 'run'], { answers: [] });
    expect(err.split('\r\u001b[2K').slice(1)).toEqual([
      '[░░░░░░░░░░░░░░░░░░░░] 0/25 sessions',
      '[█████████░░░░░░░░░░░] 12/25 sessions, 5.0 MB, about 20 s left: 7/sales',
      '[████████████████████] 25/25 sessions, 34 MB\n',
    ]);
  });

  it('ends with 1 where sessions could not be copied, and names them', async () => {
    scene.service.answer('run', { status: 202, body: anOperation() });
    const findings = ['7/sales: its owner did not answer; carried from 20261122T080003Z'];
    scene.service.answer('operation', { body: { ...done, failed: 1, findings } });
    scene.service.answer('get', {
      body: { ...aBackup({ state: 'partial', carried: 1 }), contents: [], not_in_it: [] },
    });
    const ran = await wharf(['backup', 'run']);
    expect(ran.code).toBe(1);
    expect(ran.out).toContain('Backup 20261122T090003Z partial, 1 carried: 25 sessions');
    expect(ran.err).toMatch(
      /1 session could not be copied:\n {2}7\/sales: its owner.*\(backup_partial\)\n$/s,
    );
  });

  it('tells what it found where nothing failed: a session that was lost, and is carried', async () => {
    scene.service.answer('run', { status: 202, body: anOperation() });
    scene.service.answer('operation', { body: { ...done, findings: ['7/sales is not there any more'] } });
    scene.service.answer('get', {
      body: { ...aBackup({ state: 'partial', carried: 1 }), contents: [], not_in_it: [] },
    });
    const ran = await wharf(['backup', 'run']);
    expect([ran.code, ran.out]).toEqual([
      0,
      expect.stringMatching(/\n {2}7\/sales is not there any more\n$/),
    ]);
  });

  it('ends with 1 where it failed, with the reason, under --json too', async () => {
    scene.service.answer('run', { status: 202, body: anOperation() });
    scene.service.answer('operation', {
      body: anOperation({ state: 'failed', error: 'the bucket refuses (403)' }),
    });
    const ran = await wharf(['backup', 'run', '--json']);
    expect(ran.code).toBe(1);
    expect(JSON.parse(ran.out)).toMatchObject({ state: 'failed' });
    expect(JSON.parse(ran.err).error).toEqual({
      code: 'run_failed',
      detail: 'The run failed: the bucket refuses (403)',
    });
  });

  it('does not wait under --no-wait', async () => {
    scene.service.answer('run', { status: 202, body: anOperation() });
    const ran = await wharf(['backup', 'run', '--no-wait']);
    expect(ran).toMatchObject({ code: 0, out: 'The run has begun. Follow with: wharf backup operations\n' });
    expect(scene.service.askedOf('operation')).toEqual([]);
  });

  it('says what runs where one does', async () => {
    scene.service.answer(
      'run',
      serviceProblem(409, 'backup_busy', 'The backup service is at a run (run-1).'),
    );
    const ran = await wharf(['backup', 'run']);
    expect([ran.code, ran.err]).toEqual([1, expect.stringContaining('"wharf backup operations"')]);
  });

  it('says on Ctrl-C that it goes on', async () => {
    const stop = new AbortController();
    scene.service.answer('run', { status: 202, body: anOperation() });
    scene.service.answer('operation', (response) => {
      response.end(JSON.stringify(anOperation()));
      stop.abort(new Error('Ctrl-C'));
    });
    const ran = await wharf(['backup', 'run'], { signal: stop.signal });
    expect(ran.code).toBe(1);
    expect(ran.err).toContain(
      'Stopped waiting. The run goes on: "wharf backup operations" shows it. (stopped)',
    );
  });

  it('says so where the service was started anew meanwhile', async () => {
    scene.service.answer('run', { status: 202, body: anOperation() });
    scene.service.answer('operation', serviceProblem(404, 'not_found', 'There is no operation run-1.'));
    const ran = await wharf(['backup', 'run']);
    expect([ran.code, ran.err]).toEqual([1, expect.stringContaining('started anew meanwhile')]);
  });
});

describe('wharf backup operations', () => {
  it('lists them', async () => {
    const operations = [
      anOperation({
        kind: 'verify',
        id: 'verify-2',
        done: 3,
        total: 10,
        started_at: '2026-11-22T09:29:00.000Z',
      }),
      anOperation({ state: 'failed', error: 'the bucket refuses', ended_at: '2026-11-22T09:00:10.000Z' }),
    ];
    scene.service.answer('operations', { body: { operations } });
    const { out } = await wharf(['backup', 'operations']);
    expect(out).toMatch(/^verify-2 +verify +running +1 min ago +1 min +3\/10 objects/m);
    expect(out).toMatch(/^run-1 +run +failed +29 min ago +7 s +0\/25 sessions +the bucket refuses$/m);
  });
});

describe('wharf status', () => {
  it('tells of the last backup, of what goes on, and that there is none', async () => {
    scene.service.answer('list', { body: aBackupList() });
    expect((await wharf(['status'])).out).toContain('\nLast backup 29 min ago\n');
    scene.service.answer('list', { body: aBackupList({ running: anOperation() }) });
    expect((await wharf(['status'])).out).toContain('\nLast backup 29 min ago; a run goes on\n');
    scene.service.answer('list', { body: aBackupList({ last_success: null }) });
    expect((await wharf(['status'])).out).toContain('\nNo backup has been made yet\n');
    expect(JSON.parse((await wharf(['status', '--json'])).out).backups).toMatchObject({
      kept: 0,
      running: null,
    });
  });

  it('shows the rest where nobody makes backups, and says so', async () => {
    scene.service.answer('list', serviceProblem(503, 'backup_unavailable', 'No backup service runs.'));
    const ran = await wharf(['status']);
    expect(ran.code).toBe(0);
    expect(ran.out).toContain(`Fleet ${scene.fleet.url}`);
    expect(ran.out).toContain('\nNo backup service runs: wharf backup list\n');
  });
});

describe('their help', () => {
  it.each(['list', 'show', 'run', 'verify', 'prune', 'export', 'operations'])(
    'of %s has examples',
    async (name) => {
      const ran = await wharf(['backup', name, '--help']);
      expect([ran.code, ran.out]).toEqual([0, expect.stringMatching(/Examples?:\n {2}\$ wharf /)]);
    },
  );

  it.each([['show', 'yesterday'], ['verify', '2026-11-22'], ['export', '1', 'sales'], ['lsit']])(
    'is pointed to after a mistake, with 2: backup %s %s',
    async (...words) => {
      const ran = await wharf(['backup', ...words.filter(Boolean)]);
      expect(ran.code).toBe(2);
      expect(ran.err).toMatch(/wharf backup list|Did you mean list/);
      expect(scene.service.asked).toEqual([]);
    },
  );
});
