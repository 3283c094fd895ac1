import { describe, expect, it } from 'vitest';
import { isWharfError } from '../../common/errors.ts';
import { instanceConfig } from '../../instance/config.ts';

const load = (env: Record<string, string> = {}) => instanceConfig({ INSTANCE_ID: 'instance-1', ...env });

function faults(env: Record<string, string>): Record<string, string> {
  try {
    instanceConfig(env);
  } catch (error) {
    if (!isWharfError(error, 'config_invalid')) throw error;
    for (const fault of error.faults ?? [])
      expect(error.message).toContain(`${fault.path}: ${fault.message}`);
    return Object.fromEntries((error.faults ?? []).map(({ path, message }) => [path, message]));
  }
  return {};
}

describe("an instance's configuration", () => {
  it('has the documented defaults', () => {
    expect(load()).toMatchObject({
      instance: 'instance-1',
      port: 3001,
      bindAddress: '127.0.0.1',
      sessionPath: '/mnt/efs/sessions',
      capacity: 750,
      redis: { shown: 'redis://localhost:6379', options: { host: 'localhost', port: 6379 } },
      backoff: { base: 5000, maxAttempts: 10, slow: 900_000 },
      life: { health: 30_000 },
      logLevel: 'info',
      sandbox: 'auto',
      chromiumPath: null,
      housekeeping: {
        restartAge: 86_400_000,
        sessionMemory: 1024 ** 3,
        inactive: { warn: 0, stop: 0, delete: 0 },
        keptWorkspaces: new Set(),
      },
    });
    expect(Object.isFrozen(load())).toBe(true);
  });

  it('takes days after which sessions that nobody uses are warned of, stopped and deleted, in this order alone', () => {
    const days = (warn: string, stop: string, remove: string) => ({
      WHATSAPP_INACTIVE_WARN_DAYS: warn,
      WHATSAPP_INACTIVE_STOP_DAYS: stop,
      WHATSAPP_INACTIVE_DELETE_DAYS: remove,
    });
    const DAY = 86_400_000;
    const kept = { WHATSAPP_INACTIVE_KEEP_WORKSPACES: '7, acme' };
    expect(load({ ...days('30', '60', '90'), ...kept }).housekeeping).toMatchObject({
      inactive: { warn: 30 * DAY, stop: 60 * DAY, delete: 90 * DAY },
      keptWorkspaces: new Set(['7', 'acme']),
    });
    expect(load(days('30', '0', '40')).housekeeping.inactive.stop).toBe(0);
    const wrong = (warn: string, stop: string, remove: string) =>
      Object.keys(faults({ INSTANCE_ID: 'instance-1', ...days(warn, stop, remove) }));
    expect(wrong('0', '60', '0')).toEqual(['WHATSAPP_INACTIVE_STOP_DAYS']);
    expect(wrong('60', '60', '0')).toEqual(['WHATSAPP_INACTIVE_STOP_DAYS']);
    expect(wrong('0', '0', '90')).toEqual(['WHATSAPP_INACTIVE_DELETE_DAYS']);
    expect(wrong('30', '90', '90')).toEqual(['WHATSAPP_INACTIVE_DELETE_DAYS']);
    expect(
      Object.keys(faults({ INSTANCE_ID: 'instance-1', WHATSAPP_INACTIVE_KEEP_WORKSPACES: '007' })),
    ).toEqual(['WHATSAPP_INACTIVE_KEEP_WORKSPACES']);
  });

  it('takes the older name of the capacity, and the newer before it', () => {
    expect(load({ MAX_SESSIONS_PER_INSTANCE: '5' }).capacity).toBe(5);
    expect(load({ MAX_SESSIONS_PER_INSTANCE: '5', WHATSAPP_MAX_SESSIONS_PER_INSTANCE: '7' }).capacity).toBe(
      7,
    );
  });

  it('lists every fault at once, Redis among them, and no password', () => {
    const found = faults({
      INSTANCE_ID: 'one',
      PORT: '70000',
      ANNOUNCE_URL: 'ftp://x',
      WHATSAPP_SESSION_PATH: 'relative',
      WHATSAPP_INSTANCE_COUNT: '0',
      WHATSAPP_MAX_SESSIONS_PER_INSTANCE: 'many',
      WHATSAPP_HEALTH_CHECK_INTERVAL: '1',
      WHATSAPP_WEB_RESOLVE: 'nowhere',
      WHATSAPP_WEB_SPKI: '???',
      CHROMIUM_PATH: 'chromium',
      WHARF_CHROMIUM_SANDBOX: 'perhaps',
      SHUTDOWN_TIMEOUT: '-1',
      REDIS_URL: 'http://:hunter2@host',
      LOG_LEVEL: 'loud',
    });
    expect(Object.keys(found).sort()).toEqual([
      'ANNOUNCE_URL',
      'CHROMIUM_PATH',
      'INSTANCE_ID',
      'LOG_LEVEL',
      'PORT',
      'REDIS_URL',
      'SHUTDOWN_TIMEOUT',
      'WHARF_CHROMIUM_SANDBOX',
      'WHATSAPP_HEALTH_CHECK_INTERVAL',
      'WHATSAPP_INSTANCE_COUNT',
      'WHATSAPP_MAX_SESSIONS_PER_INSTANCE',
      'WHATSAPP_SESSION_PATH',
      'WHATSAPP_WEB_RESOLVE',
      'WHATSAPP_WEB_SPKI',
    ]);
    expect(JSON.stringify(found)).not.toContain('hunter2');
  });

  it('says that the id must be set, and how', () => {
    expect(faults({})).toEqual({ INSTANCE_ID: 'must be set, for example to instance-1' });
  });

  it.each([
    'instance-0',
    'instance-01',
    'instance-',
    'Instance-1',
    'instance-1\n',
    'instance-../1',
    'instance-10000',
  ])('refuses the id %j', (id) => {
    expect(Object.keys(faults({ INSTANCE_ID: id }))).toEqual(['INSTANCE_ID']);
  });

  it('tells settings that do not go together', () => {
    expect(faults({ INSTANCE_ID: 'instance-5', WHATSAPP_WEB_SPKI: 'YWJj' })).toEqual({
      INSTANCE_ID: 'is instance-5, yet WHATSAPP_INSTANCE_COUNT is 4: no workspace would find it',
      WHATSAPP_WEB_SPKI: 'is of no use without WHATSAPP_WEB_RESOLVE',
    });
    expect(load({ INSTANCE_ID: 'instance-5', WHATSAPP_INSTANCE_COUNT: '5' }).instance).toBe('instance-5');
  });
});
