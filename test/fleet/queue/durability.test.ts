import { afterEach, describe, expect, it } from 'vitest';
import { isWharfError } from '../../../common/errors.ts';
import { createLogger } from '../../../common/logger.ts';
import { openRedis, parseRedisUrl, type Redis } from '../../../common/redis.ts';
import type { MessagingConfig } from '../../../fleet/messaging-config.ts';
import { Durability, durabilityFaults, readInfo } from '../../../fleet/queue/durability.ts';
import { eventually } from '../../helpers/eventually.ts';
import { type PrivateRedis, startRedis } from '../../helpers/redis.ts';

const GOOD = {
  aof_enabled: '1',
  aof_last_write_status: 'ok',
  appendfsync: 'always',
  'no-appendfsync-on-rewrite': 'no',
  maxmemory_policy: 'noeviction',
};
const settings = (changes: Record<string, string>) =>
  durabilityFaults({ ...GOOD, ...changes }).map(({ setting }) => setting);

describe('what the queues need of Redis', () => {
  it('is an append-only file that is synced at each write, and no eviction', () => {
    expect(settings({})).toEqual([]);
    expect(settings({ aof_enabled: '0' })).toEqual(['appendonly']);
    expect(settings({ aof_last_write_status: 'err' })).toEqual(['appendonly']);
    expect(settings({ appendfsync: 'everysec' })).toEqual(['appendfsync']);
    expect(settings({ appendfsync: 'no', maxmemory_policy: 'allkeys-lru' })).toEqual([
      'appendfsync',
      'maxmemory-policy',
    ]);
    expect(settings({ 'no-appendfsync-on-rewrite': 'yes' })).toEqual(['no-appendfsync-on-rewrite']);
  });

  it('is not doubted where a managed server does not tell its settings', () => {
    expect(durabilityFaults({ aof_enabled: '1', maxmemory_policy: 'noeviction' })).toEqual([]);
  });

  it('is replicas where a managed server has no file, and somebody said that this will do', () => {
    const managed = { aof_enabled: '0', maxmemory_policy: 'noeviction' };
    const named = (changes: Record<string, string>) =>
      durabilityFaults({ ...managed, ...changes }, 'replicas').map(({ setting }) => setting);
    expect(named({ connected_slaves: '1' })).toEqual([]);
    expect(named({ connected_slaves: '1', appendfsync: 'everysec' })).toEqual([]);
    expect(named({ connected_slaves: '0' })).toEqual(['replicaof']);
    expect(named({})).toEqual(['replicaof']);
    expect(named({ connected_slaves: '2', maxmemory_policy: 'volatile-lru' })).toEqual(['maxmemory-policy']);
    // A file that there is counts as one.
    expect(named({ aof_enabled: '1', appendfsync: 'everysec', connected_slaves: '1' })).toEqual([
      'appendfsync',
    ]);
    expect(named({ aof_enabled: '1', appendfsync: 'always' })).toEqual([]);
  });

  it('is read from INFO, colons in values included', () => {
    expect(readInfo('# Server\r\nredis_version:7.0.15\r\nexecutable:/a:b\r\n')).toEqual({
      redis_version: '7.0.15',
      executable: '/a:b',
    });
  });
});

describe('a start with the queues', () => {
  let server: PrivateRedis | undefined;
  let redis: Redis | undefined;
  afterEach(async () => {
    redis?.disconnect();
    await server?.close();
  });

  const start = async (
    production: boolean,
    options: Parameters<typeof startRedis>[0],
    durability: MessagingConfig['durability'] = 'file',
  ) => {
    server = await startRedis(options);
    const lines: string[] = [];
    const log = createLogger('warn', {}, { write: (line) => lines.push(line) });
    const address = parseRedisUrl(server.url);
    const connection = openRedis(address, log);
    redis = connection;
    const config: MessagingConfig = {
      queueRedis: address,
      production,
      durability,
      maxDepth: 1,
      messageRetention: 1,
      eventRetention: 1,
      mediaRetention: 1,
      mediaBucket: null,
    };
    const away = server;
    return { check: () => Durability.check(connection, config, log), lines, away };
  };

  it('is refused in production where Redis may lose messages: each setting is named', async () => {
    const { check } = await start(true, { settings: ['--maxmemory-policy', 'allkeys-lru'] });
    await expect(check()).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringMatching(
        /appendonly yes[\s\S]*appendfsync always[\s\S]*maxmemory-policy noeviction/,
      ),
      faults: [{ path: 'appendonly' }, { path: 'appendfsync' }, { path: 'maxmemory-policy' }],
    });
  });

  it('goes on where replicas must do and none is connected, and refuses messages until one is', async () => {
    const { check, lines, away } = await start(
      true,
      { settings: ['--maxmemory-policy', 'noeviction', '--repl-diskless-sync-delay', '0'] },
      'replicas',
    );
    const durability = await check();
    expect(lines.filter((line) => line.includes('no replica of the message queues'))).toHaveLength(1);
    expect(() => durability.require()).toThrow(/replicaof/);
    const replica = await startRedis({ settings: ['--replicaof', '127.0.0.1', String(away.port)] });
    try {
      await eventually(() => {
        try {
          durability.require();
          return true;
        } catch {
          return false;
        }
      });
    } finally {
      await replica.close();
    }
  });

  it('is refused where replicas must do, none is connected, and Redis throws messages away besides', async () => {
    const { check } = await start(true, { settings: ['--maxmemory-policy', 'allkeys-lru'] }, 'replicas');
    await expect(check()).rejects.toMatchObject({
      code: 'config_invalid',
      faults: [{ path: 'replicaof' }, { path: 'maxmemory-policy' }],
    });
  });

  it('only warns elsewhere', async () => {
    const { check, lines } = await start(false, { appendonly: true });
    await check();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/appendfsync always/);
  });

  it('goes on in production with a Redis that keeps what it confirmed', async () => {
    const { check, lines } = await start(true, { appendonly: true, settings: ['--appendfsync', 'always'] });
    await check();
    expect(lines).toEqual([]);
  });

  it('goes on while Redis is away, and refuses messages where the one that comes may lose them, until that is mended', async () => {
    const { check, lines, away } = await start(true, { appendonly: true });
    await away.kill();
    const durability = await check();
    expect(lines.some((line) => line.includes('does not answer'))).toBe(true);
    durability.require();
    await away.start();
    const refusal = () => {
      try {
        durability.require();
        return '';
      } catch (error) {
        return isWharfError(error, 'queue_unavailable') ? error.message : String(error);
      }
    };
    await eventually(() => refusal() !== '');
    const message = refusal();
    expect(message).toMatch(/appendfsync always/);
    expect(lines.filter((line) => line.includes('may lose messages'))).toHaveLength(1);
    await redis?.config('SET', 'appendfsync', 'always');
    await eventually(() => refusal() === '');
  });

  it('does not refuse a worse one that comes after a good one, and tells of it', async () => {
    const { check, lines, away } = await start(true, {
      appendonly: true,
      settings: ['--appendfsync', 'always'],
    });
    const durability = await check();
    await redis?.config('SET', 'appendfsync', 'everysec');
    // It is reached anew, as after a failover.
    redis?.disconnect(true);
    await eventually(() => lines.some((line) => line.includes('may lose messages')));
    durability.require();
    await away.kill();
  });
});
