import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createLogger } from '../../common/logger.ts';
import { connectRedis, parseRedisUrl } from '../../common/redis.ts';
import { wharfVersion } from '../../common/version.ts';
import { INTERNAL_TOKEN_HEADER } from '../../fleet/instance-api.ts';
import { redisRegistry } from '../../fleet/redis-registry.ts';
import { SessionPaths } from '../../fleet/session-paths.ts';
import { instanceConfig } from '../../instance/config.ts';
import { type Instance, startInstance } from '../../instance/context.ts';
import { eventually } from '../helpers/eventually.ts';
import { InProcessSupervisor } from '../helpers/in-process-supervisor.ts';
import { type PrivateRedis, startRedis } from '../helpers/redis.ts';
import { aRecord } from '../helpers/session-record.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;
const log = createLogger('silent', {});

let redis: PrivateRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());

function start(sessionPath: string, env: Record<string, string> = {}): Promise<Instance> {
  const config = instanceConfig({
    INSTANCE_ID: 'instance-1',
    PORT: '0',
    WHATSAPP_SESSION_PATH: sessionPath,
    REDIS_URL: redis.url,
    SHUTDOWN_TIMEOUT: '6000',
    ...env,
  });
  return startInstance(config, {}, log, { channel: new InProcessSupervisor(sessionPath) });
}

async function refusal(sessionPath: string, env: Record<string, string> = {}) {
  return await start(sessionPath, env).then(
    async (instance) => {
      await instance.close();
      throw new Error('it started');
    },
    (error: unknown) => error,
  );
}

/** A small file system of its own in memory, or undefined where this host lets nobody mount. */
async function mounted(options: string): Promise<string | undefined> {
  const directory = await temporaryDirectory();
  try {
    await run('mount', ['-t', 'tmpfs', '-o', options, 'wharf-test', directory]);
  } catch {
    return undefined;
  }
  onTestFinished(async () => {
    await run('umount', [directory]);
  });
  return directory;
}

describe('an instance does not start', () => {
  it('where its session path is missing, and makes none on the local disk', async () => {
    const parent = await temporaryDirectory();
    expect(await refusal(join(parent, 'mount', 'sessions'))).toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringMatching(
        /mount\/sessions cannot be used: it does not exist\. Mount .*WHATSAPP_SESSION_PATH/,
      ),
    });
    expect(await readdir(parent)).toEqual([]);
  });

  it('where its session path is a file', async () => {
    const path = join(await temporaryDirectory(), 'file');
    await writeFile(path, 'mine');
    expect(await refusal(path)).toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringContaining('it is no directory'),
    });
    expect(await readFile(path, 'utf8')).toBe('mine');
  });

  it('where its session path is mounted read-only', async ({ skip }) => {
    const path = await mounted('ro');
    if (path === undefined)
      return skip('this host lets nobody mount: run as root to test a read-only file system');
    expect(await refusal(path)).toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringContaining('mounted read-only'),
    });
  });

  it('where it may not write', async () => {
    const path = await temporaryDirectory();
    await chmod(path, 0o500);
    // Root may write everywhere: it looks with the rights of nobody.
    if (isRoot) process.seteuid?.(65_534);
    const error = await refusal(path).finally(() => {
      if (isRoot) process.seteuid?.(0);
    });
    expect(error).toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringContaining('this user may not read and write there'),
    });
  });

  it('where its disk is full', async ({ skip }) => {
    const path = await mounted('size=64k');
    if (path === undefined) return skip('this host lets nobody mount: run as root to test a full disk');
    await writeFile(join(path, 'fill'), Buffer.alloc(1024 * 1024)).catch(() => {});
    expect(await refusal(path)).toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringContaining('disk is full; make room'),
    });
    expect(await readdir(path)).toEqual(['fill']);
  });

  it.each([
    ['/no/such/chromium', /There is no program at CHROMIUM_PATH \/no\/such\/chromium/],
    ['/etc/hostname', /it is no Chromium, or does not run here|There is no program/],
    ['/bin/true', /does not tell its version .*it is no Chromium/],
    ['/usr', /it is no Chromium, or does not run here/],
  ])('with %s for Chromium, and lists the ways to get one', async (path, message) => {
    const error = await refusal(await temporaryDirectory(), { CHROMIUM_PATH: path });
    expect(error).toMatchObject({ code: 'chromium_missing', message: expect.stringMatching(message) });
    for (const way of [
      'apt-get install chromium-headless-shell',
      'npx puppeteer browsers install',
      'set CHROMIUM_PATH',
    ])
      expect(String(error)).toContain(way);
  });

  it('with a token that is too short, and does not show it', async () => {
    const error = await refusal(await temporaryDirectory(), { WHARF_INTERNAL_TOKEN: 'hunter2' });
    expect(error).toMatchObject({ code: 'config_invalid' });
    expect(String(error)).not.toContain('hunter2');
  });

  it('at an address that is not of this host', async () => {
    expect(await refusal(await temporaryDirectory(), { BIND_ADDRESS: '192.0.2.1' })).toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('192.0.2.1'),
    });
  });

  it('on a port that is taken, and leaves what it owned to the one that has it', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => new Promise<void>((resolve) => void other.close(() => resolve())));
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;

    const root = await temporaryDirectory();
    const paths = new SessionPaths(root);
    await mkdir(paths.owners('7'), { recursive: true });
    const claim = { workspace_id: '7', epoch: 1, instance: 'instance-1', incarnation: 'a', host: 'h' };
    await writeFile(
      paths.claim('7', 1),
      JSON.stringify({ ...claim, claimed_at: '2026-11-22T00:00:00.000Z' }),
    );
    expect(await refusal(root, { PORT: String(port) })).toMatchObject({
      code: 'port_taken',
      message: expect.stringContaining(`Port ${port} of 127.0.0.1 is taken`),
    });
    expect(await readdir(paths.owners('7'))).toEqual(['1']);
  });

  it('and leaves no connection to Redis behind when it does not', async () => {
    await refusal(await temporaryDirectory(), { BIND_ADDRESS: '192.0.2.1' });
    const connection = await connectRedis(parseRedisUrl(redis.url), log);
    await eventually(
      async () =>
        String(await connection.client('LIST'))
          .trim()
          .split('\n').length === 1,
    );
    connection.disconnect();
  });
});

