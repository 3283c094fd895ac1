import { describe, expect, it } from 'vitest';
import { backupConfig } from '../../backup/config.ts';

describe('the directory for backups', () => {
  it.each([
    ['/mnt/sessions', '/mnt/sessions'],
    ['/mnt/sessions/', '/mnt/sessions/backups'],
    ['/mnt/sessions', '/mnt/other/../sessions/backups'],
    ['/mnt/wharf/sessions', '/mnt/wharf'],
  ])('is refused with the session path %s for %s, with what to do', (session, directory) => {
    expect(() => backupConfig({ WHATSAPP_SESSION_PATH: session, BACKUP_DIRECTORY: directory })).toThrow(
      /BACKUP_DIRECTORY: must not be on the session path.*another disk/,
    );
  });

  it.each([
    ['/mnt/sessions', '/mnt/sessions-backups'],
    ['/mnt/sessions', '/mnt/..sessions'],
    ['/mnt/wharf/sessions', '/mnt/wharf/backups'],
  ])('may stand beside the session path %s as %s', (session, directory) => {
    const { store } = backupConfig({ WHATSAPP_SESSION_PATH: session, BACKUP_DIRECTORY: directory });
    expect(store).toEqual({ kind: 'directory', path: directory });
  });

  it('may be where the session path would be by default, which is another one', () => {
    const env = { WHATSAPP_SESSION_PATH: '/srv/sessions', BACKUP_DIRECTORY: '/mnt/efs/sessions' };
    expect(backupConfig(env).sessionPath).toBe('/srv/sessions');
    expect(() => backupConfig({ BACKUP_DIRECTORY: '/mnt/efs/sessions/backups' })).toThrow('BACKUP_DIRECTORY');
  });
});
