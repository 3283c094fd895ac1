import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { backupRoutes } from '../../fleet/backup/api.ts';
import { useBackupScene } from '../helpers/backup-scene.ts';
import { aBackup, anOperation, aRestore, RESTORE_ID } from '../helpers/backup-values.ts';
import { eventually } from '../helpers/eventually.ts';
import { FakeBackupService, serviceProblem } from '../helpers/fake-backup-service.ts';

const scene = useBackupScene();

const BACKUP = '20261122T090003Z';

describe('what is asked of backups', () => {
  it('reaches the service with its query, and comes back as the service said it', async () => {
    scene.service.answer('get', { body: { ...aBackup(), contents: [], not_in_it: [] } });
    const told = await scene.fleet.ask('GET', `/api/backups/${BACKUP}?workspace_id=7`, {
      headers: { 'X-Request-Id': 'asked-by-a-test' },
    });
    expect(told.status).toBe(200);
    expect(told.json).toMatchObject({ id: BACKUP, state: 'complete' });
    expect(told.headers.get('x-request-id')).toBe('asked-by-a-test');
    expect(scene.service.asked).toEqual([
      {
        route: 'get',
        method: 'GET',
        url: `/api/backups/${BACKUP}?workspace_id=7`,
        body: undefined,
        requestId: 'asked-by-a-test',
      },
    ]);
  });

  it('reaches it with its body, checked and filled in', async () => {
    scene.service.answer('restore', { status: 202, body: aRestore() });
    const told = await scene.fleet.ask('POST', '/api/restores', {
      body: { workspace_id: 7, session_id: 'sales' },
    });
    expect([told.status, told.json.id]).toEqual([202, RESTORE_ID]);
    expect(scene.service.asked[0]?.body).toEqual({
      at: 'latest',
      workspace_id: '7',
      session_id: 'sales',
      dry_run: false,
      force: false,
    });
  });

  it('finds its way to operations, which are no backups', async () => {
    scene.service.answer('operations', { body: { operations: [anOperation()] } });
    expect((await scene.fleet.ask('GET', '/api/backups/operations')).json.operations).toHaveLength(1);
    scene.service.answer('operation', { body: anOperation() });
    expect((await scene.fleet.ask('GET', '/api/backups/operations/run-1')).json.id).toBe('run-1');
    expect(scene.service.asked.map((each) => each.route)).toEqual(['operations', 'operation']);
  });

  it('is refused by the service in its own words', async () => {
    scene.service.answer('run', serviceProblem(409, 'backup_busy', 'A backup is running: run-1.'));
    const told = await scene.fleet.ask('POST', '/api/backups');
    expect(told.status).toBe(409);
    expect(told.json).toMatchObject({ code: 'backup_busy', detail: 'A backup is running: run-1.' });
    expect(told.headers.get('content-type')).toContain('application/problem+json');
  });

  it.each([
    ['GET', '/api/backups/yesterday', undefined],
    ['GET', '/api/backups?all=1', undefined],
    ['POST', '/api/backups', { when: 'now' }],
    ['POST', '/api/backups/verify', { backup: 'x' }],
    ['POST', '/api/backups/prune', { dryrun: true }],
    ['GET', `/api/backups/${BACKUP}/export`, undefined],
    ['POST', '/api/restores', { at: 'yesterday' }],
    ['POST', '/api/restores', { workspace_id: '007' }],
    ['GET', '/api/restores/1', undefined],
    ['POST', `/api/restores/${RESTORE_ID}/undo`, { really: true }],
  ])('is refused before it gets there: %s %s %j', async (method, path, body) => {
    const told = await scene.fleet.ask(method, path, { body });
    expect([told.status, told.json.code]).toEqual([400, 'invalid_request']);
    expect(scene.service.asked).toEqual([]);
  });

  it.each(Object.values(backupRoutes).map(({ method, path }) => [method.toUpperCase(), path]))(
    'is for admins alone: %s %s',
    async (method, path) => {
      const made = await scene.fleet.ask('POST', '/api/fleet/keys', { body: { workspace_id: 7 } });
      const at = path
        .replace(':backup', BACKUP)
        .replace(':restore', RESTORE_ID)
        .replace(':operation', 'run-1');
      const told = await scene.fleet.ask(method, at, { key: made.json.key });
      expect([told.status, told.json.code]).toEqual([403, 'forbidden']);
      expect((await scene.fleet.ask(method, at, { key: null })).status).toBe(401);
      expect(scene.service.asked).toEqual([]);
    },
  );
});

