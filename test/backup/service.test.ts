import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import type { backupDetailSchema, backupListSchema } from '../../fleet/backup/api.ts';
import { redisKeys } from '../../fleet/keys.ts';
import { useBackupFleets } from '../helpers/backup-fleet.ts';
import { someFiles } from '../helpers/copyable-sessions.ts';
import { refuse } from '../helpers/fake-problem.ts';

const aFleet = useBackupFleets();

describe('the backup service', () => {
  it('makes a backup of what the instances own, shows it, and gives its lease up when it is stopped', async () => {
    const fleet = await aFleet();
    const instance = await fleet.addInstance('instance-1');
    await instance.own('7');
    await instance.set('7', 'main', someFiles('main'));
    await instance.set('7', 'new', null);
    const service = await fleet.startService();
    const ended = await service.run();
    expect(ended, service.log()).toMatchObject({ state: 'done', done: 2, total: 2, failed: 0, findings: [] });

    const { body } = await service.ask('GET', '/api/backups');
    const list = body as z.infer<typeof backupListSchema>;
    expect(list.backups).toMatchObject([{ id: ended.backup, state: 'complete', sessions: 2, carried: 0 }]);
    expect(list.last_success).toBe(list.backups[0]?.finished_at);
    const detail = (await service.ask('GET', '/api/backups/latest')).body as z.infer<
      typeof backupDetailSchema
    >;
    expect(detail.contents.map(({ session_id, linked }) => [session_id, linked])).toEqual([
      ['main', true],
      ['new', false],
    ]);
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).toMatch(/wharf_backup_sessions\{outcome="copied"\} 2/);
    expect(metrics).toMatch(/wharf_backup_frozen_seconds_count 2/);
    expect(await fleet.events()).toMatchObject([
      { type: 'backup.completed', data: { backup: ended.backup, state: 'complete', sessions: 2, missed: 0 } },
    ]);
    expect(await service.kill('SIGTERM')).toBe(0);
    expect(await fleet.redis.get(redisKeys.backupService)).toBeNull();
  });

  it('verifies all by its schedule, and after kill -9 counts on nothing that was found damaged', async () => {
    const fleet = await aFleet();
    const instance = await fleet.addInstance('instance-1');
    await instance.own('7');
    await instance.set('7', 'main', someFiles('main'));
    const first = await fleet.startService();
    await first.run();
    const well = async ({ url }: { url: string }) =>
      Number(
        /^wharf_backup_verified_timestamp_seconds (.*)$/m.exec(
          await (await fetch(`${url}/metrics`)).text(),
        )?.[1],
      );
    expect(await well(first)).toBe(0);
    expect(await first.kill('SIGTERM')).toBe(0);
    // Each second, so that it need not wait for Sunday.
    const second = await fleet.startService({ BACKUP_VERIFY_SCHEDULE: '* * * * * *', BACKUP_JITTER: '0' });
    await expect.poll(() => well(second), { timeout: 30_000 }).toBeGreaterThan(0);
    const sha256 = (await fleet.catalog.latest())?.manifest.sessions[0]?.pieces[0]?.sha256 ?? '';
    const [name = ''] = (await readdir(join(fleet.directory, 'objects', sha256.slice(0, 2)))).filter((each) =>
      each.startsWith(sha256.slice(2)),
    );
    const path = join(fleet.directory, 'objects', sha256.slice(0, 2), name);
    const whole = await readFile(path);
    await writeFile(path, Buffer.alloc(whole.length));
    const note = () => readFile(join(fleet.directory, 'state', 'verifications.json'), 'utf8');
    await expect.poll(note, { timeout: 30_000 }).toContain(sha256);
    await second.kill('SIGKILL');
    await fleet.redis.del(redisKeys.backupService);
    const third = await fleet.startService();
    await third.run();
    expect(await readFile(path)).toEqual(whole);
    expect(await well(third)).toBeGreaterThan(0);
    await expect.poll(note).not.toContain(sha256);
  });

  it('asks the new owner where a workspace moves during a copy', async () => {
    const fleet = await aFleet();
    const [one, other] = [await fleet.addInstance('instance-1'), await fleet.addInstance('instance-2')];
    await one.own('7');
    for (const each of [one, other]) await each.set('7', 'main', someFiles('main'));
    one.fault = async (asked, response) => {
      await other.own('7', 4);
      return asked.startsWith('POST') && refuse(response, 421, 'not_owner');
    };
    const service = await fleet.startService();
    expect(await service.run(), service.log()).toMatchObject({ state: 'done', done: 1, failed: 0 });
    expect((await fleet.catalog.latest())?.manifest.sessions[0]?.instance).toBe('instance-2');
    expect(one.asked).toEqual(['POST 7/main']);
  });

  it('refuses who does not come from a router of its fleet', async () => {
    const service = await (await aFleet()).startService();
    const answer = await fetch(`${service.url}/api/backups`);
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ code: 'unauthorized' });
    for (const path of ['/health', '/metrics'])
      expect((await fetch(service.url + path)).status, path).toBe(200);
  });

  it.each([
    ['a schedule that is none', { BACKUP_SCHEDULE: 'hourly please' }, /BACKUP_SCHEDULE is no schedule/],
    [
      'a schedule of verifications that is none',
      { BACKUP_VERIFY_SCHEDULE: '0 3 31 2 *' },
      /BACKUP_VERIFY_SCHEDULE is no schedule.*impossible day/,
    ],
    ['a session path that is not there', { WHATSAPP_SESSION_PATH: '/nowhere/at/all' }, /\/nowhere\/at\/all/],
    [
      'a directory for backups that is not there',
      { BACKUP_DIRECTORY: '/nowhere/at/all' },
      /BACKUP_DIRECTORY/,
    ],
  ])('does not start with %s, and says what is wrong', async (_, env, said) => {
    const fleet = await aFleet();
    await expect(fleet.startService(env)).rejects.toThrow(said);
  });
});
