import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkChromium } from '../../../cli/doctor/chromium.ts';
import { judgeSpace } from '../../../cli/doctor/free-space.ts';
import { judgeLatency } from '../../../cli/doctor/fsync-latency.ts';
import { checkHostName } from '../../../cli/doctor/host-name.ts';
import { checkLocks } from '../../../cli/doctor/locks.ts';
import { judgeMount, mountOf, parseMounts } from '../../../cli/doctor/mount.ts';
import { checkNode } from '../../../cli/doctor/node-version.ts';
import { checkQueueRedis, checkRedis, judgeDurability, judgeRedis } from '../../../cli/doctor/redis.ts';
import { checkSessionPath } from '../../../cli/doctor/session-path.ts';
import { startRedis } from '../../helpers/redis.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

const GIGABYTE = 1024 ** 3;

describe('the session path', () => {
  it('passes every check on a directory of this machine, and leaves nothing behind', async () => {
    const path = await temporaryDirectory();
    const findings = await checkSessionPath(path);
    const bad = findings.filter((finding) => finding.status === 'failed');
    expect(bad).toEqual([]);
    expect(findings.map((finding) => finding.subject)).toEqual([
      'session path',
      'file system',
      'replace by rename',
      'exclusive creation',
      'file locks',
      'fsync latency',
      'free space',
    ]);
    expect(await readdir(path)).toEqual([]);
  });

  it('fails when it is missing, with what to do', async () => {
    const [finding] = await checkSessionPath('/nowhere/at/all');
    expect(finding).toMatchObject({ status: 'failed', detail: expect.stringContaining('ENOENT') });
    expect(finding?.hint).toContain('WHATSAPP_SESSION_PATH');
  });

  it('fails when it is a file', async () => {
    const file = join(await temporaryDirectory(), 'file');
    await writeFile(file, '');
    expect((await checkSessionPath(file))[0]).toMatchObject({ status: 'failed' });
  });

  it('fails when it may not be written to', async () => {
    // Nobody can make a directory in /proc, root included.
    const [finding] = await checkSessionPath('/proc');
    expect(finding).toMatchObject({ status: 'failed', detail: expect.stringContaining('cannot be written') });
  });

  it('is skipped when none is named', async () => {
    expect((await checkSessionPath(undefined))[0]?.status).toBe('skipped');
  });

  it('sees that a lock keeps a second process out', async () => {
    expect(await checkLocks(await temporaryDirectory())).toMatchObject({ status: 'ok' });
  });
});

describe('Redis', () => {
  it('without a file is well for queues where replicas are to do, and are there', () => {
    const managed = { aof_enabled: '0', connected_slaves: '2', maxmemory_policy: 'noeviction' };
    expect(judgeDurability(managed, true, 'replicas')).toMatchObject({
      status: 'ok',
      detail: expect.stringContaining('waits for a replica'),
    });
    expect(judgeDurability(managed, true).status).toBe('failed');
    expect(judgeDurability({ ...managed, connected_slaves: '0' }, true, 'replicas').status).toBe('failed');
  });

  it('is looked at for real', async () => {
    const redis = await startRedis();
    try {
      const findings = await checkRedis(redis.url);
      expect(findings[0]).toMatchObject({
        subject: 'Redis',
        // How long it takes to answer is up to this machine: that is judged with a given time below.
        status: expect.stringMatching(/^(ok|warning)$/),
        detail: expect.stringMatching(/^\d+\.\d+/),
      });
      expect(findings).toHaveLength(3);
      const queues = await checkRedis(redis.url, { production: true });
      expect(queues.slice(1, 3)).toEqual(findings.slice(1));
      expect(queues[3]).toMatchObject({ subject: 'Queue durability', status: 'failed' });
      expect(
        (await checkQueueRedis(redis.url, false)).map(({ subject, status }) => [subject, status]),
      ).toEqual([
        ['Queue Redis', expect.stringMatching(/^(ok|warning)$/)],
        ['Queue durability', 'warning'],
      ]);
    } finally {
      await redis.close();
    }
  });

  const good = {
    redis_version: '7.0.15',
    aof_enabled: '1',
    aof_last_write_status: 'ok',
    appendfsync: 'always',
    maxmemory: '100',
    maxmemory_policy: 'noeviction',
  };
  const statuses = (changes: Record<string, string>, milliseconds = 1) =>
    judgeRedis({ ...good, ...changes }, milliseconds).map((finding) => finding.status);

  it('is well when new, near, appending and keeping all', () => {
    expect(statuses({})).toEqual(['ok', 'ok', 'ok']);
  });
  it('fails when it is too old', () => {
    expect(statuses({ redis_version: '6.0.16' })[0]).toBe('failed');
  });
  it('is warned of when it is slow', () => {
    expect(statuses({}, 80)[0]).toBe('warning');
  });
  it('is warned of without an append-only file', () => {
    expect(statuses({ aof_enabled: '0' })[1]).toBe('warning');
  });
  it('fails when the append-only file cannot be written', () => {
    expect(statuses({ aof_last_write_status: 'err' })[1]).toBe('failed');
  });
  it('fails when it would throw keys away', () => {
    expect(statuses({ maxmemory_policy: 'allkeys-lru' })[2]).toBe('failed');
  });
  it('does not mind a policy that no limit ever brings about', () => {
    expect(statuses({ maxmemory: '0', maxmemory_policy: 'allkeys-lru' })[2]).toBe('ok');
  });
  it('of the queues fails in production where it may lose what it confirmed, and is warned of elsewhere', () => {
    expect(judgeDurability(good, true).status).toBe('ok');
    const loses = { ...good, appendfsync: 'everysec', maxmemory_policy: 'allkeys-lru' };
    expect(judgeDurability(loses, false).status).toBe('warning');
    const failed = judgeDurability(loses, true);
    expect(failed.status).toBe('failed');
    expect(failed.hint).toBe('In redis.conf: appendfsync always; maxmemory-policy noeviction.');
  });
});