describe('an instance that starts', () => {
  it('does so while Redis is away, and tells it everything when it is there', async () => {
    const root = await temporaryDirectory();
    const instance = await start(root, { REDIS_URL: 'redis://127.0.0.1:1' });
    try {
      const health = await (await fetch(`${instance.url}/health`)).json();
      expect(health).toMatchObject({ status: 'healthy', redis: { ok: false } });
    } finally {
      await instance.close();
    }
  });

  it('refuses to without a supervisor, and names it', async () => {
    const config = instanceConfig({ INSTANCE_ID: 'instance-1', WHATSAPP_SESSION_PATH: '/nowhere' });
    const send = process.send;
    // The test's own process may have been started with a channel.
    Object.assign(process, { send: undefined });
    try {
      await expect(startInstance(config, {}, log)).rejects.toMatchObject({
        code: 'config_invalid',
        message: expect.stringContaining('dist/instance/supervisor/main.js'),
      });
    } finally {
      Object.assign(process, { send });
    }
  });

  it('owns its workspaces at a higher epoch, announces itself, and takes back what it said when it stops', async () => {
    const root = await temporaryDirectory();
    const paths = new SessionPaths(root);
    await mkdir(paths.owners('7'), { recursive: true });
    const claim = { workspace_id: '7', epoch: 3, instance: 'instance-1', incarnation: 'a', host: 'h' };
    await writeFile(
      paths.claim('7', 3),
      JSON.stringify({ ...claim, claimed_at: '2026-11-22T00:00:00.000Z' }),
    );
    await mkdir(paths.session('7', 'main'));
    await writeFile(paths.sessionRecord('7', 'main'), JSON.stringify(aRecord({ should_run: false })));
    await mkdir(paths.session('7', 'torn'));
    await writeFile(paths.sessionRecord('7', 'torn'), '{"ver');

    const instance = await start(root);
    const connection = await connectRedis(parseRedisUrl(redis.url), log);
    const registry = redisRegistry(connection);
    try {
      const known = await eventually(async () => {
        const snapshot = await registry.snapshot();
        return snapshot.sessions.length > 0 ? snapshot : undefined;
      });
      expect(known.instances).toMatchObject([
        {
          instance: 'instance-1',
          url: instance.url,
          status: 'healthy',
          version: await wharfVersion(),
          chromium: expect.stringMatching(/^\d+\.\d+\.\d+\.\d+$/),
        },
      ]);
      expect(known.sessions).toMatchObject([{ session_id: 'main', status: 'stopped', epoch: 4 }]);
      const health = await fetch(`${instance.url}/health`);
      expect(health.status).toBe(200);
      const token = (await readFile(join(root, 'fleet', 'internal-token'), 'utf8')).trim();
      const main = `${instance.url}/workspaces/7/sessions`;
      const headers = { [INTERNAL_TOKEN_HEADER]: token };
      expect((await fetch(`${main}/main`, { headers })).status).toBe(200);
      // It may exist all the same: what is said of it must not end its messages.
      expect((await fetch(`${main}/torn`, { headers })).status).toBe(503);
      expect(await instance.close()).toBe(true);
      expect(await registry.announcements()).toEqual([]);
      await expect(fetch(`${instance.url}/health`)).rejects.toThrow();
    } finally {
      await instance.close();
      connection.disconnect();
    }
    expect((await readdir(root)).filter((name) => name.includes('probe'))).toEqual([]);
  });
});
