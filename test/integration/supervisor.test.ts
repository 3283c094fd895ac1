import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createLogger } from '../../common/logger.ts';
import { connectRedis, parseRedisUrl, type Redis } from '../../common/redis.ts';
import type { Coordination } from '../../fleet/coordination.ts';
import { redisCoordination } from '../../fleet/redis-coordination.ts';
import { askSession } from '../helpers/ask-session.ts';
import { EmulatedWhatsApp } from '../helpers/emulated-whatsapp.ts';
import { eventually } from '../helpers/eventually.ts';
import { leaseHolder } from '../helpers/fleet-values.ts';
import { browsersUnder, isAlive } from '../helpers/processes.ts';
import { type PrivateRedis, startRedis } from '../helpers/redis.ts';
import { SupervisedInstance } from '../helpers/supervised-instance.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';

const epochSchema = z.object({ epoch: z.number() });
const TOKEN = 'wharf-internal-token-of-this-test-0001';

describe('an instance under its supervisor', () => {
  let server: PrivateRedis;
  let redis: Redis;
  let coordination: Coordination;
  let whatsapp: EmulatedWhatsApp;
  let sessions: string;
  const started: SupervisedInstance[] = [];
  beforeAll(async () => {
    [server, whatsapp] = await Promise.all([startRedis(), EmulatedWhatsApp.start()]);
    redis = await connectRedis(parseRedisUrl(server.url), createLogger('silent', {}));
    coordination = redisCoordination(redis, 3000);
  });
  afterAll(async () => {
    redis.disconnect();
    await Promise.all([server.close(), whatsapp.close()]);
  });
  beforeEach(async () => {
    await redis.flushall();
    sessions = await temporaryDirectory();
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((one) => one.stop()));
    expect(await browsersUnder(sessions)).toEqual([]);
  });

  const start = (env: Record<string, string> = {}) => {
    const one = new SupervisedInstance({
      INSTANCE_ID: 'instance-1',
      PORT: '0',
      REDIS_URL: server.url,
      WHATSAPP_SESSION_PATH: sessions,
      ...whatsapp.browserEnv,
      WHARF_INTERNAL_TOKEN: TOKEN,
      ...env,
    });
    started.push(one);
    return one;
  };
  const call = (url: string, method: string, body?: object) =>
    askSession({ url, token: TOKEN }, method, '', body);
  /** The browser of the one session, once it runs; another than `not`. */
  const browser = (not = 0) =>
    eventually(async () => (await browsersUnder(sessions)).find(({ pid }) => pid !== not)?.pid, 60_000);
  const withSession = async (one: SupervisedInstance) => {
    const { url, pid } = await one.ready();
    expect((await call(url, 'PUT', {})).status).toBe(201);
    return { url, pid, browser: await browser() };
  };
  const holder = async () => (await coordination.leases()).leases[0]?.holder;

  it('comes back by itself after a kill -9, at the same address and epoch by epoch, and is never without its lease', async () => {
    const one = start();
    const first = await withSession(one);
    let lapses = 0;
    process.kill(first.pid, 'SIGKILL');
    const next = await eventually(async () => {
      if ((await holder()) === undefined) lapses += 1;
      return one.readies[1];
    }, 60_000);
    expect(next.url).toBe(first.url);
    await browser(first.browser);
    expect(await isAlive(first.browser)).toBe(false);
    expect(lapses).toBe(0);
    await eventually(
      async () => epochSchema.safeParse(await (await call(next.url, 'GET')).json()).data?.epoch === 2,
    );
    expect((await coordination.assignment('7'))?.epoch).toBe(2);
  });

  it('is killed with its browsers when it is stopped (SIGSTOP), and started again', async () => {
    const one = start();
    const first = await withSession(one);
    process.kill(first.browser, 'SIGSTOP');
    process.kill(first.pid, 'SIGSTOP');
    await browser(first.browser);
    expect([await isAlive(first.pid), await isAlive(first.browser)]).toEqual([false, false]);
    expect(one.logged("kills the instance's process")?.['why']).toMatch(/no sign of life for 1\d s/);
  });

  it('ends itself and its browsers when its supervisor is killed, and the next supervisor goes on at once', async () => {
    const one = start();
    const first = await withSession(one);
    const before = await holder();
    one.signal('SIGKILL');
    await one.exited;
    await eventually(async () => !(await isAlive(first.pid)) && !(await isAlive(first.browser)));
    const two = start();
    await two.ready();
    await browser();
    expect((await holder())?.pid).toBe(two.pid);
    expect((await holder())?.incarnation).not.toBe(before?.incarnation);
    expect(two.logged('waits whether what speaks against its start')).toBeUndefined();
  });

  it('is found and ended by the next supervisor where it was stopped when its own was killed', async () => {
    const one = start();
    const first = await withSession(one);
    process.kill(first.pid, 'SIGSTOP');
    process.kill(first.browser, 'SIGSTOP');
    one.signal('SIGKILL');
    await one.exited;
    expect(await isAlive(first.pid)).toBe(true);
    const two = start();
    await two.ready();
    expect([await isAlive(first.pid), await isAlive(first.browser)]).toEqual([false, false]);
    await browser(first.browser);
  });

  it('goes on when its supervisor was stopped for longer than the lease, with new proofs', async () => {
    const one = start();
    const first = await withSession(one);
    one.signal('SIGSTOP');
    // Without proofs it ends its own browsers.
    await eventually(async () => !(await isAlive(first.browser)), 60_000);
    expect(await isAlive(first.pid)).toBe(true);
    await eventually(async () => (await holder()) === undefined, 60_000);
    one.signal('SIGCONT');
    await browser(first.browser);
    await eventually(async () => (await holder())?.pid === one.pid);
  });

  it('refuses a second supervisor of its id on the host, also when Redis has been emptied', async () => {
    const one = start();
    await one.ready();
    await redis.flushall();
    const two = start();
    expect(await two.ended).toBe(1);
    expect(two.said).toMatch(
      new RegExp(
        `^instance-1 runs on this host already: instance-1 on host .* \\(supervisor ${one.pid}, since 20.*\\)\\. Stop it first`,
      ),
    );
    expect(two.readies).toEqual([]);
  });

  it('refuses an id that is held on another host, and says by whom', async () => {
    const other = { ...leaseHolder('instance-1', 'other'), host: { name: 'b', boot: 'b/1' }, pid: 4711 };
    await coordination.acquire(other, 60_000, []);
    const one = start();
    expect(await one.ended).toBe(1);
    expect(one.said).toContain(
      'INSTANCE_ID instance-1 is held by instance-1 on host b (supervisor 4711, since',
    );
    expect(one.readies).toEqual([]);
  });

  it('refuses a session path that another instance does not share, and names that', async () => {
    const one = start();
    await one.ready();
    await eventually(holder);
    const two = start({ INSTANCE_ID: 'instance-2', WHATSAPP_SESSION_PATH: await temporaryDirectory() });
    expect(await two.ended).toBe(1);
    expect(two.said).toMatch(
      /does not show what instance-1 on host .* wrote to its session path\. Mount the same file system/,
    );
    const three = start({ INSTANCE_ID: 'instance-2' });
    await three.ready();
  });

  it('does not start without Redis, and without its session path, and says why', async () => {
    const lost = start({ WHATSAPP_SESSION_PATH: '/nowhere/at/all' });
    expect(await lost.ended).toBe(1);
    expect(lost.said).toContain('The session path /nowhere/at/all cannot be used: it does not exist.');
    const alone = start({ REDIS_URL: 'redis://127.0.0.1:1' });
    expect(await alone.ended).toBe(1);
    expect(alone.said).toContain('Redis at redis://127.0.0.1:1 does not answer');
  });

  it('gives its lease up and leaves nothing when it is stopped', async () => {
    const one = start();
    const first = await withSession(one);
    expect(await one.stop()).toBe(0);
    expect([await isAlive(first.pid), await isAlive(first.browser)]).toEqual([false, false]);
    expect((await coordination.leases()).leases[0]?.state).toBe('restarting');
  });
});
