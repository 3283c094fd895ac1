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
