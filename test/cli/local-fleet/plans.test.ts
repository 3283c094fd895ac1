import { describe, expect, it } from 'vitest';
import { isBackupPlaceGiven, planBackups, type Surroundings } from '../../../cli/local-fleet/plans.ts';

const around = (env: Record<string, string>): Surroundings => ({
  env,
  data: '/data',
  logs: '/data/logs',
  sessions: '/data/sessions',
  redisUrl: 'redis://127.0.0.1:1',
  instances: 2,
});

describe('the backup service of a local fleet', () => {
  it('keeps backups in the data directory, and not among the sessions', () => {
    expect(planBackups(around({})).env(null)).toMatchObject({
      BACKUP_DIRECTORY: '/data/backups',
      WHATSAPP_SESSION_PATH: '/data/sessions',
      WHARF_SCRATCH: '/data/scratch',
      PORT: '0',
      BIND_ADDRESS: '127.0.0.1',
    });
  });

  it.each([{ BACKUP_S3_BUCKET: 'company-wharf' }, { BACKUP_DIRECTORY: '/mnt/backups' }])(
    'keeps them where the environment says: %j',
    (env) => {
      expect(isBackupPlaceGiven(env)).toBe(true);
      const given = planBackups(around(env)).env(null);
      const { BACKUP_S3_BUCKET, BACKUP_DIRECTORY } = given;
      expect(JSON.parse(JSON.stringify({ BACKUP_S3_BUCKET, BACKUP_DIRECTORY }))).toEqual(env);
    },
  );

  it('takes an empty variable for none', () => {
    const env = { BACKUP_S3_BUCKET: '', BACKUP_DIRECTORY: '' };
    expect(planBackups(around(env)).env(null)).toMatchObject({ BACKUP_DIRECTORY: '/data/backups' });
  });

  it('comes back at the port it had: routers know it by its address', () => {
    const env = planBackups(around({})).env({ url: 'http://127.0.0.1:4711' });
    expect(env).toMatchObject({ PORT: '4711' });
  });
});
