import { describe, expect, it } from 'vitest';
import { WharfError } from '../../common/errors.ts';
import { routerConfig } from '../../router/config.ts';

function faultsOf(env: Record<string, string>): string[] {
  try {
    routerConfig(env);
  } catch (error) {
    if (error instanceof WharfError && error.code === 'config_invalid')
      return (error.faults ?? []).map((fault) => fault.path).sort();
    throw error;
  }
  return [];
}

describe('the configuration of a router', () => {
  it('has the documented defaults', () => {
    const { config, secrets } = routerConfig({});
    expect(config).toMatchObject({
      port: 3000,
      bindAddress: '0.0.0.0',
      instanceCount: 4,
      shardStrategy: 'workspace_modulo',
      sessionPath: '/mnt/efs/sessions',
      maxSessionsPerInstance: 750,
      logLevel: 'info',
      rebalanceSchedule: null,
    });
    expect(secrets.adminKey).toBeUndefined();
  });

  it('names all faults at once', () => {
    const env = {
      PORT: 'x',
      WHATSAPP_INSTANCE_COUNT: '0',
      WHATSAPP_SHARD_STRATEGY: 'random',
      WHARF_ADMIN_KEY: 'short',
    };
    expect(faultsOf(env)).toEqual([
      'PORT',
      'WHARF_ADMIN_KEY',
      'WHATSAPP_INSTANCE_COUNT',
      'WHATSAPP_SHARD_STRATEGY',
    ]);
  });

  it.each([
    ['WHATSAPP_INSTANCE_1', 'not a url'],
    ['WHATSAPP_INSTANCE_1', 'ftp://host'],
    ['WHATSAPP_INSTANCE_1', 'http://host/path'],
    ['WHATSAPP_INSTANCE_9', 'http://host:1'],
    ['WHATSAPP_INSTANCE_01', 'http://host:1'],
    ['WHATSAPP_INSTANCE_0', 'http://host:1'],
    ['REDIS_URL', 'http://host'],
  ])('refuses %s=%s', (name, value) => {
    expect(faultsOf({ [name]: value })).toEqual([name]);
  });

  it('reads the addresses of instances', () => {
    const { config } = routerConfig({
      WHATSAPP_INSTANCE_1: 'http://10.0.0.5:3001/',
      WHATSAPP_INSTANCE_2: 'https://b',
      WHATSAPP_INSTANCE_3: '',
    });
    expect(config.instanceUrls).toEqual({ 'instance-1': 'http://10.0.0.5:3001', 'instance-2': 'https://b' });
  });

  it('never shows a secret in an error', () => {
    const secret = 'short-secret';
    expect(() => routerConfig({ WHARF_ADMIN_KEY: secret, REDIS_URL: `redis://u:${secret}@` })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(secret) }),
    );
  });
});