describe('an export', () => {
  const piece = Buffer.alloc(64 * 1024, 'wharf');

  it('comes through byte for byte, with its name', async () => {
    scene.service.answer('export', async (response) => {
      response.writeHead(200, {
        'Content-Type': 'application/x-tar',
        'Content-Disposition': 'attachment; filename="sales.tar"',
      });
      for (let number = 0; number < 200; number += 1) {
        if (!response.write(piece)) await new Promise((resolve) => response.once('drain', resolve));
      }
      response.end();
    });
    const response = await fetch(`${scene.fleet.url}/api/backups/latest/export?session_id=sales`, {
      headers: { Authorization: 'Bearer admin-key-of-a-test-fleet-0123456789' },
    });
    expect(response.headers.get('content-type')).toBe('application/x-tar');
    expect(response.headers.get('content-disposition')).toContain('sales.tar');
    const hash = createHash('sha256')
      .update(Buffer.from(await response.arrayBuffer()))
      .digest('hex');
    const wanted = createHash('sha256');
    for (let number = 0; number < 200; number += 1) wanted.update(piece);
    expect(hash).toBe(wanted.digest('hex'));
  });

  it('that breaks off is cut for the caller too', async () => {
    scene.service.answer('export', (response) => {
      response.writeHead(200, { 'Content-Type': 'application/x-tar' });
      response.write(piece, () => response.destroy());
    });
    const response = await fetch(`${scene.fleet.url}/api/backups/latest/export?session_id=sales`, {
      headers: { Authorization: 'Bearer admin-key-of-a-test-fleet-0123456789' },
    });
    await expect(response.arrayBuffer()).rejects.toThrow();
  });

  it('is ended when the caller leaves', async () => {
    let ended = false;
    scene.service.answer('export', (response) => {
      response.writeHead(200, { 'Content-Type': 'application/x-tar' });
      response.write(piece);
      response.once('close', () => {
        ended = true;
      });
    });
    const leaving = new AbortController();
    await fetch(`${scene.fleet.url}/api/backups/latest/export?session_id=sales`, {
      headers: { Authorization: 'Bearer admin-key-of-a-test-fleet-0123456789' },
      signal: leaving.signal,
    });
    leaving.abort();
    await eventually(() => ended);
  });
});

describe('without a service', () => {
  it('it is said that none runs, and how one is started', async () => {
    await scene.service.release();
    const told = await eventually(async () => {
      const answer = await scene.fleet.ask('GET', '/api/backups');
      return answer.status === 503 && answer;
    });
    expect(told.json).toMatchObject({ code: 'backup_unavailable', retry_after: 2 });
    expect(told.json.detail).toContain('node dist/backup/main.js');
    await scene.service.hold();
    scene.service.answer('list', { body: {} });
    await eventually(async () => (await scene.fleet.ask('GET', '/api/backups')).status === 200);
  });

  it('that can be reached, it is said where it should be; and another that has its place is asked', async () => {
    const other = await new FakeBackupService(scene.fleet.redis.url, scene.fleet.token).start();
    other.answer('list', { body: { from: 'the other' } });
    await eventually(async () => (await scene.fleet.ask('GET', '/api/backups')).json.from === 'the other');
    await other.kill();
    const told = await scene.fleet.ask('GET', '/api/backups');
    expect([told.status, told.json.code]).toEqual([503, 'backup_unavailable']);
    expect(told.json.detail).toMatch(/backup-host\) cannot be reached at http:.* \(ECONNREFUSED\)/);
    await scene.service.hold();
    scene.service.answer('list', { body: { from: 'the first' } });
    expect((await scene.fleet.ask('GET', '/api/backups')).json.from).toBe('the first');
    await other.stop();
  });

  it('that answers, nothing is asked twice: what was begun may have begun', async () => {
    scene.service.answer('run', (response) => response.destroy());
    const told = await scene.fleet.ask('POST', '/api/backups');
    expect([told.status, told.json.code]).toEqual([503, 'backup_unavailable']);
    expect(told.json.detail).toContain('may have begun all the same');
    expect(scene.service.askedOf('run')).toHaveLength(1);
  });

  it('that takes the token, the caller is not told to show another key', async () => {
    const other = await new FakeBackupService(scene.fleet.redis.url, 'another-token').start();
    const told = await eventually(async () => {
      const answer = await scene.fleet.ask('GET', '/api/backups');
      return answer.json?.code === 'backup_unavailable' && answer;
    });
    expect(told.json.detail).toContain('refuses this router');
    expect(scene.fleet.log.some((line) => String(line['msg']).includes('refuses the internal token'))).toBe(
      true,
    );
    await other.stop();
    await scene.service.hold();
  });
});

describe('the description of the API', () => {
  it('tells of every one of these paths', async () => {
    const { json } = await scene.fleet.ask('GET', '/openapi.json');
    for (const { method, path } of Object.values(backupRoutes)) {
      const operation = json.paths[path.replace(/:(\w+)/g, '{$1}')]?.[method];
      expect(operation, `${method} ${path}`).toMatchObject({
        tags: ['Backups'],
        description: 'Takes an admin key.',
      });
    }
    expect(json.paths['/api/backups/{backup}/export'].get.responses['200'].content).toHaveProperty([
      'application/x-tar',
    ]);
  });
});