describe('the mount', () => {
  const text = [
    'overlay / overlay rw,relatime 0 0',
    'server:/x /mnt/efs nfs4 rw,vers=4.1,lookupcache=pos 0 0',
    'server:/y /mnt/efs\\040two nfs4 rw,vers=4.1 0 0',
    'tmpfs /tmp tmpfs rw 0 0',
    '',
  ].join('\n');
  const of = (path: string) => mountOf(path, parseMounts(text));

  it('is the deepest one above the path', () => {
    expect(of('/mnt/efs/sessions')?.point).toBe('/mnt/efs');
    expect(of('/mnt/efsx')?.point).toBe('/');
    expect(of('/mnt/efs two')?.point).toBe('/mnt/efs two');
  });
  it('is well on NFS that does not cache missing names', () => {
    expect(judgeMount(of('/mnt/efs')).status).toBe('ok');
  });
  it('fails on NFS with its default cache of missing names', () => {
    expect(judgeMount(of('/mnt/efs two'))).toMatchObject({
      status: 'failed',
      hint: expect.stringContaining('lookupcache=positive'),
    });
  });
  it('fails on NFS that trusts its caches when it opens (nocto)', () => {
    const options = ['rw', 'vers=4.1', 'nocto', 'lookupcache=pos'];
    expect(judgeMount({ point: '/m', type: 'nfs4', options })).toMatchObject({
      status: 'failed',
      hint: expect.stringContaining('without nocto'),
    });
  });
  it.each(['soft', 'softerr'])('fails on NFS whose calls may fail in the middle (%s)', (option) => {
    const options = ['rw', 'vers=4.1', option, 'lookupcache=pos'];
    expect(judgeMount({ point: '/m', type: 'nfs4', options })).toMatchObject({
      status: 'failed',
      detail: expect.stringContaining(`mounted with ${option}:`),
      hint: 'Mount it with hard.',
    });
  });
  it('fails on NFS before version 4 and on a read-only one', () => {
    expect(judgeMount({ point: '/m', type: 'nfs', options: ['rw'] }).status).toBe('failed');
    expect(judgeMount({ point: '/m', type: 'ext4', options: ['ro'] }).status).toBe('failed');
  });
  it('is warned of in memory', () => {
    expect(judgeMount(of('/tmp/x')).status).toBe('warning');
  });
});

describe('the host', () => {
  it.each(['localhost', 'LOCALHOST', 'localhost.localdomain', '', '(none)'])(
    'is warned of when it is called "%s"',
    (name) => {
      expect(checkHostName(name).status).toBe('warning');
    },
  );
  it('is well with a name of its own', () => {
    expect(checkHostName('wharf-1.example').status).toBe('ok');
  });
  it.each([
    ['v20.18.1', 'ok'],
    ['v22.0.0', 'ok'],
    ['v20.17.9', 'failed'],
    ['v18.20.4', 'failed'],
  ])('with Node.js %s: %s', (version, status) => {
    expect(checkNode(version).status).toBe(status);
  });
  it('fails without Chromium, with the reason', async () => {
    const [finding] = await checkChromium(() => Promise.reject(new Error('No Chromium was found')));
    expect(finding).toMatchObject({ status: 'failed', detail: 'No Chromium was found' });
  });
  it('is warned of when the sandbox cannot be used', async () => {
    const findings = await checkChromium(async () => ({
      path: '/c',
      version: '156.0.0.0',
      sandbox: false,
      sandboxReason: 'root',
    }));
    expect(findings.map((finding) => finding.status)).toEqual(['ok', 'warning']);
  });
  it.each([
    [{ free: 50 * GIGABYTE, total: 100 * GIGABYTE, freeFiles: 1_000_000 }, 'ok'],
    [{ free: 50 * GIGABYTE, total: 100 * GIGABYTE, freeFiles: null }, 'ok'],
    [{ free: 50 * GIGABYTE, total: 100 * GIGABYTE, freeFiles: 100 }, 'warning'],
    [{ free: 2 * GIGABYTE, total: 100 * GIGABYTE, freeFiles: null }, 'warning'],
    [{ free: 0.1 * GIGABYTE, total: 100 * GIGABYTE, freeFiles: null }, 'failed'],
  ] as const)('with space %o: %s', (space, status) => {
    expect(judgeSpace(space).status).toBe(status);
  });
  it('takes the median of syncs, not one slow one', () => {
    expect(judgeLatency([1, 1, 900]).status).toBe('ok');
    expect(judgeLatency([60, 70, 80]).status).toBe('warning');
    expect(judgeLatency([1500, 1500]).status).toBe('failed');
  });
});
